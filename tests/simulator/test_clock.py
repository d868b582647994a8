"""The clocks over HTTP: manual, instant, xN and real; restarts, slow receivers, and closing."""

import contextlib
import re
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from preview_sim import Simulator
from preview_sim.domain.errors import SimulatorError

ACME = "sk_sim_acme"
HOOK = "123e4567-e89b-12d3-a456-426614174000"
NEW_YEAR = "2025-01-01T00:00:00.000Z"


def seconds(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()


def test_a_manual_clock_stands_until_it_is_moved(connect):
    client = connect(clock="manual")
    started = client.start()
    assert started.json()["createdAt"] == NEW_YEAR
    request_id = started.json()["requestId"]
    assert client.poll(request_id).status_code == 202
    assert client.clock(advance="79ms").json() == {
        "now": "2025-01-01T00:00:00.079Z",
        "events": [],
    }
    assert client.poll(request_id).status_code == 202
    moved = client.clock(advance="1s").json()
    assert moved["now"] == "2025-01-01T00:00:01.079Z"
    result = client.poll(request_id)
    assert result.status_code == 200
    assert NEW_YEAR < result.json()["completedAt"] <= "2025-01-01T00:00:00.250Z"


def test_advancing_lists_what_happened_and_when(connect):
    client = connect(clock="manual", scenario="slow")
    request_id = client.start(limit=60).json()["requestId"]
    events = client.clock(advance="1m").json()["events"]
    assert [(event["at"][17:], event["kind"], event.get("page")) for event in events] == [
        ("05.000Z", "query", 1),
        ("10.000Z", "query", 2),
        ("15.000Z", "query", 3),
        ("15.000Z", "attempt", None),
    ]
    assert events[2]["status"] == "completed"
    assert events[3]["state"] == "delivered"
    assert {event["requestId"] for event in events} == {request_id}
    assert client.clock(advance="0ms").json()["events"] == [], "each event is told once"


def test_to_next_goes_from_due_time_to_due_time(connect):
    client = connect(clock="manual", scenario="slow")
    client.start(limit=60)
    moments = [client.clock(to="next").json()["now"][14:19] for _ in range(4)]
    assert moments == ["00:05", "00:10", "00:15", "00:15"]


def test_until_idle_does_all_that_is_left(connect):
    client = connect(clock="manual")
    slow = client.start(f"{ACME}.slow", limit=100).json()["requestId"]
    fails = client.start(f"{ACME}.provider-timeout").json()["requestId"]
    moved = client.clock(until="idle").json()
    assert moved["now"] == "2025-01-01T00:00:46.000Z"
    assert client.poll(slow).json()["completedAt"] == "2025-01-01T00:00:25.000Z"
    assert client.poll(fails).json()["completedAt"] == "2025-01-01T00:00:46.000Z"
    assert client.clock(until="idle").json() == {"now": moved["now"], "events": []}


def test_a_clock_with_nothing_to_do_moves_all_the_same(connect):
    client = connect(clock="manual")
    assert client.clock(to="next").json() == {"now": NEW_YEAR, "events": []}
    assert client.clock(advance="1h").json() == {"now": "2025-01-01T01:00:00.000Z", "events": []}
    assert client.start().json()["createdAt"] == "2025-01-01T01:00:00.000Z"


def test_two_who_advance_at_once_both_get_all_of_their_way(connect):
    client = connect(clock="manual", scenario="slow")
    client.start(limit=100)
    threads = [threading.Thread(target=client.clock, kwargs={"advance": "7s"}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.clock(advance="0ms").json()["now"] == "2025-01-01T00:00:28.000Z"


ACCEPTED = 'expected one of {"advance": "15s"}, {"to": "next"} or {"until": "idle"}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "expected a JSON object in UTF-8, got an empty body"),
        ("{", "expected a JSON object in UTF-8"),
        ("{}", ACCEPTED),
        ("[]", ACCEPTED),
        ("null", ACCEPTED),
        ('"idle"', ACCEPTED),
        ('{"to": "next", "until": "idle"}', ACCEPTED),
        ('{"advance": "1s", "advance": "2s"}', "each property once"),
        ('{"to": "idle"}', ACCEPTED),
        ('{"until": "next"}', ACCEPTED),
        ('{"until": null}', ACCEPTED),
        ('{"advanse": "1s"}', "unknown command 'advanse' (did you mean 'advance'?)"),
        ('{"jump": "1s"}', "unknown command 'jump'; expected one of"),
        ('{"advance": 15}', "expected a duration such as 250ms, 15s, 5m or 1h"),
        ('{"advance": "-1s"}', "expected a duration such as 250ms, 15s, 5m or 1h, got '-1s'"),
        ('{"advance": "15 s"}', "expected a duration such as 250ms, 15s, 5m or 1h, got '15 s'"),
        ('{"advance": "1d"}', "expected a duration such as 250ms, 15s, 5m or 1h, got '1d'"),
        ('{"advance": "999999999h"}', "expected"),
    ],
)
def test_a_command_that_is_none_is_400_says_what_is_and_moves_nothing(connect, body, said):
    client = connect(clock="manual")
    answer = client.http.post(
        "/_sim/sandboxes/default/clock",
        content=body,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert said in answer.json()["error"]["message"]
    assert client.clock(to="next").json()["now"] == NEW_YEAR


@pytest.mark.parametrize("command", [{"advance": "1s"}, {"to": "next"}])
def test_an_instant_clock_cannot_be_moved_by_hand(connect, command):
    answer = connect(clock="instant").clock(**command)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "USAGE_ERROR")
    assert "start with --clock manual" in answer.json()["error"]["message"]


@pytest.mark.parametrize("clock", ["real", "x60"])
@pytest.mark.parametrize("command", [{"advance": "1s"}, {"to": "next"}, {"until": "idle"}])
def test_a_running_clock_cannot_be_moved_by_hand(connect, clock, command):
    answer = connect(clock=clock).clock(**command)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "USAGE_ERROR")
    assert f"is {clock} and moves by itself" in answer.json()["error"]["message"]


def test_the_clock_of_a_sandbox_that_does_not_exist_is_404(connect):
    client = connect(clock="manual")
    answer = client.http.post("/_sim/sandboxes/none/clock", json={"to": "next"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_an_instant_clock_needs_no_waiting_however_long_the_run(connect):
    client = connect(clock="instant")
    began = time.monotonic()  # noqa: TID251 - what the user waits is what is measured
    request_id = client.start(f"{ACME}.provider-timeout").json()["requestId"]
    result = client.poll(request_id).json()
    assert time.monotonic() - began < 2  # noqa: TID251
    assert (result["status"], result["completedAt"]) == ("failed", "2025-01-01T00:00:46.000Z")


def test_a_poll_right_after_a_start_sees_the_end_on_an_instant_clock(connect):
    """Runs without a webhook: while a receiver has still to answer, an instant clock stands."""
    client = connect(clock="instant")
    for limit in (1, 20, 60, 100):
        started = client.start(limit=limit, webhookId=None)
        assert client.poll(started.json()["requestId"]).status_code == 200


def test_an_xn_clock_runs_n_times_faster_than_the_wall(connect):
    client = connect(clock="x100", scenario="slow")
    began = time.monotonic()  # noqa: TID251 - what the user waits is what is measured
    started = client.start(limit=60).json()
    result = client.result(started["requestId"])
    waited = time.monotonic() - began  # noqa: TID251
    passed = seconds(result["completedAt"]) - seconds(started["createdAt"])
    assert 15 <= passed < 15 + 100 * waited
    assert waited >= 0.14, "15 s at 100 times the speed"
    assert waited < 5


def test_a_real_clock_tells_the_time_and_keeps_its_latencies(connect):
    client = connect(clock="real")
    before = time.time()  # noqa: TID251 - compared with the clock of the simulator
    started = client.start().json()
    result = client.result(started["requestId"])
    after = time.time()  # noqa: TID251
    assert before - 0.002 <= seconds(started["createdAt"]) <= after
    assert 0.08 <= seconds(result["completedAt"]) - seconds(started["createdAt"]) < 5
    assert seconds(result["completedAt"]) <= after


@pytest.mark.parametrize("clock", ["manual", "instant"])
def test_a_restart_on_a_file_goes_on_from_where_the_clock_stood(serve, tmp_path, clock):
    options = (f"--clock={clock}", f"--db={tmp_path / 'store.db'}", "--scenario=slow")
    first = serve(*options)
    first.client.start(limit=60)
    command = {"until": "idle"} if clock == "instant" else {"advance": "12s"}
    stood = first.client.clock(**command).json()["now"]
    assert stood[17:19] == ("15" if clock == "instant" else "12")
    first.end(signal.SIGKILL)
    second = serve(*options)
    started = second.client.start(limit=20).json()
    assert started["createdAt"] == stood
    moved = second.client.clock(until="idle").json()
    assert moved["now"][17:19] == ("20" if clock == "instant" else "17")
    second.client.check_ledger()


def test_time_on_a_real_clock_never_goes_back_over_a_restart(serve, tmp_path):
    options = (f"--db={tmp_path / 'store.db'}", "--clock=x1000")
    first = serve(*options)
    one = first.client.start().json()["createdAt"]
    first.end(signal.SIGKILL)
    second = serve(*options)
    assert second.client.start().json()["createdAt"] >= one


class Receiver(socketserver.ThreadingTCPServer):
    """A receiver that behaves badly, and counts how often it was asked."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, behaviour: str) -> None:
        self.behaviour, self.asked, self.release = behaviour, 0, threading.Event()
        super().__init__(("127.0.0.1", 0), BadManners)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


def read_request(sock: socket.socket) -> None:
    with sock.makefile("rb", buffering=0) as stream:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += stream.read(1)
        left = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
        while left:
            left -= len(stream.read(left))


class BadManners(socketserver.BaseRequestHandler):
    server: Receiver

    def handle(self) -> None:
        self.server.asked += 1
        sock: socket.socket = self.request
        if self.server.behaviour == "closes at once":
            return
        read_request(sock)
        if self.server.behaviour == "hangs":
            self.server.release.wait(30)
        elif self.server.behaviour == "talks nonsense":
            sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        elif self.server.behaviour == "redirects":
            moved = f"HTTP/1.1 307 X\r\nLocation: {self.server.url}\r\nContent-Length: 0\r\n\r\n"
            sock.sendall(moved.encode())
        elif self.server.behaviour == "closes when used again":
            sock.sendall(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
            sock.recv(1)
        elif self.server.behaviour == "stops halfway":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal")
        else:
            sock.sendall(b"HTTP/1.1 500 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


@contextlib.contextmanager
def receiver(behaviour: str) -> Iterator[Receiver]:
    with Receiver(behaviour) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.release.set()
            server.shutdown()
            thread.join()


def world_to(folder: Path, url: str) -> Path:
    file = folder / "world.yaml"
    file.write_text(
        f"""
companies:
  - name: Only
    unit: credits
    balance: 100
    keys: [{{key: {ACME}}}]
    webhooks: [{{id: {HOOK}, url: "{url}", events: [SOURCING_COMPLETED, SOURCING_FAILED]}}]
"""
    )
    return file


@pytest.mark.parametrize(
    "behaviour",
    ["closes at once", "talks nonsense", "redirects", "stops halfway", "says 500", "is not there"],
)
def test_a_receiver_that_behaves_badly_is_asked_four_times_and_blocks_nothing(
    connect, tmp_path, behaviour
):
    with receiver(behaviour) as server:
        if behaviour == "is not there":
            server.server_close()
        client = connect(clock="manual", world=world_to(tmp_path, server.url))
        request_id = client.start().json()["requestId"]
        began = time.monotonic()  # noqa: TID251 - how long a user waits for `advance`
        events = client.clock(advance="2h").json()["events"]
        assert time.monotonic() - began < 10  # noqa: TID251
        states = [event["state"] for event in events if event["kind"] == "attempt"]
        assert states == ["pending", "pending", "pending", "exhausted"]
        assert server.asked == (0 if behaviour == "is not there" else 4)
        assert client.poll(request_id).json()["status"] == "completed"
        steps = [step for step in client.story(request_id)["steps"] if step["kind"] == "attempt"]
        assert [step["attempt"] for step in steps] == [1, 2, 3, 4]
        waits = [
            seconds(later["at"]) - seconds(earlier["at"]) for earlier, later in pairwise(steps)
        ]
        for wait, step in zip(waits, (5, 300, 1_800), strict=True):
            assert 0.8 * step <= wait <= 1.2 * step
        assert client.clock(until="idle").json()["events"] == []


def test_a_connection_that_the_receiver_closes_just_when_it_is_used_again_costs_no_attempt(
    connect, tmp_path
):
    """Servers close idle connections at any time: that is no refusal of a delivery."""
    with receiver("closes when used again") as server:
        client = connect(clock="manual", world=world_to(tmp_path, server.url))
        request_id = client.start().json()["requestId"]
        client.clock(until="idle")
        steps = [step for step in client.story(request_id)["steps"] if step["kind"] == "attempt"]
        assert [step["outcome"] for step in steps] == [500] * 4


def test_while_a_receiver_hangs_the_api_answers_and_other_runs_go_on(connect, tmp_path):
    with receiver("hangs") as server:
        client = connect(clock="real", world=world_to(tmp_path, server.url))
        hanging = client.start().json()["requestId"]
        other = client.start(webhookId=HOOK, limit=40).json()["requestId"]
        assert client.result(hanging)["status"] == "completed"
        assert client.result(other)["status"] == "completed"
        client.check_ledger()


def move(simulator: Simulator) -> threading.Thread:
    """Advance a manual clock in the background; whoever closes the simulator cuts it short."""

    def advance() -> None:
        with contextlib.suppress(CancelledError, RuntimeError, SimulatorError):
            simulator.clock.advance("1m")

    thread = threading.Thread(target=advance)
    thread.start()
    return thread


@pytest.mark.parametrize("clock", ["real", "manual", "instant"])
def test_closing_with_work_in_flight_takes_less_than_two_seconds(tmp_path, clock):
    """A hanging receiver, a waiting `wait`, an idle connection, and runs that are not over."""
    with receiver("hangs") as server, contextlib.ExitStack() as stack:
        simulator = Simulator(clock=clock, world=world_to(tmp_path, server.url))
        with simulator:
            host, port = re.findall(r"//(.*):(\d+)", simulator.base_url)[0]
            sockets = [
                stack.enter_context(socket.create_connection((host, int(port)))) for _ in "ab"
            ]
            sockets[0].sendall(b"GET /_sink/wait?timeout=30 HTTP/1.1\r\nHost: %s:%s\r\n\r\n"
                               % (host.encode(), port.encode()))  # fmt: skip
            body = (
                b'{"title": "a", "jobDescription": "b", "location": "c", "webhookId": "%s"}'
                % HOOK.encode()
            )
            sockets[1].sendall(
                b"POST /sourcing/preview HTTP/1.1\r\nHost: x\r\n"
                b"Authorization: Bearer sk_sim_acme\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )
            assert sockets[1].recv(65_536).startswith(b"HTTP/1.1 202")
            if clock == "manual":
                stack.callback(move(simulator).join)
            deadline = time.monotonic() + 10  # noqa: TID251 - a deadline
            pause = threading.Event()
            while not server.asked:
                assert time.monotonic() < deadline, "the receiver was never asked"  # noqa: TID251
                pause.wait(0.01)
            began = time.monotonic()  # noqa: TID251 - what is measured
        assert time.monotonic() - began < 2  # noqa: TID251
