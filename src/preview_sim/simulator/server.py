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

#: What requests in flight get when the server stops.
_GRACE_S = 1


class StrictProtocol(HttpToolsProtocol):
    """One Host, at most 100 headers of 32 KB, a whole request within 30 s."""

    _deadline: asyncio.TimerHandle | None = None
    _bytes = 0
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._bytes = 0
        if self._deadline is None:
            self._start_deadline()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))
        if len(self.headers) > _HEADERS_AT_MOST:
            self._refuse(f"Expected at most {_HEADERS_AT_MOST} headers.")

    def on_headers_complete(self) -> None:
        if self._refused:
            return
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) != 1 and self.parser.get_http_version() != "1.0":
            self._refuse(f"Expected exactly one Host header, got {len(hosts)}.")
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop_deadline()
        if not self._refused:
            super().on_message_complete()

    def _count(self, more: int) -> None:
        self._bytes += more
        if self._bytes > _HEADER_BYTES_AT_MOST:
            self._refuse(f"Expected at most {_HEADER_BYTES_AT_MOST} bytes of headers.")

    def _refuse(self, message: str) -> None:
        if not self._refused:
            self._refused = True
            self.send_400_response(message)

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(_REQUEST_DEADLINE_S, self._too_slow)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self.transport is not None and not self.transport.is_closing():
            self._refuse(f"Expected a whole request within {_REQUEST_DEADLINE_S:.0f} s.")


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
