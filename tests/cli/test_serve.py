"""`serve`: what it prints when it is ready, and how it ends."""

import json
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

KEYS = ("sk_sim_acme", "sk_sim_acme_read", "sk_sim_acme_revoked", "sk_sim_beta", "sk_sim_empty")
ACME_WEBHOOK = "123e4567-e89b-12d3-a456-426614174000"

#: None of these is needed until somebody asks for what they do.
HEAVY = {"schemathesis", "hypothesis", "faker", "rich", "jinja2", "jsonschema", "httpx", "pytest"}


def test_the_first_line_is_one_json_object_whose_urls_answer(serve):
    serving = serve()
    ready = serving.ready
    assert list(ready) == ["event", "baseUrl", "controlUrl", "sinkUrl", "pid"]
    assert (ready["event"], ready["pid"]) == ("ready", serving.popen.pid)
    assert serving.start().status_code == 202
    assert serving.http.get(f"{ready['controlUrl']}/health").json()["status"] == "ok"
    assert serving.http.get(f"{ready['sinkUrl']}/records").json()["records"] == []
    assert serving.end().out == "", "the first line is the only one"


def test_text_says_where_everything_is_and_with_which_keys(serve):
    serving = serve(form="text")
    said = serving.said
    base_url = said.split()[1]
    assert base_url.startswith("http://127.0.0.1:")
    assert f"{base_url}/_sim" in said
    assert f"{base_url}/_sink" in said
    for key in KEYS:
        assert key in said.replace(",", " ").split()
    assert "Scenario     happy, seed 1, clock real" in said
    assert httpx.get(f"{base_url}/_sim/health", trust_env=False).status_code == 200


def test_the_curl_line_works_when_it_is_pasted(serve):
    serving = serve(form="text")
    accepted = paste(curl_line(serving.said))
    assert accepted["status"] == "processing"
    assert accepted["webhookId"] == ACME_WEBHOOK


@pytest.mark.parametrize(
    "webhooks",
    [[{"id": ACME_WEBHOOK.replace("1", "3"), "events": ["SOURCING_COMPLETED"]}], []],
    ids=["another webhook", "no webhook"],
)
def test_the_curl_line_works_in_a_world_of_ones_own(serve, world, webhooks):
    serving = serve("--world", str(world(webhooks=webhooks)), form="text")
    assert paste(curl_line(serving.said)).get("status") == "processing"


def curl_line(said: str) -> str:
    [line] = [line for line in said.splitlines() if line.strip().startswith("curl ")]
    return line


def paste(line: str) -> dict:
    """What a shell answers to the line; without curl, what curl would have sent is sent."""
    if shutil.which("curl") and shutil.which("bash"):
        done = subprocess.run(["bash", "-c", line], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        return json.loads(done.stdout)
    _, _, url, *options = shlex.split(line)
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for name, value in given if name == "-H")
    [body] = [value for name, value in given if name == "-d"]
    return httpx.post(url, headers=headers, content=body.encode(), trust_env=False).json()


@pytest.fixture
def hanging_receiver() -> Iterator[socket.socket]:
    """A socket that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        yield listening


@pytest.fixture
def hook(hanging_receiver) -> dict:
    """A webhook that leads to it."""
    url = f"http://127.0.0.1:{hanging_receiver.getsockname()[1]}/hook"
    return {"id": ACME_WEBHOOK, "events": ["SOURCING_COMPLETED"], "url": url}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("clock", ["real", "instant"])
def test_a_signal_ends_it_at_once_whatever_is_in_flight(
    serve, world, hook, hanging_receiver, number, clock
):
    serving = serve("--world", str(world(webhooks=[hook])), f"--clock={clock}")
    assert serving.start("one-candidate", webhookId=ACME_WEBHOOK).status_code == 202
    assert serving.start("slow", limit=60).status_code == 202
    delivering, _ = hanging_receiver.accept()
    with delivering, asking(serving, "GET /_sink/wait?timeout=60") as waiting:
        assert delivering.recv(4) == b"POST"
        ended = serving.end(number)
        assert rest_of(waiting).startswith(b"HTTP/1.1 503 ")
    is_a_quiet_end(ended)


def test_a_signal_ends_it_at_once_while_a_request_is_half_sent(serve):
    serving = serve()
    with asking(
        serving,
        "POST /sourcing/preview",
        f"Authorization: Bearer {KEYS[0]}",
        "Content-Type: application/json",
        "Content-Length: 100",
    ):
        is_a_quiet_end(serving.end(signal.SIGINT))


def test_a_signal_ends_it_at_once_while_the_clock_is_moved(serve, world, hook, hanging_receiver):
    serving = serve("--world", str(world(webhooks=[hook])), "--clock=manual")
    assert serving.start("one-candidate", webhookId=ACME_WEBHOOK).status_code == 202
    command = '{"until": "idle"}'
    with asking(
        serving,
        "POST /_sim/sandboxes/default/clock",
        "Content-Type: application/json",
        f"Content-Length: {len(command)}",
        body=command,
    ):
        delivering, _ = hanging_receiver.accept()
        with delivering:
            is_a_quiet_end(serving.end(signal.SIGINT))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_sink_at_once_too(sink, number):
    serving = sink()
    with asking(serving, "GET /wait?timeout=60") as waiting:
        ended = serving.end(number)
        assert rest_of(waiting).startswith(b"HTTP/1.1 503 ")
    is_a_quiet_end(ended)


def is_a_quiet_end(ended) -> None:
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert ended.took_s < 2


def asking(serving, line: str, *headers: str, body: str = "") -> socket.socket:
    """Send a request that waits, and be heard: a connection made later is answered after it."""
    url = serving.http.base_url
    connection = socket.create_connection((url.host, url.port), timeout=10)
    head = (f"{line} HTTP/1.1", f"Host: {url.netloc.decode()}", *headers, "", body)
    connection.sendall("\r\n".join(head).encode())
    httpx.get(url.join("/openapi.json"), trust_env=False)
    return connection


def rest_of(connection: socket.socket) -> bytes:
    """All that comes until the other side hangs up."""
    came = bytearray()
    while piece := connection.recv(65536):
        came += piece
    return bytes(came)


def test_to_be_ready_it_imports_nothing_that_nobody_asked_for():
    serving = subprocess.Popen(
        (
            *(sys.executable, "-X", "importtime", "-m", "preview_sim.cli"),
            *("serve", "--port=0", "--format=json"),
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    with serving:
        imported = set()
        while not (line := serving.stdout.readline()).startswith("{"):
            assert line, "it ended before it was ready"
            imported.add(line.rpartition("|")[2].strip())
        serving.terminate()
        serving.stdout.read()
    assert {"preview_sim.simulator.running", "uvicorn.server"} <= imported
    assert imported & HEAVY == set()
