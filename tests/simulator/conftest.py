"""Real processes, plain clients, and looking at a simulator from the outside."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ACME, BETA = "sk_sim_acme", "sk_sim_beta"
HOOKS = {
    ACME: "123e4567-e89b-12d3-a456-426614174000",
    BETA: "223e4567-e89b-12d3-a456-426614174000",
}
DOCUMENTED = {"title": "Nurse", "jobDescription": "Night shifts.", "location": "Bratislava"}
#: Much longer than anything here takes: whoever waits so long has found a bug.
PATIENCE_S = 30.0


class Client:
    """Asks one simulator: the API with a key, the control side, the sink."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._own = threading.local()
        self._opened: list[httpx.Client] = []

    @property
    def http(self) -> httpx.Client:
        """One per thread: httpx's pool closes connections that other threads still read from."""
        if not hasattr(self._own, "http"):
            self._own.http = httpx.Client(
                base_url=self.base_url,
                trust_env=False,
                timeout=PATIENCE_S,
                verify=False,  # there is no TLS, and loading certificates takes its time
                limits=httpx.Limits(keepalive_expiry=2.0),  # before the server's own five seconds
            )
            self._opened.append(self._own.http)
        return self._own.http

    def close(self) -> None:
        for http in self._opened:
            http.close()

    def start(self, key: str = ACME, **other: Any) -> httpx.Response:
        hook = {"webhookId": HOOKS[key.partition(".")[0]]}
        asked = {**DOCUMENTED, **hook, **other}
        body = {name: value for name, value in asked.items() if value is not None}
        return self.http.post("/sourcing/preview", json=body, headers=bearer(key))

    def poll(self, request_id: str, key: str = ACME) -> httpx.Response:
        return self.http.get(f"/sourcing/preview/{request_id}/results", headers=bearer(key))

    def result(self, request_id: str, key: str = ACME) -> dict[str, Any]:
        """Poll until the run is over."""
        return wait_until(lambda: over(self.poll(request_id, key)), f"the end of {request_id}")

    def clock(self, **command: str) -> httpx.Response:
        return self.http.post("/_sim/sandboxes/default/clock", json=command)

    def ledger(self) -> dict[str, Any]:
        return self.http.get("/_sim/sandboxes/default/ledger").json()

    def account(self, name: str = "Acme Talent", scenario: str | None = None) -> dict[str, Any]:
        [found] = [
            account
            for account in self.ledger()["accounts"]
            if (account["companyName"], account["scenario"]) == (name, scenario)
        ]
        return found

    def story(self, request_id: str) -> dict[str, Any]:
        return self.http.get(f"/_sim/sandboxes/default/runs/{request_id}").json()

    def records(self, **filters: str) -> list[dict[str, Any]]:
        return self.http.get("/_sink/records", params=filters).json()["records"]

    def wait_for_records(self, count: int, **filters: str) -> list[dict[str, Any]]:
        asked = {**filters, "count": count, "timeout": PATIENCE_S}
        answer = self.http.get("/_sink/wait", params=asked, timeout=PATIENCE_S + 5)
        assert answer.status_code == 200, answer.text
        return answer.json()["records"]

    def check_ledger(self, *, at_rest: bool = True) -> None:
        """Invariants 1 and 2 as the control side shows them."""
        check_ledger(self.ledger(), at_rest=at_rest)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def over(answer: httpx.Response) -> dict[str, Any] | None:
    assert answer.status_code in (200, 202), answer.text
    return answer.json() if answer.status_code == 200 else None


def wait_until(found: Callable[[], Any], what: str) -> Any:
    """Ask again and again, a bounded time."""
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S  # noqa: TID251 - a deadline
    while not (came := found()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"  # noqa: TID251
        pause.wait(0.01)
    return came


def check_ledger(ledger: dict[str, Any], *, at_rest: bool) -> None:
    tenths = {"credits": 1, "minutes": 10}
    sums: dict[str, Counter[str]] = {}
    runs: dict[str, Counter[str]] = {}
    units = {account["accountId"]: account["unit"] for account in ledger["accounts"]}
    for entry in ledger["entries"]:
        amount = round(entry["amount"] * tenths[units[entry["accountId"]]])
        sums.setdefault(entry["accountId"], Counter())[entry["kind"]] += amount
        if entry["requestId"]:
            moves = runs.setdefault(entry["requestId"], Counter())
            moves[entry["kind"]] += amount
            moves[f"{entry['kind']}s"] += 1
    for account in ledger["accounts"]:
        exact = {
            name: round(account[name] * tenths[account["unit"]])
            for name in ("granted", "available", "held", "charged")
        }
        entries = sums[account["accountId"]]
        assert exact["granted"] == exact["available"] + exact["held"] + exact["charged"]
        assert exact["granted"] == entries["grant"]
        assert exact["charged"] == entries["charge"]
        assert exact["held"] == entries["hold"] - entries["charge"] - entries["release"]
        assert exact["available"] >= 0
        assert exact["held"] == 0 or not at_rest
    for run, moves in runs.items():
        assert moves["holds"] == 1, run
        assert moves["charges"] <= 1, run
        assert moves["releases"] <= 1, run
        if at_rest:
            assert moves["hold"] == moves["charge"] + moves["release"], run


class Process:
    """`preview-sim serve` as a program of its own."""

    def __init__(self, *options: str, hash_seed: str = "random") -> None:
        self.popen = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "preview_sim.cli",
                "serve",
                "--port=0",
                "--format=json",
                *options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        if not line:
            _, said = self.popen.communicate()
            raise AssertionError(f"serve ended with {self.popen.returncode}: {said}")
        self.ready = json.loads(line)
        assert self.ready["event"] == "ready"
        assert self.ready["pid"] == self.popen.pid
        self.client = Client(self.ready["baseUrl"])

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait; the exit code."""
        self.client.close()
        with contextlib.suppress(ProcessLookupError):
            self.popen.send_signal(number)
        self.popen.communicate(timeout=PATIENCE_S)
        return self.popen.returncode


@pytest.fixture
def serve() -> Iterator[Callable[..., Process]]:
    """Starts processes; what is left of them at the end of the test is killed."""
    started: list[Process] = []

    def start(*options: str, **other: Any) -> Process:
        started.append(Process(*options, **other))
        return started[-1]

    yield start
    for process in started:
        if process.popen.poll() is None:
            process.end(signal.SIGKILL)


@pytest.fixture
def connect(simulate) -> Iterator[Callable[..., Client]]:
    """Starts simulators in this process, and speaks to them over a socket all the same."""
    clients: list[Client] = []

    def start(**options: Any) -> Client:
        clients.append(Client(simulate(**options).base_url))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def world(tmp_path) -> Callable[[float, str], Path]:
    """A world file whose only company has just so much; its webhook leads to the own sink."""

    def write(balance: float, unit: str = "credits") -> Path:
        file = tmp_path / "world.yaml"
        file.write_text(
            f"""
companies:
  - name: Only
    unit: {unit}
    balance: {balance}
    keys: [{{key: {ACME}}}]
    webhooks: [{{id: {HOOKS[ACME]}, events: [SOURCING_COMPLETED, SOURCING_FAILED]}}]
"""
        )
        return file

    return write
