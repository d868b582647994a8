"""The server's own parts: answers that go out together, connections that are swept."""

import asyncio
import contextlib
import re
import select
import socket
from pathlib import Path

import pytest
import uvloop

from preview_sim.simulator.server import HeldTransport, Outbox, Server, bind

PATIENCE_S = 10
LOOPS = pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


class FakeTransport(asyncio.Transport):
    """Notes what is written; like uvloop's, it raises once it is closing."""

    def __init__(self, *, closing: bool = False) -> None:
        super().__init__()
        self.closing = closing
        self.written: list[bytes] = []

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        if self.closing:
            raise RuntimeError("unable to perform operation; the handler is closed")
        self.written.append(data)

    def close(self) -> None:
        self.closing = True


def on(loop_factory, scene) -> None:
    async def whole() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await scene()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(whole())


# the outbox


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_connection_that_is_closing_keeps_no_other_answer_of_the_tick_from_going_out(place):
    async def scene():
        loop, outbox = asyncio.get_running_loop(), Outbox()
        raw = [FakeTransport(closing=n == place) for n in range(3)]
        held = [HeldTransport(transport, outbox, loop) for transport in raw]
        for round_ in (b"first", b"second"):
            for transport in held:
                transport.write(round_)
                transport.write(b" answer")
            assert not any(transport._held == [] for transport in held)
            await asyncio.sleep(0)
        wanted = [b"first answer", b"second answer"]
        assert [one.written for one in raw] == [[] if n == place else wanted for n in range(3)]

    on(asyncio.new_event_loop, scene)


def test_a_connection_that_closes_sends_its_answer_first_and_once():
    async def scene():
        loop, outbox = asyncio.get_running_loop(), Outbox()
        raw = FakeTransport()
        held, other = (HeldTransport(one, outbox, loop) for one in (raw, FakeTransport()))
        held.write(b"last answer")
        other.write(b"answer")
        held.close()
        await asyncio.sleep(0)
        assert (raw.written, raw.closing) == ([b"last answer"], True)
        assert other._transport.written == [b"answer"]

    on(asyncio.new_event_loop, scene)


@LOOPS
def test_a_peer_that_resets_in_the_tick_of_two_answers_takes_only_its_own_with_it(loop_factory):
    async def scene():
        loop, outbox = asyncio.get_running_loop(), Outbox()
        opened: asyncio.Queue[asyncio.Transport] = asyncio.Queue()

        class Protocol(asyncio.Protocol):
            def connection_made(self, transport):
                opened.put_nowait(transport)

        server = await loop.create_server(Protocol, "127.0.0.1", 0)
        place = server.sockets[0].getsockname()
        clients, held = [], []
        for _ in range(3):
            clients.append(await asyncio.open_connection(*place))
            held.append(HeldTransport(await opened.get(), outbox, loop))
        held[0]._transport.abort()  # its end is told in the next tick
        for answer in (b"first", b"second"):
            for transport in held:
                transport.write(answer)
            for reader, _ in clients[1:]:
                assert await reader.readexactly(len(answer)) == answer
        for transport in held:
            transport.close()
        for _, writer in clients:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        server.close()

    on(loop_factory, scene)


# the sweep


class Application:
    """Answers at once, but `/wait` when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.told = asyncio.Event()

    async def __call__(self, scope, _receive, send) -> None:
        if scope["path"] == "/wait":
            self.asked.set()
            await self.told.wait()
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


@contextlib.asynccontextmanager
async def serving():
    """A server that finds every silence too long, when it is asked to sweep."""
    application, bound = Application(), bind("127.0.0.1", 0)
    server = Server(application, bound)
    server.config.timeout_keep_alive = -1
    swept = server.on_tick

    async def not_by_itself(counter: int) -> bool:
        return await swept(counter) if counter == 0 and swept_now else server.should_exit

    swept_now: list[bool] = []
    server.on_tick = not_by_itself
    task = await server.start()

    async def sweep() -> None:
        swept_now.append(True)
        await server.on_tick(0)
        swept_now.clear()

    try:
        yield application, bound.getsockname(), sweep
    finally:
        application.told.set()
        server.stop()
        await task


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(2) == b"ok"
    return head.split()[1]


@LOOPS
@pytest.mark.parametrize("cut", [0, 3, 10, len(get("/wait")) - 2, len(get("/wait"))])
def test_a_connection_with_an_answer_in_progress_is_not_idle(loop_factory, cut):
    """The second request begins in the packet of the first."""

    async def scene():
        async with serving() as (application, place, sweep):
            reader, writer = await asyncio.open_connection(*place)
            writer.write(get("/now") + get("/wait")[:cut])
            assert await answer(reader) == b"200"
            writer.write(get("/wait")[cut:])
            await application.asked.wait()
            await sweep()
            application.told.set()
            assert await answer(reader) == b"200"
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    on(loop_factory, scene)


@LOOPS
def test_a_connection_that_is_silent_after_its_answer_is_swept(loop_factory):
    async def scene():
        async with serving() as (_, place, sweep):
            reader, writer = await asyncio.open_connection(*place)
            writer.write(get("/now"))
            assert await answer(reader) == b"200"
            await sweep()
            assert await reader.read() == b""
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    on(loop_factory, scene)


# bodies without an end

MIB = 1 << 20
CLOCK = "/_sim/sandboxes/default/clock"


def post_head(base_url: str, *headers: str) -> tuple[socket.socket, bytes]:
    host, port = re.findall(r"//(.*):(\d+)", base_url)[0]
    sock = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
    lines = [f"POST {CLOCK} HTTP/1.1", f"Host: {host}:{port}", *headers, "", ""]
    return sock, "\r\n".join(lines).encode()


def peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_clock_command_without_an_end_is_413_and_costs_no_memory(serve):
    process = serve("--clock=manual")
    assert process.client.clock(until="idle").status_code == 200
    before = peak_mib(process.popen.pid)
    sock, head = post_head(
        process.client.base_url, "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    chunk = b"10000\r\n" + b"[1]," * 0x4000 + b"\r\n"
    sent = 0
    with sock:
        sock.sendall(head)
        while not select.select([sock], [], [], 0)[0]:
            assert sent < 64 * MIB, "nobody said that it is too large"
            sock.sendall(chunk)
            sent += len(chunk)
        assert sock.recv(65_536).startswith(b"HTTP/1.1 413 ")
        with contextlib.suppress(ConnectionError):  # and what comes all the same is not kept
            for _ in range(64 * 16):
                sock.sendall(chunk)
    assert process.client.clock(until="idle").status_code == 200
    assert peak_mib(process.popen.pid) - before < 24


@pytest.mark.parametrize(("size", "status"), [(256 * 1024, 400), (256 * 1024 + 1, 413)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_clock_command_may_have_256_kib(connect, size, status, chunked):
    client = connect(clock="manual")
    body = b" " * size
    content = iter([body[:1_000], body[1_000:]]) if chunked else body
    came = client.http.post(CLOCK, content=content, headers={"Content-Type": "application/json"})
    assert came.status_code == status
    assert (
        came.json()["error"]["code"] == {400: "VALIDATION_ERROR", 413: "PAYLOAD_TOO_LARGE"}[status]
    )
