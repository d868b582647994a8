"""A scenario: what the fake provider and the account do in one run, and what must come of it.

Every field's default is the happy case; a scenario file overlays it. Durations are milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from preview_sim.domain.billing import Unit
from preview_sim.domain.draw import draw_between
from preview_sim.domain.run import PAGE_SIZE, Outcome, Query
from preview_sim.domain.tenancy import KeyState

DEFAULT_SCENARIO = "happy"


@dataclass(frozen=True, slots=True)
class Latency:
    """How long an answer takes: drawn from the seed between `low` and `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """How one attempt at a page ends; `status` is the provider's HTTP status for an error."""

    outcome: Outcome
    status: int | None = None

    def __str__(self) -> str:
        return str(self.status) if self.outcome is Outcome.ERROR else self.outcome.value


OK = AttemptPlan(Outcome.OK)
TIMEOUT = AttemptPlan(Outcome.TIMEOUT)


@dataclass(frozen=True, slots=True)
class PagePlan:
    """What is special about one page. `attempts` run out into ok; `always` holds for each one."""

    count: int = PAGE_SIZE
    latency: Latency | None = None
    attempts: tuple[AttemptPlan, ...] = ()
    always: AttemptPlan | None = None
    duplicate_of: int | None = None
    sparse: float | None = None

    def attempt(self, number: int) -> AttemptPlan:
        if self.always is not None:
            return self.always
        return self.attempts[number - 1] if number <= len(self.attempts) else OK


@dataclass(frozen=True, slots=True)
class ProviderPlan:
    """The provider as a scenario sees it. `total` people match every search."""

    total: int = 250
    latency: Latency = Latency(80, 250)
    timeout: int = 15_000
    retries: int = 2
    announces_end: bool = True
    pages: Mapping[int, PagePlan] = field(default_factory=dict)
    locale: str = "en_US"
    sparse: float = 0.0
    unicode: bool = False

    def page(self, number: int) -> PagePlan:
        return self.pages.get(number, _ORDINARY_PAGE)

    def count(self, page: int) -> int:
        """How many people the page answers with."""
        left = self.total - PAGE_SIZE * (page - 1)
        return max(0, min(left, self.page(page).count))

    def more(self, page: int) -> bool:
        """Whether the page says that there is another (contract 2.10 [A])."""
        return not self.announces_end or self.total > PAGE_SIZE * page

    def answer(self, seed: int, request_id: str, query: Query) -> tuple[AttemptPlan, int]:
        """How an attempt ends, and after how long. One slower than the timeout is a timeout."""
        plan = self.page(query.page)
        ends = plan.attempt(query.attempt)
        if ends.outcome is Outcome.TIMEOUT:
            return TIMEOUT, self.timeout
        span = plan.latency or self.latency
        took = draw_between(
            span.low, span.high, seed, "latency", request_id, query.page, query.attempt
        )
        return (TIMEOUT, self.timeout) if took >= self.timeout else (ends, took)


_ORDINARY_PAGE = PagePlan()


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """A purse of the scenario's own, per key: the company's balance is never touched.

    `balance` None leaves the company's account in charge; `key_state` changes the caller's key.
    """

    unit: Unit = Unit.CREDITS
    balance: int | None = None
    """An exact amount, see `billing.from_units`."""
    postpaid: bool = False
    key_state: KeyState | None = None


@dataclass(frozen=True, slots=True)
class LedgerExpectation:
    """Amounts of one run in pages' worth of the unit, as the file writes them."""

    held: int | float | None = None
    charged: int | float | None = None
    released: int | float | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a replay must see; None means that the scenario does not say."""

    http: int | None = None
    status: str | None = None
    error_code: str | None = None
    candidates: int | None = None
    ledger: LedgerExpectation | None = None
    pages: tuple[str, ...] | None = None
    webhooks: tuple[str, ...] | None = None
    polls: tuple[str, ...] | None = None
    elapsed: Latency | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One named case. `request` holds wire-named defaults for a replay's POST."""

    name: str
    summary: str = ""
    tags: tuple[str, ...] = ()
    seed: int | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    account: AccountPlan = AccountPlan()
    provider: ProviderPlan = ProviderPlan()
    readings: Mapping[str, str] = field(default_factory=dict)
    expect: Expectation = Expectation()
