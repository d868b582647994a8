"""kill -9 under load, again and again on one file: what was answered is there, done once."""

import json
import signal
import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

ACME, BETA = "sk_sim_acme", "sk_sim_beta"
SCENARIOS = ("happy", "provider-fails-on-page-1", "exhausted-on-page-2", "happy")
ROUNDS = 4
LOADERS = 8
ENOUGH = 40


def load(client, acknowledged: dict[str, tuple[str, int]], stop: threading.Event) -> None:
    """Start runs until the simulator is gone; remember only what was answered."""
    n = 0
    while not stop.is_set():
        n += 1
        key, limit = (BETA if n % 9 == 0 else ACME), 1 + n * 7 % 100
        try:
            answer = client.start(f"{key}.{SCENARIOS[n % len(SCENARIOS)]}", limit=limit)
        except httpx.TransportError:
            return
        assert answer.status_code in (202, 402), answer.text
        if answer.status_code == 202:
            acknowledged[answer.json()["requestId"]] = (key, limit)


@pytest.mark.parametrize("clock", ["real", "instant"])
def test_nothing_acknowledged_is_lost_and_nothing_is_done_twice(serve, tmp_path, clock):
    file = tmp_path / "store.db"
    options = (f"--db={file}", f"--clock={clock}", "--self-check")
    acknowledged: dict[str, tuple[str, int]] = {}
    granted = None
    for _ in range(ROUNDS):
        process, stop = serve(*options), threading.Event()
        granted = granted or grants(process.client.ledger())
        assert grants(process.client.ledger()) == granted, "a restart grants nothing again"
        with ThreadPoolExecutor(LOADERS) as pool:
            before = len(acknowledged)
            loaders = [
                pool.submit(load, process.client, acknowledged, stop) for _ in range(LOADERS)
            ]
            enough = threading.Event()
            while len(acknowledged) < before + ENOUGH and not all(one.done() for one in loaders):
                enough.wait(0.005)
            process.popen.send_signal(signal.SIGKILL)
            stop.set()
        for loader in loaders:
            loader.result()
        assert process.end(signal.SIGKILL) == -signal.SIGKILL
        assert len(acknowledged) > before, "it was killed before it did anything"

    process = serve(*options)
    client = process.client
    for request_id, (key, limit) in acknowledged.items():
        result = client.result(request_id, key)
        assert result["requestId"] == request_id
        if result["status"] == "completed":
            assert len(result["candidates"]) == min(limit, result["foundCount"])
    process_is_at_rest(client)
    client.check_ledger()
    assert grants(client.ledger()) == granted
    assert client.http.get("/_sim/health").json()["status"] == "ok"
    stories = {request_id: client.story(request_id) for request_id in acknowledged}
    for request_id, story in stories.items():
        check_story(request_id, story)
    assert process.end(signal.SIGTERM) == 0
    check_file(file, set(acknowledged))


def process_is_at_rest(client) -> None:
    """Wait until no account holds anything and no delivery is pending."""
    from_outside = threading.Event()
    for _ in range(3_000):
        if all(account["held"] == 0 for account in client.ledger()["accounts"]):
            return
        from_outside.wait(0.01)
    raise AssertionError("something is still held")


def grants(ledger) -> list[tuple[str, float]]:
    return sorted(
        (entry["accountId"], entry["amount"])
        for entry in ledger["entries"]
        if entry["kind"] == "grant"
    )


def check_story(request_id: str, story) -> None:
    kinds = Counter(step["kind"] for step in story["steps"])
    assert story["status"] in ("completed", "failed"), request_id
    assert kinds["accepted"] == kinds["hold"] == kinds[story["status"]] == 1
    assert kinds["charge"] <= 1
    assert kinds["release"] <= 1
    assert kinds["delivery"] == 1
    queries = [
        (step["page"], step["attempt"]) for step in story["steps"] if step["kind"] == "query"
    ]
    assert queries == sorted(set(queries)), "no attempt at a page was made twice"
    assert len(queries) <= 15
    pages = {
        step["page"]
        for step in story["steps"]
        if step["kind"] == "query" and step["outcome"] == "ok"
    }
    charged = sum(step["amount"] for step in story["steps"] if step["kind"] == "charge")
    price = {"credits": 1, "minutes": 0.4}
    [unit] = {step["unit"] for step in story["steps"] if step["kind"] == "hold"}
    assert charged == pytest.approx(len(pages) * price[unit])


def check_file(file, acknowledged: set[str]) -> None:
    """The invariants once more, from the file alone."""
    connection = sqlite3.connect(file, timeout=0)

    def rows(sql: str):
        return connection.execute(sql).fetchall()

    stored = {run for (run,) in rows("SELECT id FROM run")}
    assert acknowledged <= stored
    # invariant 4: a run that is not over has work that is due, one that is over has none
    assert rows("SELECT id FROM run WHERE (state = 'processing') <> (due IS NOT NULL)") == []
    assert rows("SELECT id FROM delivery WHERE (state = 'pending') <> (due IS NOT NULL)") == []
    # invariant 5: one terminal event per run that is over
    events = Counter(run for (run,) in rows("SELECT run FROM delivery"))
    assert set(events.values()) == {1}
    over = {run for (run,) in rows("SELECT id FROM run WHERE state <> 'processing'")}
    assert set(events) == over
    # invariant 3: charges are pages that the provider answered
    for run, charge, pages in rows(
        "SELECT r.id, (SELECT coalesce(sum(amount), 0) FROM entry e"
        " WHERE e.run = r.id AND e.kind = 'charge'),"
        " (SELECT count(DISTINCT page) FROM page_query p WHERE p.run = r.id AND outcome = 'ok')"
        " * (SELECT CASE unit WHEN 'credits' THEN 1 ELSE 24 END FROM account a"
        " WHERE a.id = r.account) FROM run r WHERE state <> 'processing'"
    ):
        assert charge == pages, run
    # invariant 6: delivered says that an attempt was acknowledged
    for delivery, state, attempts in rows("SELECT id, state, attempts FROM delivery"):
        made = rows(f"SELECT number, status FROM attempt WHERE delivery = '{delivery}'")
        assert sorted(number for number, _ in made) == list(range(1, attempts + 1))
        assert (state == "delivered") == any(status == 200 for _, status in made)
    assert json.dumps(rows("PRAGMA integrity_check")) == '[["ok"]]'
    connection.close()


def test_a_second_process_on_the_same_file_is_refused_and_the_first_goes_on(serve, tmp_path):
    file = tmp_path / "store.db"
    first = serve(f"--db={file}")
    with pytest.raises(AssertionError, match=r"serve ended with 2.*another process holds"):
        serve(f"--db={file}")
    assert first.client.start().status_code == 202


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_with_0_and_keeps_its_state(serve, tmp_path, number):
    file = tmp_path / "store.db"
    first = serve(f"--db={file}", "--scenario=slow")
    request_id = first.client.start(limit=60).json()["requestId"]
    assert first.end(number) == 0
    second = serve(f"--db={file}")
    assert second.client.poll(request_id).status_code == 202
    assert second.client.account()["held"] == 3
