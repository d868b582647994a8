"""The HTTP server: uvicorn with a stricter door, on a socket of our own.

What uvicorn's fast parser lets pass is refused here: no Host or two of them, very many or very
large headers, and a connection that takes its time to say what it wants.
"""

import asyncio
import contextlib
import errno
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.loops.auto import auto_loop_factory
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from preview_sim.domain.errors import UsageError

_HEADERS_AT_MOST = 100
_HEADER_BYTES_AT_MOST = 32 * 1024

#: From a connection's first byte, or its opening, until a request is whole.
_REQUEST_DEADLINE_S = 30.0

#: uvicorn counts on ten ticks a second; slow requests are looked for once in a second.
_TICK_S = 0.1
_TICKS_A_SWEEP = 10

#: How long a connection may be silent between two requests.
_KEEP_ALIVE_S = 15

#: What requests in flight get when the server stops.
_GRACE_S = 1


#: The verbs of everyday, which the parser knows; others are looked at more closely.
_PARSED_VERBS = frozenset((b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS"))

#: Longer than any request line with an odd verb that is worth a 405.
_LINE_BYTES_AT_MOST = 8_192

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) [^ \r\n]+ HTTP/1\.[01]\r?\n")


class Outbox:
    """Sends what was written to all connections in one tick of the loop, with one call for each.

    uvicorn writes head and body apart; on small answers the second system call costs as much as the
    application does, and calls between two requests slow the second one down.
    """

    def __init__(self) -> None:
        self._waiting: list[HeldTransport] = []

    def post(self, transport: "HeldTransport", loop: asyncio.AbstractEventLoop) -> None:
        if not self._waiting:
            loop.call_soon(self._send_all)
        self._waiting.append(transport)

    def _send_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            transport.flush()


class HeldTransport:
    """A transport that holds what is written until the outbox sends it."""

    def __init__(
        self, transport: asyncio.Transport, outbox: Outbox, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._transport = transport
        self._outbox = outbox
        self._loop = loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._held:
            self._outbox.post(self, self._loop)
        self._held.append(data)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        data = b"".join(self._held)
        self._held.clear()
        if data and not self._transport.is_closing():
            self._transport.write(data)


class _State(ServerState):
    """What the connections of one server share."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()


class StrictProtocol(HttpToolsProtocol):
    """One Host, at most 100 headers of 32 KB, a whole request within 30 s; any verb is answered."""

    #: When the request that is being read began (loop time); None while one is being answered.
    reading_since: float | None = None
    #: When the last answer was sent (loop time); None while there is a request.
    idle_since: float | None = None
    _in_headers = True
    _header_bytes = 0
    _refused = False
    _odd_verb: str | None = None
    _between_requests = True
    _line_so_far = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        assert isinstance(self.server_state, _State), "the server below makes the state"
        held: Any = HeldTransport(transport, self.server_state.outbox, self.loop)
        super().connection_made(held)
        self.reading_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            self._header_bytes += len(data)
        if self._between_requests:
            data, self._line_so_far = self._line_so_far + data, b""
            end = data.find(b" ")
            if end < 0 or data[:end] not in _PARSED_VERBS:
                if b"\n" not in data and len(data) < _LINE_BYTES_AT_MOST:
                    self._line_so_far = data  # a verb in two pieces is still one verb
                    return
                data = self._disguise(data)
        self._feed(data)
        if self._in_headers and self._header_bytes > _HEADER_BYTES_AT_MOST:
            self.refuse(f"Expected at most {_HEADER_BYTES_AT_MOST} bytes of headers.")

    def _feed(self, data: bytes) -> None:
        """uvicorn's, but an offer to upgrade is declined (RFC 9110, 7.8): Java's clients make it
        with every request, and the parser would skip the body."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            kept = [(name, value) for name, value in self.headers if name != b"upgrade"]
            if len(kept) == len(self.headers):
                self.refuse("Expected a request to this server, got CONNECT.")
                return
            lines = [self.parser.get_method() + b" " + self.url + b" HTTP/1.1"]
            lines += [name + b": " + value for name, value in kept]
            self.parser = httptools.HttpRequestParser(self)
            self._feed(b"\r\n".join(lines) + b"\r\n\r\n" + data[offer.args[0] :])
        except httptools.HttpParserError:
            self.refuse("Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._between_requests = False
        self.idle_since = None
        if self.reading_since is None:
            self.reading_since = self.loop.time()
            self._in_headers, self._header_bytes = True, 0

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # it comes again without the offer
        self.idle_since = None
        self._in_headers = False
        hosts = 0
        size = len(self.url)
        for name, value in self.headers:
            hosts += name == b"host"
            size += len(name) + len(value)
        if len(self.headers) > _HEADERS_AT_MOST:
            self.refuse(f"Expected at most {_HEADERS_AT_MOST} headers, got {len(self.headers)}.")
        elif size > _HEADER_BYTES_AT_MOST:
            self.refuse(f"Expected at most {_HEADER_BYTES_AT_MOST} bytes of headers, got {size}.")
        elif hosts != 1 and self.parser.get_http_version() != "1.0":
            self.refuse(f"Expected exactly one Host header, got {hosts}.")
        else:
            super().on_headers_complete()
            if self._odd_verb is not None:
                self.scope["method"], self._odd_verb = self._odd_verb, None

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self.reading_since = None
        self._between_requests = True
        if not self._refused:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """uvicorn's, but an idle connection is found by the sweep and has no timer of its own."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        if self.reading_since is None:
            self.idle_since = self.loop.time()
        elif self.expect_100_continue:
            self.transport.close()  # refused early: whether the body still comes, nobody can tell

    def _disguise(self, data: bytes) -> bytes:
        """A verb that the parser does not know, as one that it does: the application says 405."""
        found = _REQUEST_LINE.match(data)
        if found is None:
            return data
        self._odd_verb = found[1].decode()
        return b"TRACE" + data[found.end(1) :]

    def refuse(self, message: str) -> None:
        """Answer 400 and close: what comes over this connection is not to be trusted."""
        if not self._refused and self.transport is not None and not self.transport.is_closing():
            self._refused = True
            self.send_400_response(message)


class Server(uvicorn.Server):
    """Tells when it is ready, and leaves signals to whoever owns the process."""

    def __init__(self, app: ASGIApp, bound: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=StrictProtocol,
                loop="none",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self.server_state = _State()
        self.ready = asyncio.Event()
        self._stopped = asyncio.Event()
        self._bound = bound

    async def start(self) -> "asyncio.Task[None]":
        """Serve in a task, from now until `stop`; raises what keeps it from serving at all."""
        serving = asyncio.create_task(self.serve(sockets=[self._bound]))
        ready = asyncio.create_task(self.ready.wait())
        await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
        if not self.ready.is_set():
            ready.cancel()
            await serving
        return serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def stop(self) -> None:
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        """uvicorn's, but it ends at once when it is told to, not with the next tick."""
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            try:
                async with asyncio.timeout(_TICK_S):
                    await self._stopped.wait()
            except TimeoutError:
                pass

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's, but nobody waits for a request that is not whole yet."""
        for connection in self._protocols():
            if connection.reading_since is not None:
                connection.transport.close()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_A_SWEEP == 0:
            self._refuse_the_slow()
        return await super().on_tick(counter)

    def _refuse_the_slow(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in self._protocols():
            reading, idle = connection.reading_since, connection.idle_since
            if reading is not None and now - reading > _REQUEST_DEADLINE_S:
                connection.refuse(f"Expected a whole request within {_REQUEST_DEADLINE_S:.0f} s.")
            elif idle is not None and now - idle > self.config.timeout_keep_alive:
                connection.transport.close()

    def _protocols(self) -> list[StrictProtocol]:
        return [one for one in self.server_state.connections if isinstance(one, StrictProtocol)]

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[Any]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; UsageError if the port is taken or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"Port {port} on {host} is in use. Stop what listens there, name another --port, "
                "or take --port 0 for any free one."
            ) from error
        raise UsageError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    except OverflowError as error:
        bound.close()
        raise UsageError(f"Expected a port of 0 to 65535, got {port}.") from error
    return bound


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where there is one, else the loop of the stdlib."""
    return auto_loop_factory()


def url_of(host: str, bound: socket.socket) -> str:
    port = bound.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
