"""The HTTP server: uvicorn with a stricter door, on a socket of our own.

What uvicorn's fast parser lets pass is refused here: no Host or two of them, very many or very
large headers, and a connection that takes its time to say what it wants.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from preview_sim.domain.errors import UsageError

_HEADERS_AT_MOST = 100
_HEADER_BYTES_AT_MOST = 32 * 1024

#: From a connection's first byte, or its opening, until a request is whole.
_REQUEST_DEADLINE_S = 30.0

#: uvicorn ticks ten times a second; slow requests are looked for once in a second.
_TICKS_A_SWEEP = 10

#: What requests in flight get when the server stops.
_GRACE_S = 1


class OneWriteTransport:
    """A transport that sends what is written in one tick of the loop with one system call.

    uvicorn writes head and body apart; on small answers the second call costs as much as the
    application does.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self._transport.write(data)


class StrictProtocol(HttpToolsProtocol):
    """One Host, at most 100 headers of 32 KB, a whole request within 30 s."""

    #: When the request that is being read began (loop time); None while one is being answered.
    reading_since: float | None = None
    _in_headers = True
    _header_bytes = 0
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(OneWriteTransport(transport, self.loop))  # type: ignore[arg-type]  # quacks
        self.reading_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._header_bytes > _HEADER_BYTES_AT_MOST:
            self.refuse(f"Expected at most {_HEADER_BYTES_AT_MOST} bytes of headers.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self.reading_since is None:
            self.reading_since = self.loop.time()
            self._in_headers, self._header_bytes = True, 0

    def on_headers_complete(self) -> None:
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

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self.reading_since = None
        if not self._refused:
            super().on_message_complete()

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
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self.ready = asyncio.Event()
        self._bound = bound

    async def run_until_stopped(self) -> None:
        await self.serve(sockets=[self._bound])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def stop(self) -> None:
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_A_SWEEP == 0:
            self._refuse_the_slow()
        return await super().on_tick(counter)

    def _refuse_the_slow(self) -> None:
        oldest = asyncio.get_running_loop().time() - _REQUEST_DEADLINE_S
        for connection in list(self.server_state.connections):
            assert isinstance(connection, StrictProtocol), "no other protocol is configured"
            since = connection.reading_since
            if since is not None and since < oldest:
                connection.refuse(f"Expected a whole request within {_REQUEST_DEADLINE_S:.0f} s.")

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


def url_of(host: str, bound: socket.socket) -> str:
    port = bound.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
