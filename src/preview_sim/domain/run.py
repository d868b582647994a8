"""The life of a run: request, page plan, decisions, states and documents (contract 1, 2, 3).

Everything here is decided, nothing is done: the engine asks what comes next and does it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from preview_sim.domain.candidate import CandidateFields
from preview_sim.domain.timestamp import to_iso

PAGE_SIZE = 20
MAX_PAGES = 5
DEFAULT_LIMIT = 20
MAX_LIMIT = PAGE_SIZE * MAX_PAGES

#: The wait between an attempt that failed and the next, on the simulator's clock (contract 2.8).
RETRY_PAUSE_MS = 500

ACCEPTED_MESSAGE = "Sourcing run accepted and queued for processing."
PROCESSING_MESSAGE = (
    "The sourcing agent is actively analyzing candidates. Please poll again in 10 seconds."
)
FAILED_CODE = "AGENT_ERROR"
FAILED_MESSAGE = "The sourcing agent encountered an unexpected error."


@dataclass(frozen=True, slots=True)
class Search:
    """All that a result depends on: not the limit, not the webhook (contract 2.12 [A])."""

    title: str
    location: str
    text: str


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """An accepted body of `POST /sourcing/preview` (contract 1.4 [S])."""

    title: str
    job_description: str
    location: str
    query: str | None = None
    limit: int = DEFAULT_LIMIT
    webhook_id: str | None = None

    @property
    def search(self) -> Search:
        """`query` overrides the search text otherwise derived from the job description."""
        return Search(self.title, self.location, self.query or self.job_description)

    @property
    def pages_at_most(self) -> int:
        """`ceil(limit / 20)`: what is held for, and never exceeded (contract 1.8, 2.1 [S])."""
        return -(-self.limit // PAGE_SIZE)


class RunState(Enum):
    """The documented statuses of a run (contract 3)."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class RunEvent(Enum):
    """What can happen to a run."""

    ATTEMPT_FAILED = "attempt failed"
    PAGE_ANSWERED = "page answered, more is wanted and there"
    SATISFIED = "all pages that the limit needs have answered"
    EXHAUSTED = "the provider has no more"
    PROVIDER_FAILED = "retries used up"
    PROVIDER_FAILED_PARTIAL = "retries used up, what was found is kept"


#: The one table of a run's life. A pair that is not here cannot happen.
TRANSITIONS: Mapping[tuple[RunState, RunEvent], RunState] = {
    (RunState.PROCESSING, RunEvent.ATTEMPT_FAILED): RunState.PROCESSING,
    (RunState.PROCESSING, RunEvent.PAGE_ANSWERED): RunState.PROCESSING,
    (RunState.PROCESSING, RunEvent.SATISFIED): RunState.COMPLETED,
    (RunState.PROCESSING, RunEvent.EXHAUSTED): RunState.COMPLETED,
    (RunState.PROCESSING, RunEvent.PROVIDER_FAILED): RunState.FAILED,
    (RunState.PROCESSING, RunEvent.PROVIDER_FAILED_PARTIAL): RunState.COMPLETED,
}


def transition(state: RunState, event: RunEvent) -> RunState:
    """The state after `event`; an impossible pair is our bug."""
    after = TRANSITIONS.get((state, event))
    assert after is not None, f"a {state.value} run cannot meet: {event.value}"
    return after


@dataclass(frozen=True, slots=True)
class Query:
    """One question to the provider: page 1..5, attempt 1..1+retries. Never two at once."""

    page: int = 1
    attempt: int = 1


class Outcome(Enum):
    """How the provider answered one query."""

    OK = "ok"
    TIMEOUT = "timeout"
    ERROR = "error"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Page:
    """A page that the provider answered; `more` says whether it has another (contract 2.10)."""

    people: Sequence[CandidateFields]
    more: bool


@dataclass(frozen=True, slots=True)
class Next:
    """What follows an answer: another query after a pause, or (query None) the end of the run."""

    event: RunEvent
    query: Query | None = None
    pause_ms: int = 0


def after_page(query: Query, *, more: bool, empty: bool, pages_at_most: int) -> Next:
    """The provider answered a page (contract 2.1, 2.10).

    The number of pages is planned from the limit, so a run never costs more than its hold, also
    when pages come short. An empty page ends the run whatever the provider announces.
    """
    if empty or not more:
        return Next(RunEvent.EXHAUSTED)
    if query.page >= pages_at_most:
        return Next(RunEvent.SATISFIED)
    return Next(RunEvent.PAGE_ANSWERED, Query(page=query.page + 1))


def after_failure(query: Query, *, retries: int, pages_answered: int, billing: str) -> Next:
    """A query timed out or failed: retry it, or give up (contract 2.8 [D/A], 2.9 [A]).

    `billing` is the reading `failed-page-billing`; `partial` keeps what was found, if anything was.
    """
    if query.attempt <= retries:
        again = Query(page=query.page, attempt=query.attempt + 1)
        return Next(RunEvent.ATTEMPT_FAILED, again, RETRY_PAUSE_MS)
    if billing == "partial" and pages_answered:
        return Next(RunEvent.PROVIDER_FAILED_PARTIAL)
    return Next(RunEvent.PROVIDER_FAILED)


def charged_pages(
    state: RunState, *, answered: int, empty: int, failed_billing: str, empty_page: str
) -> int:
    """How many pages a finished run is charged for (contract 2.2 [S], 2.9, 2.10 [A])."""
    if state is RunState.FAILED and failed_billing == "refund":
        return 0
    return answered - (empty if empty_page == "free" else 0)


def accepted(request_id: str, webhook_id: str | None, created_at: int) -> dict[str, Any]:
    """The body of the 202 to a start, flat (contract 1.6 [S])."""
    body: dict[str, Any] = {
        "success": True,
        "requestId": request_id,
        "status": RunState.PROCESSING.value,
        "message": ACCEPTED_MESSAGE,
    }
    if webhook_id is not None:
        body["webhookId"] = webhook_id
    body["createdAt"] = to_iso(created_at)
    return body


def processing(request_id: str, created_at: int, sourced: int) -> dict[str, Any]:
    """The body of a poll while the run is on (contract 3.1 [D])."""
    return {
        "success": True,
        "requestId": request_id,
        "status": RunState.PROCESSING.value,
        "createdAt": to_iso(created_at),
        "candidatesSourcedCount": sourced,
        "message": PROCESSING_MESSAGE,
    }


@dataclass(frozen=True, slots=True)
class Completed:
    """A finished run. `found` counts the different people fetched, before the cut at the limit."""

    request_id: str
    created_at: int
    completed_at: int
    found: int
    candidates: Sequence[CandidateFields]

    def results(self) -> dict[str, Any]:
        """The body of a poll (contract 3.2 [D]). Nothing is scored in a preview."""
        return {
            "success": True,
            "requestId": self.request_id,
            "status": RunState.COMPLETED.value,
            "createdAt": to_iso(self.created_at),
            "completedAt": to_iso(self.completed_at),
            "foundCount": self.found,
            "scoredCount": 0,
            "candidates": self.candidates,
        }

    def event_data(self) -> dict[str, Any]:
        """`data` of SOURCING_COMPLETED (contract 5.2 [S, D])."""
        results = self.results()
        del results["success"], results["scoredCount"]
        return results


@dataclass(frozen=True, slots=True)
class Failed:
    """A run that could not be finished."""

    request_id: str
    created_at: int
    completed_at: int

    def results(self) -> dict[str, Any]:
        """The body of a poll (contract 3.3 [D])."""
        return {
            "success": True,
            "requestId": self.request_id,
            "status": RunState.FAILED.value,
            "errorCode": FAILED_CODE,
            "errorMessage": FAILED_MESSAGE,
            "createdAt": to_iso(self.created_at),
            "completedAt": to_iso(self.completed_at),
        }

    def event_data(self) -> dict[str, Any]:
        """`data` of SOURCING_FAILED (contract 5.2 [S, D])."""
        return {
            "requestId": self.request_id,
            "status": RunState.FAILED.value,
            "createdAt": to_iso(self.created_at),
            "completedAt": to_iso(self.completed_at),
            "errorCode": FAILED_CODE,
            "errorMessage": FAILED_MESSAGE,
        }
