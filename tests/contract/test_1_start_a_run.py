"""Contract 1: `POST /sourcing/preview`."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

ACME_WEBHOOK = "123e4567-e89b-12d3-a456-426614174000"
BETA_WEBHOOK = "223e4567-e89b-12d3-a456-426614174000"
NO_WEBHOOK = "00000000-0000-4000-8000-000000000000"
START = "/sourcing/preview"

DOCUMENTED_REQUEST = {
    "title": "Senior Backend Engineers – FinTech",
    "jobDescription": "We are looking for a Senior Backend Engineer with 5+ years of Node.js "
    "experience…",
    "location": "San Francisco, CA",
    "query": "Senior Node.js engineer fintech",
    "limit": 20,
    "webhookId": ACME_WEBHOOK,
}

#: Each limit and the most pages that it can take.
PAGES = [(1, 1), (19, 1), (20, 1), (21, 2), (40, 2), (41, 3), (60, 3), (61, 4), (80, 4), (81, 5)]
PAGES += [(99, 5), (100, 5)]


def code(answer) -> str:
    return answer.json()["error"]["code"]


# 1.1


def test_1_1_a_start_is_answered_at_once_and_the_run_goes_on_by_itself(manual):
    answer = manual.start()
    assert answer.status_code == 202
    assert answer.json()["status"] == "processing"
    request_id = answer.json()["requestId"]
    assert manual.poll(request_id).json()["createdAt"] == "2025-01-01T00:00:00.000Z"
    assert manual.poll(request_id).json()["status"] == "processing"
    assert manual.steps(request_id, "query") == []
    manual.sim.clock.until_idle()
    assert manual.poll(request_id).json()["status"] == "completed"


def test_1_1_results_come_by_webhook_and_by_polling(instant):
    request_id = instant.accepted(webhookId=ACME_WEBHOOK)
    (record,) = instant.sim.sink.wait_for(1, request_id=request_id)
    assert record.verdict == "pass"
    assert instant.poll(request_id).json()["status"] == "completed"


def test_1_1_two_starts_of_the_same_search_are_two_runs(manual):
    assert manual.accepted() != manual.accepted()


# 1.2


@pytest.mark.parametrize(("method", "path"), [("POST", START), ("GET", f"{START}/x/results")])
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "sk_sim_acme",
        "Basic sk_sim_acme",
        "Basic c2tfc2ltX2FjbWU6",
        "Token sk_sim_acme",
        "Bearer sk_sim_nobody",
        "Bearer SK_SIM_ACME",
        "Bearer sk_sim_acm",
        "Bearer sk_sim_acme_revoked",
        "Bearer sk_sim_acme,sk_sim_beta",
        "Bearer sk_sim_acme sk_sim_acme",
        "Bearer: sk_sim_acme",
        b"Bearer sk_sim_acme\xe9",
    ],
)
def test_1_2_a_missing_unknown_or_revoked_key_is_401(manual, method, path, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = manual.send(method, path, key=None, headers=headers, json=manual.body)
    assert answer.status_code == 401
    assert code(answer) == "INVALID_API_KEY"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("state", "status"), [("active", 202), ("revoked", 401), ("expired", 401)])
def test_1_2_only_an_active_key_opens_the_door(connect, world, state, status):
    keys = [{"key": "sk_one", "state": state}]
    company = {"name": "One", "unit": "credits", "balance": 5, "keys": keys}
    assert connect(world=world(company)).start(key="sk_one").status_code == status


@pytest.mark.parametrize(("state", "status"), [("active", 202), ("revoked", 401), ("expired", 401)])
def test_1_2_a_scenario_can_change_the_state_of_the_key_that_meets_it(
    connect, scenarios, state, status
):
    api = connect(scenarios=scenarios(keyed={"account": {"key": state}}))
    assert api.start(headers={"X-Sim-Scenario": "keyed"}).status_code == status
    assert api.start(key="sk_sim_acme.keyed").status_code == status
    assert api.start().status_code == 202


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_1_2_the_scheme_is_case_insensitive(manual, scheme):
    headers = {"Authorization": f"{scheme} sk_sim_acme"}
    assert manual.start(key=None, headers=headers).status_code == 202


def test_1_2_a_key_acts_for_its_own_company(manual):
    manual.accepted(key="sk_sim_acme", limit=100)
    manual.accepted(key="sk_sim_beta", limit=100)
    assert manual.account("Acme Talent")["held"] == 5
    assert manual.account("Beta Staffing")["held"] == 2.0


# 1.3


ALL_SCOPES = ["sourcing:write", "sourcing:read", "read:webhooks", "write:webhooks", "read:billing"]


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [("POST", START, "sourcing:write"), ("GET", f"{START}/x/results", "sourcing:read")],
)
def test_1_3_each_operation_needs_its_own_scope(connect, world, method, path, needed):
    others = [scope for scope in ALL_SCOPES if scope != needed]
    keys = [
        {"key": "sk_this", "scopes": [needed]},
        {"key": "sk_others", "scopes": others},
        {"key": "sk_nothing", "scopes": []},
    ]
    company = {"name": "One", "unit": "credits", "balance": 5, "keys": keys}
    api = connect(world=world(company))
    assert api.send(method, path, "sk_this", json=api.body).status_code in (202, 404)
    for key in ("sk_others", "sk_nothing"):
        answer = api.send(method, path, key, json=api.body)
        assert answer.status_code == 403
        assert code(answer) == "INSUFFICIENT_SCOPE"
        assert needed in answer.json()["error"]["message"]


def test_1_3_a_reading_key_polls_the_runs_of_its_company_and_starts_none(manual):
    request_id = manual.accepted()
    assert manual.poll(request_id, "sk_sim_acme_read").status_code == 202
    before = manual.sim.ledger()
    assert manual.start(key="sk_sim_acme_read").status_code == 403
    assert manual.sim.ledger() == before


# 1.4 and 1.5


def test_1_4_the_documented_request_is_accepted(instant):
    answer = instant.send("POST", START, json=DOCUMENTED_REQUEST)
    assert answer.status_code == 202
    assert answer.json()["webhookId"] == ACME_WEBHOOK


@pytest.mark.parametrize(
    ("name", "longest"),
    [("title", 200), ("jobDescription", 10_000), ("location", 200), ("query", 500)],
)
@pytest.mark.parametrize("letter", ["x", "é", "語", "😀", "\0", " ", '"', "\u0301"])
def test_1_4_a_text_has_1_to_so_many_code_points(manual, name, longest, letter):
    assert manual.start(**{name: letter}).status_code == 202
    assert manual.start(**{name: letter * longest}).status_code == 202
    answer = manual.start(**{name: letter * (longest + 1)})
    assert answer.status_code == 400
    (error,) = answer.json()["error"]["details"]["errors"]
    assert (error["path"], error["rule"]) == (f"/{name}", "maxLength")


@pytest.mark.parametrize("limit", [1, 2, 19, 20, 21, 99, 100])
def test_1_4_a_limit_is_1_to_100(instant, limit):
    assert len(instant.finished(limit=limit)["candidates"]) == limit


@pytest.mark.parametrize("written", ["20.0", "2e1", "2E1", "2.0e+1", "200e-1", "20.000"])
def test_1_4_a_number_without_a_fraction_is_an_integer_however_it_is_written(instant, written):
    raw = '{"title":"a","jobDescription":"b","location":"c","limit":%s}' % written  # noqa: UP031
    answer = instant.post(raw.encode())
    assert answer.status_code == 202
    assert instant.poll(answer.json()["requestId"]).json()["foundCount"] == 20


def test_1_4_the_limit_is_20_unless_told(instant):
    document = instant.finished()
    assert len(document["candidates"]) == 20
    assert instant.moves(document["requestId"])["hold"] == 1


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("limit", 0, "minimum"),
        ("limit", -1, "minimum"),
        ("limit", 101, "maximum"),
        ("limit", 2**53, "maximum"),
        ("limit", 20.5, "type"),
        ("limit", "20", "type"),
        ("limit", True, "type"),
        ("limit", False, "type"),
        ("limit", [20], "type"),
        ("title", 7, "type"),
        ("title", ["x"], "type"),
        ("title", {}, "type"),
        ("jobDescription", False, "type"),
        ("location", 1.5, "type"),
        ("query", 0, "type"),
        ("webhookId", 1, "type"),
        ("webhookId", "", "format"),
        ("webhookId", "hook", "format"),
        ("webhookId", "123e4567e89b12d3a456426614174000", "format"),
        ("webhookId", "{123e4567-e89b-12d3-a456-426614174000}", "format"),
        ("webhookId", "urn:uuid:123e4567-e89b-12d3-a456-426614174000", "format"),
        ("webhookId", "123e4567-e89b-12d3-a456-42661417400g", "format"),
        ("webhookId", "123e4567-e89b-12d3-a456-4266141740000", "format"),
        ("webhookId", "123e4567-e89b-12d3-a456-426614174000\n", "format"),
        ("webhookId", "１23e4567-e89b-12d3-a456-426614174000", "format"),
    ],
)
def test_1_4_another_type_or_size_is_400_and_says_where(manual, name, value, rule):
    before = manual.sim.ledger()
    answer = manual.start(**{name: value})
    assert answer.status_code == 400
    assert code(answer) == "VALIDATION_ERROR"
    (error,) = answer.json()["error"]["details"]["errors"]
    assert (error["path"], error["rule"]) == (f"/{name}", rule)
    assert error["message"]
    assert manual.sim.ledger() == before


@pytest.mark.parametrize(
    "name", ["title", "jobDescription", "location", "query", "limit", "webhookId"]
)
def test_1_4_null_is_not_the_same_as_left_out(manual, name):
    answer = manual.send("POST", START, json={**manual.body, name: None})
    assert answer.status_code == 400
    (error,) = answer.json()["error"]["details"]["errors"]
    assert (error["path"], error["rule"]) == (f"/{name}", "type")


@pytest.mark.parametrize("raw", [b"[]", b'""', b"null", b"true", b"1", b'[{"title":"a"}]'])
def test_1_4_a_body_that_is_no_object_is_400(manual, raw):
    answer = manual.post(raw)
    assert answer.status_code == 400
    (error,) = answer.json()["error"]["details"]["errors"]
    assert (error["path"], error["rule"]) == ("", "type")


def test_1_4_every_finding_is_listed(manual):
    answer = manual.start(title="", location=5, limit=101, page=1, jobDescription=None)
    errors = answer.json()["error"]["details"]["errors"]
    assert sorted((error["path"], error["rule"]) for error in errors) == [
        ("", "additionalProperties"),
        ("", "required"),
        ("/limit", "maximum"),
        ("/location", "type"),
        ("/title", "minLength"),
    ]


def test_1_4_a_query_overrides_the_search_text_of_the_job_description(instant):
    def people(**changes):
        return instant.finished(**changes)["candidates"]

    asked = people(query="welder")
    assert people(query="welder", jobDescription="Something else.") == asked
    assert people(query="plumber") != asked
    assert people() != asked
    assert people(jobDescription="welder") == asked


@pytest.mark.parametrize("name", ["title", "jobDescription", "location"])
def test_1_5_title_job_description_and_location_are_required(manual, name):
    answer = manual.start(**{name: None})
    assert answer.status_code == 400
    (error,) = answer.json()["error"]["details"]["errors"]
    assert (error["path"], error["rule"]) == ("", "required")
    assert name in error["message"]


@pytest.mark.parametrize("name", ["title", "jobDescription", "location", "query"])
def test_1_5_an_empty_text_is_400(manual, name):
    answer = manual.start(**{name: ""})
    assert answer.status_code == 400
    (error,) = answer.json()["error"]["details"]["errors"]
    assert (error["path"], error["rule"]) == (f"/{name}", "minLength")


@pytest.mark.parametrize("name", ["Title", "jobdescription", "webhookID", "", "$ref", "companyId"])
def test_1_5_an_unknown_property_is_rejected(manual, name):
    answer = manual.start(**{name: "x"})
    assert answer.status_code == 400
    (error,) = answer.json()["error"]["details"]["errors"]
    assert error["rule"] == "additionalProperties"


# 1.6


def test_1_6_the_answer_is_flat_and_has_exactly_these_properties(manual):
    manual.sim.clock.advance("61234ms")
    answer = manual.start()
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    request_id = document.pop("requestId")
    assert re.fullmatch(r"req_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id)
    assert document == {
        "success": True,
        "status": "processing",
        "message": "Sourcing run accepted and queued for processing.",
        "createdAt": "2025-01-01T00:01:01.234Z",
    }


@pytest.mark.parametrize("given", [ACME_WEBHOOK, ACME_WEBHOOK.upper()])
def test_1_6_the_webhook_is_named_only_when_one_was_given(manual, given):
    document = manual.start(webhookId=given).json()
    assert document["webhookId"].lower() == ACME_WEBHOOK
    names = {"success", "requestId", "status", "message", "webhookId", "createdAt"}
    assert set(document) == names


def test_1_6_ids_follow_from_the_seed(connect):
    ids = [
        [api.accepted() for _ in range(3)]
        for api in (connect(seed=7), connect(seed=7), connect(seed=8))
    ]
    assert ids[0] == ids[1]
    assert not set(ids[0]) & set(ids[2])


# 1.7


@pytest.mark.parametrize(
    ("webhook_id", "status", "expected"),
    [
        (NO_WEBHOOK, 404, "RESOURCE_NOT_FOUND"),
        (BETA_WEBHOOK, 403, "RESOURCE_ACCESS_DENIED"),
        (BETA_WEBHOOK.upper(), 403, "RESOURCE_ACCESS_DENIED"),
    ],
)
def test_1_7_a_webhook_of_nobody_or_of_another_company_is_refused(
    manual, webhook_id, status, expected
):
    before = manual.sim.ledger()
    answer = manual.start(webhookId=webhook_id)
    assert answer.status_code == status
    assert code(answer) == expected
    assert answer.json()["error"]["details"] == {
        "resourceType": "WebhookConfig",
        "resourceId": webhook_id.lower(),
    }
    assert manual.sim.ledger() == before
    assert manual.sim.clock.until_idle() == []


def test_1_7_an_unknown_webhook_is_told_in_the_documented_words(manual):
    message = manual.start(webhookId=NO_WEBHOOK).json()["error"]["message"]
    assert message == "Webhook configuration not found"


@pytest.mark.parametrize(
    ("events", "status"),
    [
        (["PING"], 422),
        (["SOURCING_COMPLETED"], 202),
        (["SOURCING_FAILED"], 202),
        (["sourcing.failed", "PING"], 202),
        (["SOURCING_COMPLETED", "SOURCING_FAILED"], 202),
    ],
)
def test_1_7_a_webhook_must_subscribe_to_an_end_of_the_run(connect, world, events, status):
    company = {
        "name": "One",
        "unit": "credits",
        "balance": 5,
        "keys": [{"key": "sk_one"}],
        "webhooks": [{"id": ACME_WEBHOOK, "events": events}],
    }
    api = connect(world=world(company), clock="manual")
    before = api.sim.ledger()
    answer = api.start(key="sk_one", webhookId=ACME_WEBHOOK)
    assert answer.status_code == status
    if status == 422:
        assert code(answer) == "WEBHOOK_NOT_SUBSCRIBED"
        assert api.sim.ledger() == before


# 1.8


@pytest.mark.parametrize(("limit", "pages"), PAGES)
@pytest.mark.parametrize(("unit", "price", "piece"), [("credits", 1, 1), ("minutes", 0.4, 0.1)])
def test_1_8_a_short_balance_is_402_and_changes_nothing(
    connect, world, unit, price, piece, limit, pages
):
    required = round(pages * price, 1)
    short = round(required - piece, 1)
    keys = [{"key": "sk_one"}]
    company = {"name": "One", "unit": unit, "balance": short, "keys": keys}
    api = connect(world=world(company), clock="manual")
    before = api.sim.ledger()
    answer = api.start(key="sk_one", limit=limit)
    assert answer.status_code == 402
    assert code(answer) == "INSUFFICIENT_CREDITS"
    assert answer.json()["error"]["details"] == {
        "required": required,
        "available": short,
        "unit": unit,
    }
    assert api.sim.ledger() == before
    assert api.sim.clock.until_idle() == []


@pytest.mark.parametrize(("limit", "pages"), PAGES)
@pytest.mark.parametrize(("unit", "price"), [("credits", 1), ("minutes", 0.4)])
def test_1_8_a_balance_that_just_covers_the_most_is_enough(
    connect, world, unit, price, limit, pages
):
    required = round(pages * price, 1)
    keys = [{"key": "sk_one"}]
    company = {"name": "One", "unit": unit, "balance": required, "keys": keys}
    api = connect(world=world(company), clock="manual")
    request_id = api.accepted(key="sk_one", limit=limit)
    assert api.moves(request_id) == {"hold": required, "charge": 0, "release": 0}
    assert api.account("One") == {
        "granted": required,
        "available": 0,
        "held": required,
        "charged": 0,
    }


def test_1_8_what_running_runs_hold_is_not_available(connect, world):
    keys = [{"key": "sk_one"}]
    company = {"name": "One", "unit": "credits", "balance": 6, "keys": keys}
    api = connect(world=world(company), clock="manual", scenario="nobody-matches")
    api.accepted(key="sk_one", limit=100)
    refused = api.start(key="sk_one", limit=40)
    assert refused.status_code == 402
    assert refused.json()["error"]["details"]["available"] == 1
    api.accepted(key="sk_one", limit=20)
    api.sim.clock.until_idle()  # an empty page each: 2 charged, 4 back
    assert api.account("One") == {"granted": 6, "available": 4, "held": 0, "charged": 2}
    assert api.start(key="sk_one", limit=100).status_code == 402
    assert api.start(key="sk_one", limit=80).status_code == 202


def test_1_8_runs_that_race_for_the_last_credits_never_hold_more_than_there_is(connect, world):
    keys = [{"key": "sk_one"}]
    company = {"name": "One", "unit": "credits", "balance": 7, "keys": keys}
    api = connect(world=world(company), clock="manual")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.start(key="sk_one", limit=40), range(16)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [402] * 13
    assert api.account("One") == {"granted": 7, "available": 1, "held": 6, "charged": 0}


@pytest.mark.parametrize("scenario", ["insufficient-credits", "insufficient-minutes"])
def test_1_8_a_scenario_can_be_short_of_money(manual, scenario):
    answer = manual.start(headers={"X-Sim-Scenario": scenario})
    assert answer.status_code == 402
    assert manual.account() == {"granted": 1000, "available": 1000, "held": 0, "charged": 0}
    assert manual.start().status_code == 202
