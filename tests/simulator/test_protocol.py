"""HTTP spoken byte by byte: what is refused with one 400, and what keeps a connection usable."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator

import pytest

ACME = "sk_sim_acme"
FITS = b'{"title":"a","jobDescription":"b","location":"c"}'
UNKNOWN = "/sourcing/preview/x/results"


def get(path: str = UNKNOWN, *headers: str, host: str | None = "x") -> bytes:
    lines = [f"GET {path} HTTP/1.1", *([f"Host: {host}"] if host is not None else []), *headers]
    return ("\r\n".join([*lines, "", ""])).encode("latin-1")


def post(body: bytes = FITS, *headers: str, key: str = ACME, length: bool = True) -> bytes:
    lines = [
        "POST /sourcing/preview HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        *([f"Content-Length: {len(body)}"] if length else []),
        *headers,
    ]
    return ("\r\n".join([*lines, "", ""])).encode("latin-1") + body


class Wire:
    """One connection, and the answers that come over it."""

    def __init__(self, base_url: str) -> None:
        host, port = re.findall(r"//(.*):(\d+)", base_url)[0]
        self.sock = socket.create_connection((host, int(port)), timeout=10)
        self.left = b""

    def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # refused before it was all sent
            self.sock.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes] | None:
        """The next answer; None if the connection ends first."""
        while b"\r\n\r\n" not in self.left:
            if not self._more():
                return None
        head, _, self.left = self.left.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = headers.get("content-length")
        if length is None and "chunked" in headers.get("transfer-encoding", ""):
            raise AssertionError("no answer of ours is chunked")
        if length is None and not first.startswith("HTTP/1.1 204"):
            while self._more():
                pass
            body, self.left = self.left, b""
        else:
            wanted = int(length or 0)
            while len(self.left) < wanted and self._more():
                pass
            body, self.left = self.left[:wanted], self.left[wanted:]
        return int(first.split()[1]), headers, body

    def answers(self) -> list[int]:
        """The statuses of all answers until the other side closes."""
        statuses = []
        while (came := self.answer()) is not None:
            statuses.append(came[0])
        return statuses

    def is_closed(self) -> bool:
        return not self.left and not self._more()

    def _more(self) -> bool:
        try:
            data = self.sock.recv(65_536)
        except ConnectionError:
            return False
        self.left += data
        return bool(data)


@pytest.fixture
def client(connect):
    return connect(clock="manual")


@pytest.fixture
def wire(client) -> Iterator[Wire]:
    opened = Wire(client.base_url)
    with opened.sock:
        yield opened


def test_a_request_is_answered_and_the_connection_stays_usable(client, wire):
    for _ in range(3):
        wire.send(get())
        assert wire.answer()[0] == 401
        wire.send(post())
        status, headers, body = wire.answer()
        assert (status, headers["content-type"]) == (202, "application/json")
        assert json.loads(body)["status"] == "processing"
    assert client.account()["held"] == 3


@pytest.mark.parametrize(
    "request_",
    [
        get(host=None),
        get(UNKNOWN, "Host: y"),
        get(UNKNOWN, "Host: x"),
        get(UNKNOWN, "host: x", host="X"),
    ],
)
def test_no_host_or_two_of_them_is_400(wire, request_):
    wire.send(request_)
    assert wire.answers() == [400]


def test_http_1_0_needs_no_host(wire):
    wire.send(b"GET /nowhere HTTP/1.0\r\n\r\n")
    assert wire.answers() == [404]


@pytest.mark.parametrize(("count", "status"), [(99, 401), (100, 400), (1_000, 400)])
def test_a_hundred_headers_are_enough(wire, count, status):
    """The Host is one of them."""
    wire.send(get(UNKNOWN, *(f"X-{n}: {n}" for n in range(count))))
    assert wire.answer()[0] == status


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get(UNKNOWN, f"X-Big: {'x' * 31_000}"), 401),
        (get(UNKNOWN, f"X-Big: {'x' * 33_000}"), 400),
        (get(UNKNOWN, f"X-Big: {'x' * 1_000_000}"), 400),
        (get(UNKNOWN, *(f"X-Big-{n}: {'x' * 1_000}" for n in range(40))), 400),
        (get(f"/{'x' * 33_000}"), 400),
        (get(UNKNOWN, f"{'X' * 33_000}: 1"), 400),
        (post(FITS, f"X-Big: {'x' * 33_000}"), 400),
    ],
)
def test_32_kb_of_headers_are_enough(client, wire, request_, status):
    wire.send(request_)
    assert wire.answer()[0] == status
    assert client.account()["held"] == 0


def test_headers_without_an_end_are_cut_off_at_32_kb(wire):
    """One line that never ends must not be kept in memory."""
    wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: ")
    with contextlib.suppress(OSError):
        for _ in range(100):
            wire.sock.sendall(b"x" * 1_000)
    assert wire.answers() in ([400], [])


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: -5"],
        ["Content-Length: 5, 6"],
        ["Content-Length: 0x5"],
        ["Content-Length: +5"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding : chunked"],
        ["X-A: b\r\n folded: c"],
        ["X-A\x00: b"],
        ["X A: b"],
        [": b"],
    ],
)
def test_a_request_that_two_servers_could_read_differently_is_one_400(client, wire, headers):
    """Request smuggling: what follows in the same bytes is never taken for a request."""
    smuggled = get("/_sink/records", host="127.0.0.1")
    wire.send(post(b"0\r\n\r\n", *headers, length=False) + smuggled)
    statuses = wire.answers()
    assert statuses == [400]
    assert client.account()["held"] == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\nnonsense\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /\r\nHost: x\r\n\r\n",
        b"/ GET HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n\x00",
    ],
)
def test_what_is_no_http_is_answered_with_at_most_one_400_and_an_end(client, wire, raw):
    wire.send(raw)
    wire.sock.shutdown(socket.SHUT_WR)
    assert wire.answers() in ([], [400], [404])
    assert client.start().status_code == 202, "others are served as before"


def test_pipelined_requests_are_answered_in_their_order(client, wire):
    wire.send(get("/nowhere") + post() + get() + post(b"{") + post(key="sk_sim_beta"))
    assert [wire.answer()[0] for _ in range(5)] == [404, 202, 401, 400, 202]
    wire.send(get("/nowhere"))
    assert wire.answer()[0] == 404
    assert client.account()["held"] == 1


def test_after_a_refused_request_nothing_of_the_same_connection_is_done(client, wire):
    wire.send(get(host=None) + post() + post())
    assert wire.answers() == [400]
    assert client.account()["held"] == 0


def test_a_request_before_a_refused_one_is_answered(client, wire):
    wire.send(post() + get(host=None) + post())
    statuses = wire.answers()
    assert statuses[-1] == 400
    assert statuses.count(400) == 1
    assert client.account()["held"] == 1


def test_a_body_in_chunks_is_a_body(client, wire):
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, bytes([byte])) for byte in FITS) + b"0\r\n\r\n"
    wire.send(post(chunks, "Transfer-Encoding: chunked", length=False))
    assert wire.answer()[0] == 202
    wire.send(get())
    assert wire.answer()[0] == 401
    assert client.account()["held"] == 1


def test_a_request_that_comes_byte_by_byte_is_a_request(wire):
    wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in post():
        wire.sock.sendall(bytes([byte]))
    assert wire.answer()[0] == 202


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_caller_that_goes_away_in_mid_request_leaves_nothing_behind(client, where):
    for _ in range(20):
        wire = Wire(client.base_url)
        wire.send(post()[: 40 if where == "headers" else -5])
        wire.sock.close()
    assert client.start().status_code == 202
    assert client.account()["held"] == 1
    assert client.http.get("/_sim/health").json()["status"] == "ok"


def test_a_body_that_is_too_large_is_refused_before_it_has_all_come(client, wire):
    wire.send(post(b"", "Content-Length: 10000000000", length=False))
    status, _, body = wire.answer()
    assert (status, json.loads(body)["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert client.start().status_code == 202


def test_an_endless_body_in_chunks_is_cut_off(client, wire):
    wire.send(post(b"", "Transfer-Encoding: chunked", length=False))
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    began = time.monotonic()  # noqa: TID251 - it must not go on for ever
    with contextlib.suppress(OSError):
        for _ in range(1_000):
            wire.sock.sendall(chunk)
            wire.sock.settimeout(0.001)
            with contextlib.suppress(TimeoutError):
                if wire._more():
                    break
            wire.sock.settimeout(10)
    wire.sock.settimeout(10)
    assert wire.answer()[0] == 413
    assert time.monotonic() - began < 10  # noqa: TID251
    assert client.start().status_code == 202


def test_head_and_options_have_no_body(client, wire):
    request_id = client.start().json()["requestId"]
    client.clock(until="idle")
    path = f"/sourcing/preview/{request_id}/results"
    asked = f"Authorization: Bearer {ACME}"
    wire.send(get(path, asked).replace(b"GET", b"HEAD", 1))
    while b"\r\n\r\n" not in wire.left:
        assert wire._more()
    head, _, rest = wire.left.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"content-length: " in head
    wire.left = rest
    assert rest == b""
    wire.send(get(path, asked).replace(b"GET", b"OPTIONS", 1))
    status, headers, body = wire.answer()
    assert (status, headers["allow"], body) == (204, "get, head, options", b"")


def test_the_server_does_not_say_what_it_is_made_of(wire):
    wire.send(get())
    _, headers, _ = wire.answer()
    assert "server" not in headers
    assert "x-powered-by" not in headers


def test_connection_close_is_honoured(wire):
    wire.send(get(UNKNOWN, "Connection: close"))
    assert wire.answer()[0] == 401
    assert wire.is_closed()


def test_an_upgrade_is_not_followed(wire):
    wire.send(get("/_sim/health", "Connection: Upgrade", "Upgrade: websocket"))
    assert wire.answer()[0] in (400, 403, 426)
