"""`serve`: what it prints when it is ready, and how it ends."""

import json
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from preview_sim.cli import cli

KEYS = ("sk_sim_acme", "sk_sim_acme_read", "sk_sim_acme_revoked", "sk_sim_beta", "sk_sim_empty")
ACME_WEBHOOK = "123e4567-e89b-12d3-a456-426614174000"

#: None of these is needed until somebody asks for what they do.
HEAVY = ("schemathesis", "hypothesis", "faker", "rich", "jinja2", "jsonschema", "httpx", "pytest")


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("clock", ["real", "instant"])
def test_a_signal_ends_it_at_once_whatever_is_in_flight(
    serve, world, hanging_receiver, number, clock
):
    hook = {
        "id": ACME_WEBHOOK,
        "events": ["SOURCING_COMPLETED"],
        "url": f"http://127.0.0.1:{hanging_receiver.getsockname()[1]}/hook",
    }
    serving = serve("--world", str(world(webhooks=[hook])), f"--clock={clock}")
    assert serving.start("one-candidate", webhookId=ACME_WEBHOOK).status_code == 202
    assert serving.start("slow", limit=60).status_code == 202
    delivering, _ = hanging_receiver.accept()
    with delivering, ThreadPoolExecutor(1) as pool:
        assert delivering.recv(4) == b"POST"
        waiting = pool.submit(long_poll, serving.ready, "/_sink/wait")
        waiting_is_heard(serving, "/_sink/records")
        ended = serving.end(number)
        assert waiting.result().startswith(b"HTTP/1.1 503 ")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert ended.took_s < 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_sink_at_once_too(sink, number):
    serving = sink()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(long_poll, serving.ready, "/wait")
        waiting_is_heard(serving, "/records")
        ended = serving.end(number)
        assert waiting.result().startswith(b"HTTP/1.1 503 ")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert ended.took_s < 2


def long_poll(ready: dict, path: str) -> bytes:
    """Ask for what never comes; all that is answered until the connection ends."""
    url = httpx.URL(ready["baseUrl"])
    with socket.create_connection((url.host, url.port), timeout=20) as asking:
        asking.sendall(
            f"GET {path}?count=99&timeout=60 HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n\r\n".encode()
        )
        answer = bytearray()
        while piece := asking.recv(65536):
            answer += piece
        return bytes(answer)


def waiting_is_heard(serving, path: str) -> None:
    """Ask until the server has taken up the connection of the one who waits, and ours."""
    known = set()
    while len(known) < 2:
        assert serving.http.get(path).status_code == 200
        known = connections_of(serving)


def connections_of(serving) -> set[str]:
    """The far ends of the established connections at the port of a process."""
    port = httpx.URL(serving.ready["baseUrl"]).port
    rows = [line.split() for line in open("/proc/net/tcp", encoding="ascii").readlines()[1:]]
    return {row[2] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"}
