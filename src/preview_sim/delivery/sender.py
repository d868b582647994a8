"""Sends one attempt of a delivery and says how it ended (contract 5.6)."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

from preview_sim.domain.webhook import Attempt

if TYPE_CHECKING:
    import httpx

#: Attempts in the air at the same time, over all receivers.
AT_ONCE = 64

#: What is read of a receiver's answer; the rest is cut, so a reply of any size costs the same.
_REPLY_READ_AT_MOST = 64 * 1024


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities of this machine, read once: 20 ms."""
    return ssl.create_default_context()


class Sender:
    """Keeps connections to receivers. `wall` is the wall clock in seconds since 1970."""

    def __init__(self, wall: Callable[[], float], user_agent: str) -> None:
        self._wall = wall
        self._user_agent = user_agent
        self._client: httpx.AsyncClient | None = None

    async def send(
        self, url: str, headers: list[tuple[str, str]], body: bytes, timeout_ms: int
    ) -> Attempt:
        """POST `body` to `url`. The timeout covers the whole exchange, connect to last byte."""
        began = self._wall()
        status: int | None = None
        error: str | None = None
        retry_after: int | None = None
        try:
            async with asyncio.timeout(timeout_ms / 1_000):
                status, retry_after = await self._exchange(url, headers, body)
        except TimeoutError:
            error = f"no answer within {timeout_ms} ms"
        except Exception as problem:  # whatever a receiver does is an outcome
            error = f"{type(problem).__name__}: {problem}".strip(": ")
        took = max(0, round((self._wall() - began) * 1_000))
        return Attempt(status, error, took, retry_after)

    @staticmethod
    def warm_up() -> None:
        """Load what the first delivery needs, in a thread: 100 ms that nobody has to wait for."""
        import httpx  # noqa: F401, PLC0415 - that is the point

        _trusted()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _exchange(
        self, url: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, int | None]:
        async with self._connections().stream("POST", url, headers=headers, content=body) as reply:
            read = 0
            async for chunk in reply.aiter_raw():
                read += len(chunk)
                if read > _REPLY_READ_AT_MOST:
                    break
            return reply.status_code, self._retry_after(reply.headers.get("Retry-After"))

    def _connections(self) -> "httpx.AsyncClient":
        if self._client is None:
            import httpx  # noqa: PLC0415 - 70 ms that a start without deliveries need not spend

            self._client = httpx.AsyncClient(
                follow_redirects=False,
                timeout=None,  # noqa: S113 - the whole exchange has one, see `send`
                trust_env=False,
                verify=_trusted(),
                # A kept connection may be closed just when it is used again, and then nobody knows
                # whether the delivery was taken: each attempt has its own.
                limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0),
                # What one receiver sets is none of another's business.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                headers={"User-Agent": self._user_agent, "Accept": "*/*"},
            )
        return self._client

    def _retry_after(self, value: str | None) -> int | None:
        """Milliseconds from now; seconds and HTTP dates are understood, anything else ignored."""
        if value is None:
            return None
        if value.isascii() and value.isdigit():
            return int(value[:9]) * 1_000
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0, round((moment.timestamp() - self._wall()) * 1_000))
