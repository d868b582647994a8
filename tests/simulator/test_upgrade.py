"""What clients do that the parser or uvicorn would trip over: offers to upgrade, verbs in pieces,
bodies that nobody asked for."""

import base64
import contextlib
import http.client
import json
import re
import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest

ACME = "sk_sim_acme"
FITS = b'{"title":"a","jobDescription":"b","location":"c"}'
PATH = "/sourcing/preview"

#: What Java's HttpClient sends with every first request over a plain connection.
H2C = (
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA",
)


def head(method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]
    return "\r\n".join(lines).encode()


def post(*headers: str, length: int | None = len(FITS)) -> bytes:
    """The head of a start."""
    fixed = [f"Authorization: Bearer {ACME}", "Content-Type: application/json"]
    if length is not None:
        fixed.append(f"Content-Length: {length}")
    return head("POST", PATH, *fixed, *headers)


class Wire:
    """One connection that sends packets one by one."""

    def __init__(self, client) -> None:
        self._client = client
        host, port = re.findall(r"//(.*):(\d+)", client.base_url)[0]
        self.sock = socket.create_connection((host, int(port)), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *packets: bytes) -> None:
        """Each packet is read before the next one goes out: others have been answered meanwhile."""
        for n, packet in enumerate(packets):
            if n:
                for _ in range(2):
                    assert self._client.http.get("/_sim/health").status_code == 200
            self.sock.sendall(packet)

    def answer(self) -> tuple[int, bytes]:
        response = http.client.HTTPResponse(self.sock)
        response.begin()
        return response.status, response.read()

    def answers(self) -> list[int]:
        """The statuses of all answers until the other side closes."""
        came = b""
        with contextlib.suppress(ConnectionError):
            while piece := self.sock.recv(65_536):
                came += piece
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", came)]

    def is_closed(self) -> bool:
        with contextlib.suppress(ConnectionError):
            return self.sock.recv(1) == b""
        return True


@pytest.fixture
def client(connect):
    return connect(clock="manual")


@pytest.fixture
def wire(client) -> Iterator[Wire]:
    opened = Wire(client)
    with opened.sock:
        yield opened


def pieces(message: bytes, *cuts: int) -> list[bytes]:
    edges = [0, *cuts, len(message)]
    return [message[a:b] for a, b in pairwise(edges)]


OFFER = post(*H2C)


@pytest.mark.parametrize(
    "cuts",
    [
        (),
        (len(OFFER),),
        (len(OFFER) - 2,),
        (len(OFFER) - 1, len(OFFER)),
        (len(OFFER) + 5,),
        (len(OFFER), len(OFFER) + 5),
        (3,),
        (60, len(OFFER)),
    ],
)
def test_a_body_after_an_offer_to_upgrade_is_read_however_it_comes(client, wire, cuts):
    wire.send(*pieces(OFFER + FITS, *cuts))
    status, body = wire.answer()
    assert (status, json.loads(body)["status"]) == (202, "processing")
    assert client.account()["held"] == 1


@pytest.mark.parametrize("again", [(), H2C])
def test_a_connection_is_usable_after_an_offer_to_upgrade(client, wire, again):
    for _ in range(3):
        wire.send(OFFER + FITS)
        assert wire.answer()[0] == 202
        wire.send(post(*again) + FITS)
        assert wire.answer()[0] == 202
        wire.send(head("GET", f"{PATH}/x/results", *again))
        assert wire.answer()[0] == 401
    assert client.account()["held"] == 6


def test_a_request_behind_an_offer_to_upgrade_is_a_request(client, wire):
    wire.send(OFFER + FITS + OFFER + FITS + post("Connection: close") + FITS)
    assert wire.answers() == [202, 202, 202]
    assert client.account()["held"] == 3


def test_a_body_in_chunks_after_an_offer_to_upgrade_is_a_body(client, wire):
    chunks = b"".join(b"1\r\n%s\r\n" % bytes([byte]) for byte in FITS) + b"0\r\n\r\n"
    wire.send(post(*H2C, "Transfer-Encoding: chunked", length=None) + chunks[:50], chunks[50:])
    assert wire.answer()[0] == 202
    wire.send(post() + FITS)
    assert wire.answer()[0] == 202


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.0", "h2c, websocket", "nonsense"])
@pytest.mark.parametrize(
    ("method", "status"), [("GET", 405), ("POST", 401), ("HEAD", 405), ("FOO", 405), ("TRACE", 405)]
)
def test_whatever_is_offered_the_request_is_answered_as_if_it_were_not(
    wire, protocol, method, status
):
    wire.send(head(method, PATH, "Connection: Upgrade", f"Upgrade: {protocol}"))
    response = http.client.HTTPResponse(wire.sock, method=method)
    response.begin()
    assert response.status == status
    assert "upgrade" not in {name.lower() for name, _ in response.getheaders()}


def test_what_is_refused_is_refused_with_an_offer_to_upgrade_too(client, wire):
    wire.send(post(*H2C, "Host: y") + FITS + post() + FITS)
    assert wire.answer()[0] == 400
    assert wire.is_closed()
    assert client.account()["held"] == 0


@pytest.mark.parametrize("more", [(), H2C, ("Content-Length: 5",)])
def test_a_tunnel_is_refused(client, wire, more):
    wire.send(head("CONNECT", "example.com:443", *more) + post() + FITS)
    assert wire.answer()[0] == 400
    assert wire.is_closed()
    assert client.account()["held"] == 0


@pytest.mark.parametrize("size", [0, 9, 300_000])
@pytest.mark.parametrize("apart", [False, True])
def test_the_sink_records_the_whole_body_of_a_delivery_that_offers_to_upgrade(
    client, wire, size, apart
):
    body = bytes(n % 251 for n in range(size))
    start = head("POST", "/_sink/in/hook", *H2C, f"Content-Length: {size}")
    wire.send(*([start, body] if apart and size else [start + body]))
    assert wire.answer()[0] == 200
    [record] = client.records(endpoint="hook")
    assert base64.b64decode(record["bodyB64"]) == body
    assert record["bodyCut"] is None
    assert record["method"] == "POST"
    wire.send(head("POST", "/_sink/in/hook", "Content-Length: 2") + b"{}")
    assert wire.answer()[0] == 200
    assert len(client.records(endpoint="hook")) == 2


# verbs


@pytest.mark.parametrize("verb", ["FOO", "PROPFIND", "post", "G", "GETS", "X" * 31])
def test_a_verb_in_two_packets_is_a_verb(client, wire, verb):
    request = head(verb, PATH)
    for cut in sorted({1, len(verb) // 2 or 1, len(verb)}):
        wire.send(request[:cut], request[cut:])
        assert wire.answer()[0] == 405, cut
    wire.send(post() + FITS)
    assert wire.answer()[0] == 202


@pytest.mark.parametrize("cut", [4, 5, 20, len(f"FOO {PATH} HTTP/1.1")])
def test_a_request_line_in_two_packets_is_one(wire, cut):
    """Whatever its verb."""
    for verb, status in (("GET", 405), ("FOO", 405)):
        request = head(verb, PATH)
        wire.send(request[:cut], request[cut:])
        assert wire.answer()[0] == status, verb


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4, 9])
@pytest.mark.parametrize("verb", ["GET", "PUT"])
def test_a_verb_that_begins_in_the_packet_of_the_request_before_is_a_verb(wire, verb, cut):
    first, second = head("GET", f"{PATH}/x/results"), head(verb, PATH, "Connection: close")
    wire.send(first + second[:cut], second[cut:])
    assert wire.answers() == [401, 405]


@pytest.mark.parametrize("cut", [0, 1, 3, 4, 9, None])
def test_a_verb_that_no_parser_knows_ends_a_pipeline(wire, cut):
    """It is refused, 405 or 400, and never taken for anything else."""
    first, second = head("GET", f"{PATH}/x/results"), head("FOO", PATH, "Connection: close")
    wire.send(first + second[:cut], *([second[cut:]] if cut is not None else []))
    assert wire.answers()[-1] in {400, 405}


def test_a_known_verb_in_pieces_is_that_verb(client, wire):
    wire.send(b"P", b"O", b"ST", b" ", (post() + FITS)[5:])
    assert wire.answer()[0] == 202
    wire.send(b"GE", head("GET", f"{PATH}/x/results")[2:])
    assert wire.answer()[0] == 401


def test_the_sink_tells_a_verb_that_came_in_two_packets(client, wire):
    wire.send(b"FO", head("FOO", "/_sink/in/hook")[2:])
    assert wire.answer()[0] == 200
    assert [record["method"] for record in client.records(endpoint="hook")] == ["FOO"]


# Expect


def test_a_body_that_is_announced_and_too_large_ends_the_connection(client, wire):
    """Whether the body still comes, nobody can tell: what follows must not be taken for it."""
    wire.send(post("Expect: 100-continue", length=999_999))
    assert wire.answer()[0] == 413
    assert wire.is_closed()
    assert client.account()["held"] == 0


def test_a_body_that_is_announced_and_fits_is_asked_for_and_read(client, wire):
    wire.send(post("Expect: 100-continue"))
    assert wire.sock.recv(65_536).startswith(b"HTTP/1.1 100 Continue\r\n")
    wire.send(FITS)
    assert wire.answer()[0] == 202
    wire.send(post() + FITS)
    assert wire.answer()[0] == 202


def test_an_offer_to_upgrade_with_an_announced_body_is_asked_for_it(client, wire):
    wire.send(post(*H2C, "Expect: 100-continue"))
    assert wire.sock.recv(65_536).startswith(b"HTTP/1.1 100 Continue\r\n")
    wire.send(FITS)
    assert wire.answer()[0] == 202
