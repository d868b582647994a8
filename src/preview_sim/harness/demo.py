"""The demo: four acts on a real server, each judged; what `make demo` shows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preview_sim.domain.scenario import Scenario
from preview_sim.harness.example import EXAMPLE_REQUEST
from preview_sim.harness.judge import Finding, against_contract, against_expectation
from preview_sim.harness.play import Played, Player
from preview_sim.library import Library
from preview_sim.simulator import Simulator

Account = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """One act: what it shows, who asks, for what, in which scenario."""

    title: str
    company: str
    key: str
    request: Mapping[str, Any]
    scenario: str | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Performed:
    """An act as it went: what came, the account before and after, what was found."""

    act: Act
    played: Played
    before: Account
    after: Account
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)


ACTS = (
    Act("The documented example", "Acme Talent", "sk_sim_acme", EXAMPLE_REQUEST),
    Act(
        "The provider runs dry on page 2 of 3",
        "Acme Talent",
        "sk_sim_acme",
        {**EXAMPLE_REQUEST, "limit": 60},
        "exhausted-on-page-2",
    ),
    Act(
        "The provider dies on page 3",
        "Acme Talent",
        "sk_sim_acme",
        {**EXAMPLE_REQUEST, "limit": 60},
        "provider-fails-on-page-3",
    ),
    Act(
        "A company that cannot pay",
        "Empty Purse",
        "sk_sim_empty",
        {key: value for key, value in EXAMPLE_REQUEST.items() if key != "webhookId"},
        refused=True,
    ),
)

Watch = Callable[[Act, Mapping[str, Any]], None]


def perform(watch: Watch) -> Iterator[Performed]:
    """Play the acts one after another on a fresh simulator; `watch` sees each run as it grows."""
    library = Library()
    with Simulator() as simulator:
        for act in ACTS:
            yield _perform(act, library.get(act.scenario or "happy"), simulator, watch)


def _perform(act: Act, scenario: Scenario, simulator: Simulator, watch: Watch) -> Performed:
    with Player(simulator.base_url, act.key, lambda story: watch(act, story)) as player:
        before = _account(player, act.company)
        played = player.play(act.request, act.scenario)
        after = _account(player, act.company)
    findings = [*against_contract(played, act.request["limit"])]
    if act.refused:
        findings += [
            Finding("402, the balance is short (1.8)", played.status == 402, str(played.status)),
            Finding("nothing is held or charged (1.8)", before == after, _sums(after)),
        ]
    else:
        findings += against_expectation(played, scenario.expect, exact_time=False)
        findings += _balanced(before, after)
    return Performed(act, played, before, after, tuple(findings))


def _account(player: Player, company: str) -> Account:
    accounts = player.ledger()["accounts"]
    found: Account = next(one for one in accounts if one["companyName"] == company)
    return found


def _balanced(before: Account, after: Account) -> Iterator[Finding]:
    still = before["held"] == after["held"] == 0
    yield Finding("nothing stays held (2.3)", still, str(after["held"]))
    parts = [after[word] for word in ("available", "held", "charged")]
    seen = f"{after['granted']} = {' + '.join(map(str, parts))}"
    yield Finding("granted = available + held + charged", sum(parts) == after["granted"], seen)


def _sums(account: Account) -> str:
    return ", ".join(f"{word} {account[word]}" for word in ("available", "held", "charged"))
