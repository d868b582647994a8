"""Contract 3: `GET /sourcing/preview/{requestId}/results`."""

import json

import pytest

ONE_PAGE = {"provider": {"latency": "200ms"}}
UNKNOWN = "req_00000000-0000-4000-8000-000000000000"
KEY_NAMES = [
    "profileId",
    "fullName",
    "profileUrl",
    "title",
    "headline",
    "location",
    "country",
    "companyName",
    "companyUrl",
]


def without_timestamp(answer) -> dict:
    document = answer.json()
    assert document.pop("timestamp")
    return document


# 3.1


def test_3_1_a_run_that_is_on_is_202_with_exactly_these_properties(manual):
    request_id = manual.accepted()
    manual.sim.clock.advance("7ms")
    answer = manual.poll(request_id)
    assert answer.status_code == 202
    assert answer.json() == {
        "success": True,
        "requestId": request_id,
        "status": "processing",
        "createdAt": "2025-01-01T00:00:00.000Z",
        "candidatesSourcedCount": 0,
        "message": "The sourcing agent is actively analyzing candidates. "
        "Please poll again in 10 seconds.",
    }


def test_3_1_the_count_tells_who_was_found_so_far(connect, scenarios):
    provider = {"total": 70, "latency": "200ms", "pages": {"2": {"count": 7}}}
    api = connect(clock="manual", scenarios=scenarios(growing={"provider": provider}))
    request_id = api.accepted(limit=80, headers={"X-Sim-Scenario": "growing"})
    seen = []
    while (answer := api.poll(request_id)).status_code == 202:
        seen.append(answer.json()["candidatesSourcedCount"])
        api.sim.clock.advance("200ms")
    assert seen == [0, 20, 27, 47]
    assert answer.json()["foundCount"] == 57


def test_3_1_a_run_is_done_at_the_very_millisecond_of_its_last_answer(connect, scenarios):
    api = connect(clock="manual", scenarios=scenarios(timed=ONE_PAGE), scenario="timed")
    request_id = api.accepted()
    api.sim.clock.advance("199ms")
    assert api.poll(request_id).status_code == 202
    api.sim.clock.advance("1ms")
    assert api.poll(request_id).status_code == 200


# 3.2


def test_3_2_a_completed_run_is_200_with_exactly_these_properties(connect, scenarios):
    api = connect(clock="manual", scenarios=scenarios(timed=ONE_PAGE), scenario="timed")
    api.sim.clock.advance("1s")
    document = api.finished(limit=30)
    candidates = document.pop("candidates")
    assert document.pop("requestId").startswith("req_")
    assert document == {
        "success": True,
        "status": "completed",
        "createdAt": "2025-01-01T00:00:01.000Z",
        "completedAt": "2025-01-01T00:00:01.400Z",
        "foundCount": 40,
        "scoredCount": 0,
    }
    assert len(candidates) == 30
    assert all(list(candidate) == KEY_NAMES for candidate in candidates)


@pytest.mark.parametrize(
    ("limit", "found"), [(1, 20), (20, 20), (21, 40), (30, 40), (60, 60), (99, 100), (100, 100)]
)
def test_3_2_found_counts_before_the_cut_at_the_limit(instant, limit, found):
    document = instant.finished(limit=limit)
    assert document["foundCount"] == found
    assert len(document["candidates"]) == limit
    assert document["scoredCount"] == 0


def test_3_2_a_result_is_the_same_bytes_at_every_poll(manual):
    request_id = manual.accepted()
    manual.sim.clock.until_idle()
    first = manual.poll(request_id).content
    manual.accepted()
    manual.sim.clock.advance("1h")
    assert manual.poll(request_id).content == first
    assert manual.poll(request_id, "sk_sim_acme_read").content == first


# 3.3


def test_3_3_a_failed_run_is_200_with_exactly_these_properties(manual):
    headers = {"X-Sim-Scenario": "provider-timeout"}
    request_id = manual.accepted(headers=headers)
    manual.sim.clock.until_idle()
    answer = manual.poll(request_id)
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "requestId": request_id,
        "status": "failed",
        "errorCode": "AGENT_ERROR",
        "errorMessage": "The sourcing agent encountered an unexpected error.",
        "createdAt": "2025-01-01T00:00:00.000Z",
        "completedAt": "2025-01-01T00:00:46.000Z",
    }


# 3.4 and 3.6


def test_3_4_a_run_of_another_company_is_like_one_that_does_not_exist(manual):
    request_id = manual.accepted()
    foreign = manual.poll(request_id, "sk_sim_beta")
    unknown = manual.poll(UNKNOWN, "sk_sim_beta")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["error"]["code"] == "REQUEST_NOT_FOUND"
    assert foreign.content == unknown.content  # the manual clock stands, so do the timestamps
    assert {**foreign.headers, "date": ""} == {**unknown.headers, "date": ""}


@pytest.mark.parametrize("scenario", ["slow", "provider-fails-on-page-1"])
def test_3_4_not_even_the_scenario_of_a_foreign_run_shows(manual, scenario):
    request_id = manual.accepted(headers={"X-Sim-Scenario": scenario})
    for moment in ("while it runs", "after its end"):
        foreign = manual.poll(request_id, "sk_sim_beta")
        assert foreign.headers["X-Sim-Scenario"] == "happy; via=default", moment
        assert without_timestamp(foreign) == without_timestamp(manual.poll(UNKNOWN))
        manual.sim.clock.until_idle()


def test_3_4_an_unknown_run_is_404_and_its_error_has_nothing_to_say(manual):
    answer = manual.poll(UNKNOWN)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "REQUEST_NOT_FOUND"
    assert answer.json()["error"]["details"] == {}


@pytest.mark.parametrize(
    "written",
    [
        "x",
        "req_",
        "req_1",
        "0",
        "00000000-0000-4000-8000-000000000000",
        "req_00000000000040008000000000000000",
        "req_00000000-0000-4000-8000-00000000000",
        "req_00000000-0000-4000-8000-0000000000000",
        "req_g0000000-0000-4000-8000-000000000000",
        "{id}%20",
        "%20{id}",
        "{id}%00",
        "{id}%0A",
        "{id}%2F",
        "%2F{id}",
        "..%2F{id}",
        "{id};x=1",
        "{id},{id}",
        "{id}*",
        "%25",
        "%",
        "%zz",
        "%ff",
        "%C0%AF",
        "%ED%A0%80",
        "%F0%9F%98%80",
        "語",
        "x" * 5000,
        "' OR 1=1 --",
    ],
)
def test_3_6_a_malformed_id_is_an_unknown_id(manual, written):
    request_id = manual.accepted()
    answer = manual.poll(written.replace("{id}", request_id))
    assert answer.status_code == 404
    assert json.loads(answer.content) == manual.poll(UNKNOWN).json()


def test_3_6_an_id_is_found_in_capitals_and_percent_encoded(manual):
    request_id = manual.accepted()
    capitals = "req_" + request_id.removeprefix("req_").upper()
    encoded = request_id.replace("-", "%2D").replace("_", "%5f")
    for written in (capitals, encoded):
        answer = manual.poll(written)
        assert answer.status_code == 202
        assert answer.json()["requestId"] == request_id
