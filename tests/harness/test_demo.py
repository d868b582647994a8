"""The demo judges what it shows: an act that goes wrong is not ok."""

import json
from dataclasses import replace

import pytest

from preview_sim import Simulator
from preview_sim.harness import demo
from preview_sim.harness.demo import ACTS, Act, perform
from preview_sim.harness.judge import Finding
from preview_sim.library import Library

LIBRARY = Library()
DOCUMENTED, _, DIES, CANNOT_PAY = ACTS


@pytest.fixture(scope="module")
def performed():
    stories = []
    acts = list(perform(lambda act, story: stories.append((act, story))))
    return acts, stories


def test_every_act_is_as_the_contract_says(performed):
    acts, _ = performed
    assert [one.act for one in acts] == list(ACTS)
    for one in acts:
        assert one.ok, [finding for finding in one.findings if not finding.ok]


def test_a_watcher_sees_each_run_as_it_grows(performed):
    _, stories = performed
    assert {act.title for act, _ in stories} == {act.title for act in ACTS[:3]}
    for act in ACTS[:3]:
        seen = [story for other, story in stories if other is act]
        assert seen[-1]["status"] in ("completed", "failed")
        lengths = [len(story["steps"]) for story in seen]
        assert lengths == sorted(lengths)
    assert any(story["status"] == "processing" for _, story in stories)


def test_an_act_with_any_finding_falsified_is_not_ok(performed):
    acts, _ = performed
    for one in acts:
        for number, finding in enumerate(one.findings):
            findings = list(one.findings)
            findings[number] = replace(finding, ok=False)
            assert not replace(one, findings=tuple(findings)).ok


def test_an_act_with_one_more_finding_that_is_wrong_is_not_ok(performed):
    acts, _ = performed
    one = acts[0]
    assert not replace(one, findings=(*one.findings, Finding("sky", ok=False))).ok


@pytest.fixture
def plays(simulate):
    """Performs one act on an instant clock; `expected` is the scenario that it is held against."""

    def play(act: Act, expected: str, **options):
        simulator: Simulator = simulate(**options)
        return demo._perform(act, LIBRARY.get(expected), simulator, lambda *_: None)

    return play


def test_an_act_that_ends_otherwise_than_its_scenario_is_not_ok(plays):
    assert plays(DIES, DIES.scenario).ok
    assert not plays(DIES, "exhausted-on-page-2").ok
    assert not plays(DOCUMENTED, "one-candidate").ok


@pytest.fixture
def purses(tmp_path):
    """A world where the balances are turned round."""
    webhook = {"id": DOCUMENTED.request["webhookId"], "events": ["SOURCING_COMPLETED"]}
    companies = [
        {"name": name, "unit": "credits", "balance": balance, "keys": [{"key": key}]}
        for name, key, balance in (
            ("Acme Talent", "sk_sim_acme", 0),
            ("Empty Purse", "sk_sim_empty", 9),
        )
    ]
    companies[0]["webhooks"] = [webhook]
    path = tmp_path / "world.yaml"
    path.write_text(json.dumps({"companies": companies}))
    return path


def test_an_act_that_is_refused_where_it_should_run_is_not_ok(plays, purses):
    refused = plays(DOCUMENTED, "happy", world=purses)
    assert refused.played.status == 402
    assert not refused.ok


def test_an_act_that_runs_where_it_should_be_refused_is_not_ok(plays, purses):
    accepted = plays(CANNOT_PAY, "happy", world=purses)
    assert accepted.played.status == 202
    assert not accepted.ok
