"""Many clients at once: the last credit is spent once, and every run is as if it were alone."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

ACME, BETA = "sk_sim_acme", "sk_sim_beta"
CLIENTS = 50
LIMITS = (1, 19, 20, 21, 40, 41, 60, 99, 100)
NINE = 9


@pytest.fixture(params=["memory", "file"])
def db(request, tmp_path):
    return tmp_path / "store.db" if request.param == "file" else None


@pytest.mark.parametrize("clock", ["real", "manual"])
@pytest.mark.parametrize(("unit", "balance"), [("credits", 7), ("minutes", 2.8)])
def test_of_fifty_at_once_on_a_balance_for_seven_seven_are_accepted(
    connect, world, db, clock, unit, balance
):
    client = connect(clock=clock, db=db, world=world(balance, unit), scenario="slow")
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda n: client.start(limit=1 + n % 20), range(CLIENTS)))
    assert Counter(answer.status_code for answer in answers) == {202: 7, 402: 43}
    accepted = {answer.json()["requestId"] for answer in answers if answer.status_code == 202}
    assert len(accepted) == 7
    for answer in answers:
        if answer.status_code == 402:
            error = answer.json()["error"]
            assert error["code"] == "INSUFFICIENT_CREDITS"
            assert error["details"]["available"] < error["details"]["required"]
    ledger = client.ledger()
    client.check_ledger(at_rest=False)
    [account] = ledger["accounts"]
    assert (account["granted"], account["available"]) == (balance, 0)
    assert (account["held"], account["charged"]) == (balance, 0)
    assert Counter(entry["kind"] for entry in ledger["entries"]) == {"grant": 1, "hold": 7}
    assert {entry["requestId"] for entry in ledger["entries"]} == {None, *accepted}


@pytest.mark.parametrize("clock", ["real", "instant", "x50"])
def test_with_fifty_clients_at_once_every_run_is_as_if_it_were_alone(connect, db, clock):
    client = connect(clock=clock, db=db)
    asked = [
        (BETA if n % 10 == 0 else ACME, LIMITS[n % len(LIMITS)], scenario)
        for n, scenario in zip(
            range(CLIENTS * 2),
            ["happy", "exhausted-on-page-2", "nobody-matches", "happy", "sparse-profiles"]
            * CLIENTS,
            strict=False,
        )
    ]

    def one(ask):
        key, limit, scenario = ask
        answer = client.start(f"{key}.{scenario}", limit=limit)
        assert answer.status_code == 202, answer.text
        request_id = answer.json()["requestId"]
        return request_id, client.result(request_id, key)

    with ThreadPoolExecutor(CLIENTS) as pool:
        came = list(pool.map(one, asked))
    assert len({request_id for request_id, _ in came}) == len(asked)
    total = {"happy": 250, "exhausted-on-page-2": 33, "nobody-matches": 0, "sparse-profiles": 250}
    charged = Counter()
    for (key, limit, scenario), (request_id, result) in zip(asked, came, strict=True):
        pages = max(1, min(-(-limit // 20), -(-total[scenario] // 20)))
        charged[key] += pages
        assert result["requestId"] == request_id
        assert result["status"] == "completed"
        assert len(result["candidates"]) == min(limit, total[scenario])
        assert result["foundCount"] == min(pages * 20, total[scenario])
        assert all(len(person) == NINE for person in result["candidates"])
    client.check_ledger()
    assert client.account("Acme Talent")["charged"] == charged[ACME]
    assert client.account("Beta Staffing")["charged"] == round(charged[BETA] * 0.4, 1)

    records = client.wait_for_records(len(asked))
    assert len(records) == len(asked), "exactly one terminal event for each run"
    assert Counter(record["requestId"] for record in records) == Counter(
        request_id for request_id, _ in came
    )
    assert {(record["event"], record["verdict"]) for record in records} == {
        ("SOURCING_COMPLETED", "pass")
    }, [record["checks"] for record in records if record["verdict"] != "pass"][:1]
    assert json.loads(client.http.get("/_sim/health").text)["workFailures"] == 0


def test_many_pollers_of_one_run_see_it_go_on_and_never_back(connect):
    client = connect(clock="x50", scenario="slow")
    request_id = client.start(limit=100).json()["requestId"]

    def watch(_):
        seen = []
        while not seen or seen[-1][0] == 202:
            answer = client.poll(request_id)
            body = answer.json()
            seen.append((answer.status_code, body.get("candidatesSourcedCount", 100), body))
        return seen

    with ThreadPoolExecutor(8) as pool:
        for seen in pool.map(watch, range(8)):
            counts = [count for _, count, _ in seen]
            assert counts == sorted(counts)
            assert set(counts) <= {0, 20, 40, 60, 80, 100}
            assert seen[-1][2] == client.result(request_id)
