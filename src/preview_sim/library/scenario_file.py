"""A scenario file's text as a Scenario, or a FileError that says where and why not.

The schema has judged the shape before; here stands what it cannot say: values that exclude each
other or can never happen.
"""

from collections.abc import Callable, Mapping
from typing import Any

from preview_sim.domain.billing import Unit, from_units
from preview_sim.domain.run import Outcome
from preview_sim.domain.scenario import (
    OK,
    TIMEOUT,
    AccountPlan,
    AttemptPlan,
    Expectation,
    Latency,
    LedgerExpectation,
    PagePlan,
    ProviderPlan,
    Scenario,
)
from preview_sim.domain.tenancy import KeyState
from preview_sim.domain.timestamp import parse_duration
from preview_sim.library.schema import SCENARIO
from preview_sim.library.yaml_document import Document, Path, read_document

#: A longer wait is a slip of the pen; and dates must stay within the calendar.
LONGEST_MS = 24 * 3_600_000

KnownLocale = Callable[[str], bool]
"""Whether the provider can draw people in a locale."""


def load_scenario(
    text: str | bytes, file: str, known_locale: KnownLocale | None = None
) -> Scenario:
    """The scenario that a file's text describes; FileError naming `file` if it does not.

    JSON will do as well. Without `known_locale` any locale that looks like one is taken.
    """
    document = read_document(text, file)
    SCENARIO.check(document)
    given = document.data
    return Scenario(
        name=given["name"],
        summary=given["summary"],
        tags=tuple(given.get("tags", ())),
        seed=given.get("seed"),
        request=given.get("request", {}),
        account=_account(document, given.get("account", {})),
        provider=_provider(document, given.get("provider", {}), known_locale),
        readings=given.get("readings", {}),
        expect=_expectation(document, given.get("expect", {})),
    )


def _account(document: Document, given: Mapping[str, Any]) -> AccountPlan:
    unit = Unit(given.get("unit", "credits"))
    balance = None
    if "balance" in given:
        balance = exact_balance(document, ("account", "balance"), unit, given["balance"])
    return AccountPlan(
        unit=unit,
        balance=balance,
        postpaid=given.get("postpaid", False),
        key_state=KeyState(given["key"]) if "key" in given else None,
    )


def exact_balance(document: Document, path: Path, unit: Unit, number: float) -> int:
    """The balance as an exact amount; FileError if the unit cannot show it."""
    try:
        return from_units(unit, number)
    except ValueError as error:
        raise document.error(path, str(error)) from None


def _provider(
    document: Document, given: Mapping[str, Any], known_locale: KnownLocale | None
) -> ProviderPlan:
    path: Path = ("provider",)
    plan = dict(given)
    if "latency" in given:
        plan["latency"] = _span(document, (*path, "latency"), given["latency"])
    if "timeout" in given:
        plan["timeout"] = _duration(document, (*path, "timeout"), given["timeout"])
        if plan["timeout"] == 0:
            raise document.error((*path, "timeout"), "expected more than 0ms: no answer is faster")
    if known_locale and "locale" in given and not known_locale(given["locale"]):
        why = f"{given['locale']!r} is no locale of Faker; expected one such as en_US or de_DE"
        raise document.error((*path, "locale"), why)
    attempts = 1 + given.get("retries", ProviderPlan().retries)
    plan["pages"] = {
        int(number): _page(document, (*path, "pages", number), page, attempts)
        for number, page in given.get("pages", {}).items()
    }
    return ProviderPlan(**plan)


def _page(document: Document, path: Path, given: Mapping[str, Any], attempts: int) -> PagePlan:
    plan = {key: given[key] for key in ("count", "duplicate_of", "sparse") if key in given}
    if "latency" in given:
        plan["latency"] = _span(document, (*path, "latency"), given["latency"])
    if "error" in given:
        plan["always"] = AttemptPlan(Outcome.ERROR, given["error"])
    elif "hang" in given:
        plan["always"] = TIMEOUT
    elif "malformed" in given:
        plan["always"] = AttemptPlan(Outcome.MALFORMED)
    elif "attempts" in given:
        if len(given["attempts"]) > attempts:
            why = f"never happens: a page is asked at most {attempts} times (1 + provider.retries)"
            raise document.error((*path, "attempts", attempts), why)
        plan["attempts"] = tuple(map(_attempt, given["attempts"]))
    if "duplicate_of" in given and given["duplicate_of"] >= int(path[-1]):
        why = f"expected an earlier page than {path[-1]}, got {given['duplicate_of']}"
        raise document.error((*path, "duplicate_of"), why)
    return PagePlan(**plan)


def _attempt(given: str | int) -> AttemptPlan:
    if isinstance(given, int):
        return AttemptPlan(Outcome.ERROR, given)
    return OK if given == "ok" else AttemptPlan(Outcome(given))


def _expectation(document: Document, given: Mapping[str, Any]) -> Expectation:
    path: Path = ("expect",)
    lists = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
    plan = {**given, **lists}
    if "errorCode" in plan:
        plan["error_code"] = plan.pop("errorCode")
    if "elapsed" in given:
        plan["elapsed"] = _span(document, (*path, "elapsed"), given["elapsed"])
    if "ledger" in given:
        plan["ledger"] = _ledger(document, (*path, "ledger"), given["ledger"])
    return Expectation(**plan)


def _ledger(document: Document, path: Path, given: Mapping[str, Any]) -> LedgerExpectation:
    """Held is charged plus released, always (contract 2.3 [S])."""
    plan = LedgerExpectation(**given)
    if None not in (plan.held, plan.charged, plan.released):
        parts = round((plan.charged or 0) + (plan.released or 0), 9)
        if plan.held != parts:
            why = f"expected held = charged + released, got {plan.held} and {parts}"
            raise document.error(path, why)
    return plan


def _span(document: Document, path: Path, given: str | Mapping[str, str]) -> Latency:
    if isinstance(given, str):
        exact = _duration(document, path, given)
        return Latency(exact, exact)
    low = _duration(document, (*path, "min"), given["min"])
    high = _duration(document, (*path, "max"), given["max"])
    if low > high:
        why = f"expected at most max, {given['max']}, got {given['min']}"
        raise document.error((*path, "min"), why)
    return Latency(low, high)


def _duration(document: Document, path: Path, given: str) -> int:
    """Milliseconds; the schema has seen to the form."""
    duration = parse_duration(given)
    if duration > LONGEST_MS:
        raise document.error(path, f"expected at most 24h, got {given}")
    return duration
