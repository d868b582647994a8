"""Work that fails, a store that fails: the simulator goes on by itself when the fault is gone."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from preview_sim.simulator import worker

STEP = "preview_sim.engine.step"
DELIVER = "preview_sim.engine.deliver"
WORKER = "preview_sim.simulator.worker"

ACME = "sk_sim_acme"
BETA = "sk_sim_beta"

#: What a request may take while work fails; nothing here takes a tenth of it.
SOON_S = 5.0


class Fault:
    """Makes the next `times` bodies of one module fail at the store, and counts how many did."""

    def __init__(
        self, store: Any, port: str, module: str, times: int, then: Callable[[], Any] | None
    ) -> None:
        self.fired = 0
        self.times = times
        whole = getattr(store, port)

        async def failing(body: Callable[..., Any]) -> Any:
            if body.__module__ == module and self.fired < self.times:
                self.fired += 1
                if then is not None:
                    then()
                raise OSError("on purpose")
            return await whole(body)

        setattr(store, port, failing)


class Inside:
    """The simulator that `connect` started last, from the inside: where faults come from."""

    def __init__(self) -> None:
        self.sim: Any = None

    @property
    def store(self) -> Any:
        return self.sim.running.sandbox("default").store

    def fault(
        self, port: str, module: str, times: int = 1, then: Callable[[], Any] | None = None
    ) -> Fault:
        return Fault(self.store, port, module, times, then)

    def pragma(self, name: str, value: int | None = None) -> int:
        async def run() -> int:
            asked = f"PRAGMA {name}" if value is None else f"PRAGMA {name} = {value}"
            return self.store._connection.execute(asked).fetchone()[0]

        return self.sim.call(run())

    def no_room(self) -> None:
        self.pragma("max_page_count", self.pragma("page_count"))

    def room_again(self) -> None:
        self.pragma("max_page_count", 1_000_000)

    def break_runs(self, title: str) -> None:
        """The database refuses every answer that the provider gives runs that ask for `title`."""
        self._all(
            "CREATE TRIGGER broken BEFORE INSERT ON page_query"
            f" WHEN (SELECT title FROM run WHERE id = NEW.run) = '{title}'"
            " BEGIN SELECT RAISE(ABORT, 'on purpose'); END"
        )

    def mend_runs(self) -> None:
        self._all("DROP TRIGGER broken")

    def _all(self, sql: str) -> None:
        async def body(q) -> None:
            await q.all(sql)

        self.sim.call(self.store.transact(body))


@pytest.fixture(autouse=True)
def little_pause(monkeypatch) -> None:
    """Half a second is for people; the order of things does not hang on it."""
    monkeypatch.setattr(worker, "_PAUSE_AFTER_FAILURE_S", 0.1)


@pytest.fixture
def inside() -> Inside:
    return Inside()


@pytest.fixture
def simulate(simulate, inside):
    def start(**options):
        inside.sim = simulate(**options)
        return inside.sim

    return start


@pytest.fixture(params=["memory", "file"])
def db(request, tmp_path):
    return tmp_path / "store.db" if request.param == "file" else None


def health(client) -> dict[str, Any]:
    answer = client.http.get("/_sim/health", timeout=SOON_S)
    assert answer.status_code == 200
    return answer.json()


def wait_for(comes: Callable[[], bool]) -> None:
    """Ask again and again, a bounded time; each question is a request, so nobody spins."""
    deadline = time.monotonic() + SOON_S  # noqa: TID251 - a deadline
    while not comes():
        assert time.monotonic() < deadline, "it never came"  # noqa: TID251


def started(client, key: str = ACME, **asked) -> str:
    answer = client.start(key, **asked)
    assert answer.status_code == 202, answer.text
    return answer.json()["requestId"]


# work that fails


@pytest.mark.parametrize(
    ("port", "module"),
    [("transact", STEP), ("read", DELIVER), ("transact", DELIVER)],
    ids=["step", "prepare", "record"],
)
@pytest.mark.parametrize("clock", ["real", "instant", "manual"])
def test_work_that_fails_once_is_done_on_a_simulator_that_is_left_alone(
    connect, inside, clock, port, module
):
    client = connect(clock=clock)
    fault = inside.fault(port, module)
    request_id = started(client)
    if clock == "manual":
        assert client.clock(until="idle").status_code == 200
        assert client.poll(request_id).status_code == 200, "idle before the run was over"
        assert len(client.records(requestId=request_id)) >= 1
    client.wait_for_records(2 if (port, module) == ("transact", DELIVER) else 1)
    assert fault.fired == 1
    assert client.result(request_id)["status"] == "completed"
    assert health(client) | {"version": ""} == {"status": "ok", "version": "", "workFailures": 1}
    client.check_ledger()


@pytest.mark.parametrize("command", [{"until": "idle"}, {"advance": "1h"}])
def test_a_manual_clock_does_not_move_past_work_that_fails(connect, inside, command):
    """It fails three times; all that the story tells is as if it had not."""

    def story(failures: int) -> dict[str, Any]:
        client = connect(clock="manual")
        fault = inside.fault("transact", STEP, failures)
        request_id = started(client, limit=40)
        assert client.clock(**command).status_code == 200
        assert fault.fired == failures
        return client.story(request_id)

    assert story(3) == story(0)


@pytest.mark.parametrize("clock", ["real", "instant"])
def test_work_that_could_be_neither_done_nor_put_off_is_done_all_the_same(connect, inside, clock):
    """The store is away for a moment: the step fails, and so does saying that it did."""
    client = connect(clock=clock)
    put_off = inside.fault("transact", WORKER, 0)
    steps = inside.fault("transact", STEP, 1, lambda: setattr(put_off, "times", 1))
    request_id = started(client)
    asked = {"count": 1, "timeout": SOON_S}
    came = client.http.get("/_sink/wait", params=asked, timeout=SOON_S + 5).json()["records"]
    assert (steps.fired, put_off.fired) == (1, 1)
    assert [record["requestId"] for record in came] == [request_id], "it waits for its lease"


def test_work_that_goes_on_failing_never_keeps_a_request_waiting_on_an_instant_clock(
    connect, inside
):
    client = connect(clock="instant")
    fault = inside.fault("transact", STEP, 1_000_000)
    begun = []
    for _ in range(5):
        answer = client.http.post(
            "/sourcing/preview",
            json={"title": "Nurse", "jobDescription": "Nights.", "location": "Brno"},
            headers={"Authorization": f"Bearer {ACME}"},
            timeout=SOON_S,
        )
        assert answer.status_code == 202
        begun.append(answer.json()["requestId"])
        asked = {"headers": {"Authorization": f"Bearer {ACME}"}, "timeout": SOON_S}
        polled = client.http.get(f"/sourcing/preview/{begun[-1]}/results", **asked)
        assert polled.status_code == 202
        assert health(client)["status"] == "ok"
    assert fault.fired >= 5
    assert health(client)["workFailures"] >= 5
    fault.times = 0
    for request_id in begun:
        assert client.result(request_id)["status"] == "completed"
    client.check_ledger()


@pytest.mark.parametrize("clock", ["real", "x50"])
def test_a_run_that_goes_on_failing_is_in_nobody_s_way(connect, inside, clock):
    client = connect(clock=clock)
    inside.break_runs("Unlucky")
    broken = started(client, title="Unlucky")
    wait_for(lambda: health(client)["workFailures"] >= 1)
    others = [(started(client, key, limit=40), key) for key in (ACME, BETA) * 4]
    for request_id, key in others:
        assert client.result(request_id, key)["status"] == "completed"
    assert client.poll(broken).status_code == 202
    assert health(client)["status"] == "ok"
    inside.mend_runs()
    assert client.result(broken)["status"] == "completed"
    client.wait_for_records(9)
    client.check_ledger()


# the worker


@pytest.mark.parametrize("clock", ["real", "instant"])
def test_a_read_that_fails_while_the_worker_waits_does_not_end_it(connect, inside, clock):
    client = connect(clock=clock)
    fault = inside.fault("read", WORKER)
    first = started(client)
    client.wait_for_records(1, requestId=first)
    second = started(client)
    client.wait_for_records(1, requestId=second)
    assert fault.fired == 1
    assert health(client)["status"] == "ok"
    assert health(client)["workFailures"] == 1


@pytest.mark.parametrize("clock", ["real", "instant"])
def test_a_claim_that_fails_is_made_again(connect, inside, clock):
    client = connect(clock=clock)
    fault = inside.fault("transact", WORKER, 2)
    client.wait_for_records(1, requestId=started(client))
    assert fault.fired == 2
    assert health(client)["status"] == "ok"


def test_a_clock_command_that_fails_says_so_and_the_next_one_does_its_work(connect, inside):
    client = connect(clock="manual")
    request_id = started(client)
    inside.fault("read", WORKER)
    assert client.clock(until="idle").status_code == 500
    client.close()  # an answer that nobody meant ends its connection, without saying so
    del client._own.http
    assert client.clock(until="idle").status_code == 200
    assert client.poll(request_id).status_code == 200


@pytest.mark.parametrize("clock", ["real", "x50", "instant"])
def test_health_says_failing_when_the_worker_has_ended(connect, inside, clock):
    client = connect(clock=clock)
    assert health(client)["status"] == "ok"
    inside.sim._loop.call_soon_threadsafe(inside.sim.running._worker.cancel)
    wait_for(lambda: health(client)["status"] == "failing")


def test_a_manual_clock_has_no_worker_to_miss(connect):
    client = connect(clock="manual")
    client.clock(until="idle")
    assert health(client)["status"] == "ok"


# a store without room


@pytest.mark.parametrize("clock", ["manual", "instant", "real"])
def test_a_full_store_is_a_503_in_the_envelope_and_taken_back_when_there_is_room(
    connect, inside, db, clock
):
    client = connect(clock=clock, db=db)
    inside.no_room()
    statuses, refused = [], None
    for _ in range(100):
        answer = client.http.post(
            "/sourcing/preview",
            json={"title": "Nurse", "jobDescription": "x" * 9_000, "location": "Brno"},
            headers={"Authorization": f"Bearer {ACME}"},
            timeout=SOON_S,
        )
        statuses.append(answer.status_code)
        if answer.status_code != 202:
            refused = answer
            break
    assert refused is not None, statuses
    assert refused.status_code == 503, refused.text
    envelope = refused.json()
    assert set(envelope) == {"success", "data", "error", "timestamp"}
    assert envelope["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert "bug" not in envelope["error"]["message"]
    polled = client.http.get(
        "/sourcing/preview/req_123/results",
        headers={"Authorization": f"Bearer {ACME}"},
        timeout=SOON_S,
    )
    assert polled.status_code == 404, "nobody hangs, and reading goes on"
    assert client.http.get("/_sim/sandboxes/default/ledger", timeout=SOON_S).status_code == 200
    inside.room_again()
    request_id = started(client)
    if clock == "manual":
        client.clock(until="idle")
    assert client.result(request_id)["status"] == "completed"


@pytest.mark.parametrize("clock", ["manual", "instant", "real"])
def test_many_at_once_on_a_full_store_all_hear_202_or_503(connect, inside, db, clock):
    """In a file they share commits: what was answered 202 is there, what was not is not."""
    client = connect(clock=clock, db=db)
    inside.pragma("max_page_count", inside.pragma("page_count") + 20)

    def one(_: int):
        answer = client.start(jobDescription="x" * 9_000)
        polled = client.poll("req_123e4567-e89b-12d3-a456-426614174000")
        return answer, polled

    with ThreadPoolExecutor(16) as pool:
        came = list(pool.map(one, range(64)))
    statuses = {answer.status_code for answer, _ in came}
    assert 503 in statuses
    assert statuses <= {202, 503}, [a.text for a, _ in came if a.status_code not in (202, 503)][:3]
    assert {polled.status_code for _, polled in came} <= {404, 503}
    inside.room_again()
    accepted = {a.json()["requestId"] for a, _ in came if a.status_code == 202}
    held = {e["requestId"] for e in client.ledger()["entries"] if e["kind"] == "hold"}
    assert held == accepted
