"""Where a run keeps whom it found: with its pages while it goes on, then in its result alone."""

import asyncio
import json
from typing import Any

import pytest

from preview_sim.domain.run import Search
from preview_sim.domain.scenario import ProviderPlan
from preview_sim.engine import step, story_of
from preview_sim.provider import page
from preview_sim.store import work

SEARCH = Search("Nurse", "Bratislava", "Night shifts.")


@pytest.fixture
def scenario(tmp_path):
    """Writes a scenario file called `other`; the options of a stage that has it."""

    def written(**given: Any) -> dict[str, Any]:
        folder = tmp_path / "scenarios"
        folder.mkdir(exist_ok=True)
        text = json.dumps({"sim": 1, "name": "other", "summary": "Of a test.", **given})
        (folder / "other.yaml").write_text(text)
        return {"scenarios": folder, "scenario": "other"}

    return written


async def kept_with_pages(stage, run: str) -> list[tuple[int, int]]:
    """Page and number of the people that are kept with it."""
    rows = await stage.rows(
        "SELECT page, new_people FROM page_query WHERE run = $1 AND new_people IS NOT NULL"
        " ORDER BY page",
        run,
    )
    return [(number, len(json.loads(people))) for number, people in rows]


async def result(stage, run: str) -> dict[str, Any]:
    [(document,)] = await stage.rows("SELECT result FROM run WHERE id = $1", run)
    return json.loads(document)


async def one_step(stage) -> None:
    stage.now = await stage.next_due()
    [claim] = await stage.claim(work.RUN)
    await step(stage.sandbox, claim, stage.now)


def pages(*numbers: int, **plan: Any) -> list[dict[str, Any]]:
    """Whom the provider has on these pages."""
    return [person for n in numbers for person in page(1, SEARCH, n, ProviderPlan(**plan)).people]


@pytest.mark.parametrize(("limit", "asked"), [(1, 1), (20, 1), (21, 2), (93, 5), (100, 5)])
def test_people_of_a_run_that_is_over_are_stored_once(play, limit, asked):
    async def scene(stage):
        run = await stage.submit(limit=limit)
        for done in range(1, asked):
            await one_step(stage)
            assert await kept_with_pages(stage, run) == [(n, 20) for n in range(1, done + 1)]
        await stage.until_idle()
        assert await kept_with_pages(stage, run) == []
        document = await result(stage, run)
        assert document["candidates"] == pages(*range(1, asked + 1))[:limit]
        assert document["foundCount"] == 20 * asked
        [(_, _, _, event)] = stage.sent
        assert json.loads(event)["data"]["candidates"] == document["candidates"]

    play(scene)


FAILING = {"provider": {"retries": 0, "pages": {"3": {"error": 500}}}}


@pytest.mark.parametrize("reading", ["charge", "refund", "partial"])
def test_what_a_run_found_before_it_failed_is_kept_in_its_result_or_nowhere(
    play, scenario, reading
):
    async def scene(stage):
        run = await stage.submit(limit=100)
        await stage.until_idle()
        assert await kept_with_pages(stage, run) == []
        document = await result(stage, run)
        if reading == "partial":
            assert document["status"] == "completed"
            assert document["candidates"] == pages(1, 2)
        else:
            assert document["status"] == "failed"
        await stage.check_invariants()

    play(scene, **scenario(**FAILING, readings={"failed-page-billing": reading}))


def test_a_run_that_fails_on_its_first_page_has_nobody_to_keep(play, scenario):
    async def scene(stage):
        run = await stage.submit(limit=100)
        await stage.until_idle()
        assert await kept_with_pages(stage, run) == []
        assert (await result(stage, run))["status"] == "failed"

    play(scene, **scenario(provider={"retries": 1, "pages": {"1": {"error": 500}}}))


def test_people_of_a_page_that_was_answered_before_a_retry_are_not_lost(play, scenario):
    async def scene(stage):
        run = await stage.submit(limit=60)
        await stage.until_idle()
        assert (await result(stage, run))["candidates"] == pages(1, 2, 3)
        assert await kept_with_pages(stage, run) == []

    play(scene, **scenario(provider={"pages": {"3": {"attempts": [500, "timeout", "ok"]}}}))


def test_a_page_of_people_who_are_known_already_is_no_empty_page(play, scenario):
    """`people` is how many the page had; nobody is found, charged or kept twice over it."""

    async def scene(stage):
        run = await stage.submit(limit=60)
        await stage.until_idle()
        document = await result(stage, run)
        assert document["candidates"] == pages(1, 3)
        assert document["foundCount"] == 40
        story = await story_of(stage.sandbox, run)
        queries = [one for one in story["steps"] if one["kind"] == "query"]
        assert [(one["page"], one["outcome"], one["people"]) for one in queries] == [
            (1, "ok", 20),
            (2, "ok", 20),
            (3, "ok", 20),
        ]
        [charge] = [one for one in story["steps"] if one["kind"] == "charge"]
        assert charge["amount"] == 3, "no page was empty"
        assert await kept_with_pages(stage, run) == []

    play(
        scene,
        **scenario(provider={"pages": {"2": {"duplicate_of": 1}}}, readings={"empty-page": "free"}),
    )


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_restart_between_two_pages_loses_nobody(theatre, after):
    async def scene():
        stage = await theatre.open(file="store.db", clock="manual")
        run = await stage.submit(limit=100)
        for _ in range(after):
            await one_step(stage)
        now = stage.now
        await stage.store.close()
        stage = await theatre.open(file="store.db", clock="manual")
        stage.now = now
        await stage.until_idle()
        assert (await result(stage, run))["candidates"] == pages(1, 2, 3, 4, 5)
        assert await kept_with_pages(stage, run) == []
        await stage.store.close()

    asyncio.run(scene())
