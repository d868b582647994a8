"""What the contract's tests stand on: an integrator's view of a simulator, a receiver, files.

Nothing here asks the code under test what it should do.
"""

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from preview_sim import Simulator

START = "/sourcing/preview"

#: The least that a start needs.
BODY = {"title": "Nurse", "jobDescription": "Night shifts in intensive care.", "location": "Brno"}

#: The key that a request carries unless told; the webhooks are those of the default world.
ACME = "sk_sim_acme"
ACME_WEBHOOK = "123e4567-e89b-12d3-a456-426614174000"


@dataclass
class Api:
    """A simulator as an integrator meets it: requests over a real socket."""

    sim: Simulator
    wire: httpx.Client
    body: dict[str, Any] = field(default_factory=lambda: dict(BODY))

    def send(
        self, method: str, path: str, key: str | None = ACME, headers=None, **sent
    ) -> httpx.Response:
        """One request. `key` None sends no Authorization; `headers` as httpx takes them."""
        chosen = httpx.Headers(headers)
        if key is not None:
            chosen["Authorization"] = f"Bearer {key}"
        return self.wire.request(method, self.sim.base_url + path, headers=chosen, **sent)

    def start(self, key: str | None = ACME, headers=None, **changes) -> httpx.Response:
        """`POST` the smallest body, changed; a change to None leaves the property out."""
        body = {name: value for name, value in (self.body | changes).items() if value is not None}
        return self.send("POST", START, key, headers, json=body)

    def post(self, raw, headers=None) -> httpx.Response:
        """`POST` these bytes as JSON."""
        return self.send(
            "POST",
            START,
            headers={"Content-Type": "application/json", **(headers or {})},
            content=raw,
        )

    def accepted(self, **options) -> str:
        """Start a run that must be accepted; its requestId."""
        answer = self.start(**options)
        assert answer.status_code == 202, answer.text
        return answer.json()["requestId"]

    def poll(self, request_id: str, key: str | None = ACME, headers=None) -> httpx.Response:
        return self.send("GET", f"{START}/{request_id}/results", key, headers)

    def finished(self, key: str = ACME, **options) -> dict[str, Any]:
        """Start a run, let it end, poll; the document of the result."""
        request_id = self.accepted(key=key, **options)
        self.sim.clock.until_idle()
        answer = self.poll(request_id, key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def steps(self, request_id: str, kind: str) -> list[dict[str, Any]]:
        """The steps of one kind in the story of a run."""
        return [step for step in self.sim.story(request_id)["steps"] if step["kind"] == kind]

    def moves(self, request_id: str) -> dict[str, float]:
        """What a run did to its account: hold, charge and release, 0 where there was none."""
        moved = {"hold": 0, "charge": 0, "release": 0}
        for entry in self.sim.ledger()["entries"]:
            if entry["requestId"] == request_id:
                assert moved[entry["kind"]] == 0, f"{entry['kind']} twice"
                moved[entry["kind"]] = entry["amount"]
        return moved

    def account(self, company: str = "Acme Talent") -> dict[str, Any]:
        """The account of a company, not the purse of a scenario."""
        (found,) = (
            account
            for account in self.sim.ledger()["accounts"]
            if account["companyName"] == company and account["scenario"] is None
        )
        return {name: found[name] for name in ("granted", "available", "held", "charged")}

    def secret(self, webhook_id: str = ACME_WEBHOOK) -> str:
        """The signing secret of a webhook."""
        (found,) = (
            webhook["signingSecret"]
            for company in self.sim.describe()["companies"]
            for webhook in company["webhooks"]
            if webhook["id"] == webhook_id
        )
        return found


@pytest.fixture(scope="session")
def wire():
    """One HTTP client for all; it follows nothing and adds nothing."""
    transport = httpx.HTTPTransport(verify=False)
    with httpx.Client(transport=transport, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
def api_of(wire):
    """Connects to a simulator."""
    return lambda simulator: Api(simulator, wire)


@pytest.fixture
def connect(simulate, api_of):
    """Starts a simulator with options and connects to it."""
    return lambda **options: api_of(simulate(**options))


@pytest.fixture
def manual(connect) -> Api:
    """The default world; time stands until it is moved."""
    return connect(clock="manual")


@pytest.fixture
def instant(connect) -> Api:
    """The default world; every run is over as soon as one looks."""
    return connect(clock="instant")


@pytest.fixture
def world(tmp_path):
    """Writes a world file: `world({company}, …, readings={…})`."""

    def written(*companies, **more) -> Path:
        path = tmp_path / "world.yaml"
        path.write_text(json.dumps({"companies": companies, **more}))
        return path

    return written


@pytest.fixture
def scenarios(tmp_path):
    """Writes scenario files: `scenarios(name={…})`; `_` in a name is `-` in the file."""

    def written(**given) -> Path:
        folder = tmp_path / "scenarios"
        folder.mkdir(exist_ok=True)
        for key, scenario in given.items():
            name = key.replace("_", "-")
            text = json.dumps({"sim": 1, "name": name, "summary": "Of a test.", **scenario})
            (folder / f"{name}.yaml").write_text(text)
        return folder

    return written


@dataclass(frozen=True)
class Received:
    """A delivery as it came over the wire; header names in lower case."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1, f"{name} came {len(found)} times"
        return found[0] if found else None

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body)


class Receiver:
    """A webhook receiver of our own. `answers` are given one by one, then 200 for ever.

    An answer is a status, or (status, headers), or `drop` (the connection), or `hang` (no answer at
    all), or `half` (a status and then never the whole body).
    """

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.received: list[Received] = []
        self.over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - two selves
        class Handler(BaseHTTPRequestHandler):
            def take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = [(name.lower(), value) for name, value in self.headers.items()]
                receiver.received.append(Received(self.command, self.path, headers, body))
                answer = receiver.answers.pop(0) if receiver.answers else 200
                if answer in ("hang", "drop"):
                    if answer == "hang":
                        receiver.over.wait()
                    return
                if answer == "half":
                    answer = (200, {"Content-Length": "10"})
                status, more = answer if isinstance(answer, tuple) else (answer, {})
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.end_headers()
                if "Content-Length" in more:
                    self.wfile.write(b"half")
                    self.wfile.flush()
                    receiver.over.wait()

            do_POST = do_GET = do_PUT = do_HEAD = take  # noqa: N815 - as the server calls them

            def log_message(self, *_) -> None:
                pass

        return Handler


@pytest.fixture
def receiver():
    """A receiver on a free port."""
    with contextlib.closing(Receiver()) as running:
        yield running


@pytest.fixture
def hooked(connect, world, receiver):
    """Connects to a simulator whose company *Acme Talent* has its webhook at `receiver`."""

    def connected(
        *,
        events=("SOURCING_COMPLETED", "SOURCING_FAILED"),
        headers=None,
        timeout_ms=None,
        **options,
    ):
        webhook = {"id": ACME_WEBHOOK, "events": list(events), "url": receiver.url}
        if headers is not None:
            webhook["headers"] = headers
        if timeout_ms is not None:
            webhook["timeoutMs"] = timeout_ms
        company = {
            "name": "Acme Talent",
            "unit": "credits",
            "balance": 1000,
            "keys": [{"key": ACME}],
            "webhooks": [webhook],
        }
        return connect(world=world(company), **{"clock": "manual", **options})

    return connected
