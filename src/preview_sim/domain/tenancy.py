"""Companies, their keys, and the world a sandbox starts with (contract 1.2, 1.3, 6.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from preview_sim.domain.billing import Unit
from preview_sim.domain.webhook import MAX_RETRIES, TIMEOUT_MS

SOURCING_WRITE = "sourcing:write"
SOURCING_READ = "sourcing:read"
READ_WEBHOOKS = "read:webhooks"
WRITE_WEBHOOKS = "write:webhooks"
READ_BILLING = "read:billing"

#: Every scope of the API (contract 1.3, 4.6, 6.4 [D]).
ALL_SCOPES = (SOURCING_WRITE, SOURCING_READ, READ_WEBHOOKS, WRITE_WEBHOOKS, READ_BILLING)


class KeyState(Enum):
    """Only an active key opens the door; the others are 401 (contract 1.2)."""

    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the world file gives it. `scenario` is the one this key's requests meet."""

    key: str
    scopes: tuple[str, ...] = ALL_SCOPES
    state: KeyState = KeyState.ACTIVE
    scenario: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookSeed:
    """A webhook config as the world file gives it. Without `url` it goes to our own sink, without
    `secret` one is drawn from the seed."""

    id: str
    events: tuple[str, ...]
    url: str | None = None
    secret: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_ms: int = TIMEOUT_MS
    max_retries: int = MAX_RETRIES


@dataclass(frozen=True, slots=True)
class Company:
    """A company: one unit of billing, a balance granted once, keys, webhooks."""

    name: str
    unit: Unit
    balance: int
    """An exact amount (credits, or seconds of minutes), see `billing.from_units`."""
    postpaid: bool = False
    keys: tuple[ApiKey, ...] = ()
    webhooks: tuple[WebhookSeed, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What a sandbox starts with; `seed`, `clock` and `readings` give way to options."""

    companies: tuple[Company, ...]
    readings: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    clock: str | None = None
