"""The door rules of the control side and the sink: no other site's page may reach them.

An exact Host allowlist (DNS rebinding), no cross-site Origin, no CORS, JSON on every write, and the
admin token where one is set. Nothing is exempt for being loopback.
"""

import hmac
from dataclasses import dataclass

from starlette.requests import Request

from preview_sim.domain.errors import ControlRefused

_HTTP_PORT = 80
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Guard:
    """`hosts` are the exact Host values that are ours; empty: any, behind an admin token."""

    hosts: frozenset[str]
    admin_token: str | None

    @classmethod
    def of(cls, host: str, port: int, admin_token: str | None) -> "Guard":
        """The guard of a server bound to `host`: only loopback names can be known beforehand."""
        loopback = ("127.0.0.1", "localhost", "[::1]")
        shown = f"[{host}]" if ":" in host else host
        known = shown in loopback
        names = {f"{name}:{port}" for name in loopback} if known else set()
        if names and port == _HTTP_PORT:  # which clients leave out
            names.update(loopback)
        return cls(frozenset(names), admin_token)

    def check(self, request: Request) -> None:
        """Raise ControlRefused with the rule that was broken."""
        headers = request.headers
        host = headers.get("host", "")
        if self.hosts and host not in self.hosts:
            raise ControlRefused(
                f"Expected the Host {' or '.join(sorted(self.hosts))}, got {host!r}."
            )
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            raise ControlRefused(f"Cross-site requests are refused; this one came from {origin!r}.")
        site = headers.get("sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            raise ControlRefused(f"Cross-site requests are refused; this one is {site!r}.")
        if self.admin_token is not None:
            given = headers.get("authorization", "")
            wanted = f"Bearer {self.admin_token}"
            if not hmac.compare_digest(given.encode(), wanted.encode()):
                raise ControlRefused(
                    "Expected `Authorization: Bearer <admin token>`, as given to --admin-token."
                )
        if request.method in _WRITES:
            media = headers.get("content-type", "").partition(";")[0].strip().lower()
            if media != "application/json":
                raise ControlRefused(
                    f"Expected Content-Type: application/json on every write, got {media!r}."
                )
