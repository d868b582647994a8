"""What a second life of the same file knows, and what a scenario's own seed decides."""

import json
from typing import Any

import httpx
import pytest

from preview_sim import Simulator
from preview_sim.domain.webhook import Attempt

ACME = "sk_sim_acme"
HOOK = "123e4567-e89b-12d3-a456-426614174000"


@pytest.fixture
def scenarios(tmp_path):
    """Writes scenario files: `scenarios(name={…})`; the folder."""

    def written(**given: dict[str, Any]):
        folder = tmp_path / "scenarios"
        folder.mkdir(exist_ok=True)
        for name, scenario in given.items():
            text = json.dumps({"sim": 1, "name": name, "summary": "Of a test.", **scenario})
            (folder / f"{name}.yaml").write_text(text)
        return folder

    return written


def ask(sim: Simulator, scenario: str, **other: Any) -> str:
    """Start a run; its requestId."""
    answer = httpx.post(
        f"{sim.base_url}/sourcing/preview",
        json={"title": "Nurse", "jobDescription": "Nights.", "location": "Brno", **other},
        headers={"Authorization": f"Bearer {ACME}", "X-Sim-Scenario": scenario},
        trust_env=False,
        verify=False,
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["requestId"]


def result(sim: Simulator, request_id: str) -> dict[str, Any]:
    answer = httpx.get(
        f"{sim.base_url}/sourcing/preview/{request_id}/results",
        headers={"Authorization": f"Bearer {ACME}"},
        trust_env=False,
        verify=False,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(*_: Any) -> Attempt:
    return Attempt(503, None, 1)


@pytest.mark.parametrize("signature", ["hex-body", "timestamped", "none", "standard"])
@pytest.mark.parametrize("ended", [False, True], ids=["unfinished", "undelivered"])
def test_a_delivery_of_an_earlier_life_is_judged_by_its_run_s_own_readings(
    scenarios, tmp_path, signature, ended
):
    """Undelivered: the receiver refused in the first life."""
    readings = {"signature": signature, "event-label": "dotted"}
    options: dict[str, Any] = {
        "clock": "manual",
        "db": tmp_path / "store.db",
        "scenarios": scenarios(other={"readings": readings}),
        "self_check": True,
    }
    with Simulator(**options) as sim:
        request_id = ask(sim, "other", limit=7, webhookId=HOOK)
        if ended:
            sim.running._host.worker._sender.send = refused
            sim.clock.advance("1s")
            attempts = [s for s in sim.story(request_id)["steps"] if s["kind"] == "attempt"]
            assert [attempt["outcome"] for attempt in attempts] == [503]
        assert sim.sink.records() == []
    with Simulator(**options) as sim:
        sim.clock.until_idle()
        [record] = sim.sink.records()
        assert record.request_id == request_id
        assert record.event == "sourcing.completed"
        assert record.delivery.known.limit == 7
        assert record.delivery.known.profile == signature
        assert record.verdict == "pass", record.checks


SEEDED = {"seed": 77, "provider": {"latency": {"min": "100ms", "max": "9s"}}}


def people(sim: Simulator, request_id: str) -> list[dict[str, Any]]:
    sim.clock.until_idle()
    return result(sim, request_id)["candidates"]


def test_a_scenario_s_seed_decides_the_people_and_not_the_ids(scenarios, simulate):
    folder = scenarios(seeded=SEEDED)
    sims = [simulate(clock="manual", seed=seed, scenarios=folder) for seed in (1, 2)]
    ids = [[ask(sim, "seeded", limit=40) for _ in range(2)] for sim in sims]
    assert len({*ids[0], *ids[1]}) == 4
    found = [people(sim, id_) for sim, of_sim in zip(sims, ids, strict=True) for id_ in of_sim]
    assert len(found[0]) == 40
    assert found[1:] == found[:1] * 3


def test_two_scenarios_that_differ_in_their_seed_find_others_and_wait_otherwise(
    scenarios, simulate
):
    folder = scenarios(seeded=SEEDED, other={**SEEDED, "seed": 78}, same=SEEDED)
    came = {}
    for name in ("seeded", "other", "same"):
        sim = simulate(clock="manual", seed=1, scenarios=folder)
        request_id = ask(sim, name)
        candidates = people(sim, request_id)
        done = result(sim, request_id)
        came[name] = (request_id, candidates, done["completedAt"])
    assert came["same"] == came["seeded"]
    assert came["other"][0] == came["seeded"][0], "ids are the sandbox's own"
    assert came["other"][1] != came["seeded"][1]
    assert came["other"][2] != came["seeded"][2]


def test_without_a_seed_of_its_own_a_scenario_finds_the_sandbox_s_people(scenarios, simulate):
    folder = scenarios(seeded={"seed": 2}, plain={})
    one, two = (simulate(clock="manual", seed=seed, scenarios=folder) for seed in (1, 2))
    assert people(one, ask(one, "seeded")) == people(two, ask(two, "plain"))
    assert people(one, ask(one, "plain")) != people(two, ask(two, "plain"))
