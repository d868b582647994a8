"""Contract 6.1, 6.2, 6.5 and 6.6: errors, prepaid and postpaid, companies."""

import re

import pytest

START = "/sourcing/preview"
RESULTS = f"{START}/req_00000000-0000-4000-8000-000000000000/results"
ACME_WEBHOOK = "123e4567-e89b-12d3-a456-426614174000"
BETA_WEBHOOK = "223e4567-e89b-12d3-a456-426614174000"
PING_WEBHOOK = "323e4567-e89b-12d3-a456-426614174000"
NO_WEBHOOK = "00000000-0000-4000-8000-000000000000"

JSON = {"Content-Type": "application/json"}
FINE = b'{"title":"a","jobDescription":"b","location":"c"}'


def with_webhook(id_: str) -> bytes:
    return FINE[:-1] + f',"webhookId":"{id_}"}}'.encode()


#: What provokes each error: status, code, method, path, key, headers, body.
ERRORS = [
    (401, "INVALID_API_KEY", "POST", START, "sk_nobody", JSON, FINE),
    (401, "INVALID_API_KEY", "GET", RESULTS, None, {}, b""),
    (403, "INSUFFICIENT_SCOPE", "POST", START, "sk_sim_acme_read", JSON, FINE),
    (400, "VALIDATION_ERROR", "POST", START, "sk_sim_acme", JSON, b"{}"),
    (400, "VALIDATION_ERROR", "POST", START, "sk_sim_acme", JSON, b"{"),
    (402, "INSUFFICIENT_CREDITS", "POST", START, "sk_sim_empty", JSON, FINE),
    (404, "RESOURCE_NOT_FOUND", "POST", START, "sk_sim_acme", JSON, with_webhook(NO_WEBHOOK)),
    (403, "RESOURCE_ACCESS_DENIED", "POST", START, "sk_sim_acme", JSON, with_webhook(BETA_WEBHOOK)),
    (422, "WEBHOOK_NOT_SUBSCRIBED", "POST", START, "sk_sim_acme", JSON, with_webhook(PING_WEBHOOK)),
    (404, "REQUEST_NOT_FOUND", "GET", RESULTS, "sk_sim_acme", {}, b""),
    (415, "UNSUPPORTED_MEDIA_TYPE", "POST", START, "sk_sim_acme", {}, FINE),
    (413, "PAYLOAD_TOO_LARGE", "POST", START, "sk_sim_acme", JSON, b" " * 1_000_000),
    (405, "METHOD_NOT_ALLOWED", "DELETE", START, "sk_sim_acme", {}, b""),
    (405, "METHOD_NOT_ALLOWED", "POST", RESULTS, "sk_sim_acme", JSON, FINE),
    (406, "NOT_ACCEPTABLE", "GET", RESULTS, "sk_sim_acme", {"Accept": "text/html"}, b""),
    (404, "ROUTE_NOT_FOUND", "GET", "/", "sk_sim_acme", {}, b""),
    (404, "ROUTE_NOT_FOUND", "POST", "/sourcing", None, JSON, FINE),
    (400, "UNKNOWN_SCENARIO", "POST", START, "sk_sim_acme.hapy", JSON, FINE),
    (400, "UNKNOWN_SCENARIO", "GET", RESULTS, "sk_sim_acme", {"X-Sim-Scenario": "hapy"}, b""),
]


@pytest.fixture
def three(connect, world):
    """The companies of the default world, with one more webhook: it hears of pings only."""

    def company(name, unit, balance, keys, *webhooks):
        return {"name": name, "unit": unit, "balance": balance, "keys": keys, "webhooks": webhooks}

    def webhook(id_, *events):
        return {"id": id_, "events": events}

    ends = ("SOURCING_COMPLETED", "SOURCING_FAILED")
    return connect(
        clock="manual",
        world=world(
            company(
                "Acme Talent",
                "credits",
                1000,
                [{"key": "sk_sim_acme"}, {"key": "sk_sim_acme_read", "scopes": ["sourcing:read"]}],
                webhook(ACME_WEBHOOK, *ends),
                webhook(PING_WEBHOOK, "PING"),
            ),
            company(
                "Beta Staffing",
                "minutes",
                40.0,
                [{"key": "sk_sim_beta"}],
                webhook(BETA_WEBHOOK, *ends),
            ),
            company("Empty Purse", "credits", 0, [{"key": "sk_sim_empty"}]),
        ),
    )


# 6.1 and 6.2


@pytest.mark.parametrize(
    ("status", "code", "method", "path", "key", "headers", "body"),
    ERRORS,
    ids=[f"{error[1]}-{number}" for number, error in enumerate(ERRORS)],
)
def test_6_1_every_error_has_the_envelope_and_6_2_its_status(
    three, status, code, method, path, key, headers, body
):
    three.sim.clock.advance("1ms")
    before = three.sim.ledger()
    answer = three.send(method, path, key, headers, content=body)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    assert set(document) == {"success", "data", "error", "timestamp"}
    assert document["success"] is False
    assert document["data"] is None
    assert document["timestamp"] == "2025-01-01T00:00:00.001Z"
    assert set(document["error"]) == {"code", "message", "details"}
    assert document["error"]["code"] == code
    assert len(document["error"]["message"]) > 10
    assert isinstance(document["error"]["details"], dict)
    assert three.sim.ledger() == before
    assert three.sim.clock.until_idle() == []


#: The errors whose details are fixed; the others have something to say or have {}.
DETAILS = {
    "INVALID_API_KEY": {},
    "REQUEST_NOT_FOUND": {},
    "INSUFFICIENT_CREDITS": {"required": 1, "available": 0, "unit": "credits"},
    "RESOURCE_NOT_FOUND": {"resourceType": "WebhookConfig", "resourceId": NO_WEBHOOK},
    "RESOURCE_ACCESS_DENIED": {"resourceType": "WebhookConfig", "resourceId": BETA_WEBHOOK},
    "UNKNOWN_SCENARIO": {"scenario": "hapy", "nearest": "happy"},
    "METHOD_NOT_ALLOWED": {},
    "ROUTE_NOT_FOUND": {},
    "UNSUPPORTED_MEDIA_TYPE": {},
    "NOT_ACCEPTABLE": {},
}


@pytest.mark.parametrize("code", DETAILS)
def test_6_2_the_details_of_an_error(three, code):
    for _, wanted, method, path, key, headers, body in ERRORS:
        if wanted == code:
            answer = three.send(method, path, key, headers, content=body)
            assert answer.json()["error"]["details"] == DETAILS[code]


@pytest.mark.parametrize("raw", [b"{}", b"{", b"", b"[]", FINE[:-1] + b',"limit":0,"x":1}'])
def test_6_2_a_validation_error_lists_path_message_and_rule(manual, raw):
    error = manual.post(raw).json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert set(error["details"]) == {"errors"}
    assert error["details"]["errors"]
    for finding in error["details"]["errors"]:
        assert set(finding) == {"path", "message", "rule"}
        assert re.fullmatch(r"(/[^/]+)*", finding["path"])
        assert finding["message"]
        assert finding["rule"]


def test_6_2_no_body_reveals_the_key_that_was_tried(manual):
    for key in ("sk_live_a_secret_of_somebody", "sk_sim_acme_revoked"):
        answer = manual.start(key=key)
        assert key not in answer.text


def test_6_2_a_run_that_fails_names_agent_error(instant):
    document = instant.finished(headers={"X-Sim-Scenario": "provider-fails-on-page-1"})
    assert document["errorCode"] == "AGENT_ERROR"


# 6.5


def test_6_5_prepaid_is_the_default(manual):
    assert manual.start(key="sk_sim_empty").status_code == 402


@pytest.mark.parametrize(("unit", "price"), [("credits", 1), ("minutes", 0.4)])
def test_6_5_a_postpaid_company_meets_no_402_and_is_charged_all_the_same(
    connect, world, unit, price
):
    keys = [{"key": "sk_one"}]
    company = {"name": "One", "unit": unit, "balance": 0, "postpaid": True, "keys": keys}
    api = connect(world=world(company))
    first = api.finished(key="sk_one", limit=100)
    second = api.finished(key="sk_one", limit=20)
    assert api.moves(first["requestId"]) == {
        "hold": round(5 * price, 1),
        "charge": round(5 * price, 1),
        "release": 0,
    }
    assert api.moves(second["requestId"])["charge"] == price
    account = api.account("One")
    assert account["charged"] == round(6 * price, 1)
    assert account["held"] == 0


def test_6_5_a_scenario_can_bring_a_postpaid_purse(connect, scenarios):
    purse = {"account": {"balance": 0, "unit": "minutes", "postpaid": True}}
    api = connect(scenarios=scenarios(later=purse))
    document = api.finished(limit=60, headers={"X-Sim-Scenario": "later"})
    assert api.moves(document["requestId"]) == {"hold": 1.2, "charge": 1.2, "release": 0}
    assert api.account() == {"granted": 1000, "available": 1000, "held": 0, "charged": 0}


# 6.6


def test_6_6_a_company_neither_reads_nor_changes_the_runs_of_another(three):
    before = three.account("Beta Staffing")
    request_id = three.accepted(limit=100)
    assert three.poll(request_id, "sk_sim_beta").status_code == 404
    three.sim.clock.until_idle()
    assert three.poll(request_id, "sk_sim_beta").status_code == 404
    assert three.poll(request_id, "sk_sim_acme_read").status_code == 200
    assert three.account("Beta Staffing") == before


def test_6_6_a_company_that_is_out_of_money_stops_no_other(three):
    assert three.start(key="sk_sim_empty").status_code == 402
    assert three.start(key="sk_sim_beta").status_code == 202
    assert three.start(key="sk_sim_acme").status_code == 202


def test_6_6_a_webhook_hears_only_of_runs_of_its_own_company(three):
    mine = three.accepted(webhookId=ACME_WEBHOOK)
    theirs = three.accepted(key="sk_sim_beta", webhookId=BETA_WEBHOOK)
    assert three.start(webhookId=BETA_WEBHOOK).status_code == 403
    three.sim.clock.until_idle()
    heard = {
        webhook: [record.request_id for record in three.sim.sink.records(endpoint=webhook)]
        for webhook in (ACME_WEBHOOK, BETA_WEBHOOK)
    }
    assert heard == {ACME_WEBHOOK: [mine], BETA_WEBHOOK: [theirs]}


def test_6_6_what_one_company_does_shows_in_no_answer_to_another(connect):
    def seen_by_beta(api) -> list:
        document = api.finished(key="sk_sim_beta", limit=40)
        refused = api.start(key="sk_sim_beta", limit=0).json()
        for volatile in ("requestId", "createdAt", "completedAt"):
            del document[volatile]
        del refused["timestamp"]
        return [document, refused, api.account("Beta Staffing")]

    alone, busy = connect(), connect()
    for _ in range(3):
        busy.finished(limit=100, webhookId=ACME_WEBHOOK)
    busy.start(limit=0)
    assert seen_by_beta(busy) == seen_by_beta(alone)
