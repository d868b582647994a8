"""Whatever a provider does, and however readings are set: the invariants, counted from outside."""

import asyncio
import json
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preview_sim.domain.billing import Unit, cost
from preview_sim.domain.run import Search
from preview_sim.domain.webhook import Attempt
from preview_sim.provider import page as provider_page

NINE = {
    "profileId",
    "fullName",
    "profileUrl",
    "title",
    "headline",
    "location",
    "country",
    "companyName",
    "companyUrl",
}
HOOKS = {
    "sk_sim_acme": "123e4567-e89b-12d3-a456-426614174000",
    "sk_sim_beta": "223e4567-e89b-12d3-a456-426614174000",
}

outcomes = st.sampled_from(["ok", "timeout", 500, 503, "malformed"])
pages = st.one_of(
    st.builds(dict, attempts=st.lists(outcomes, min_size=1, max_size=4)),
    st.builds(dict, error=st.sampled_from([500, 503])),
    st.builds(dict, hang=st.just(True)),
    st.builds(dict, count=st.integers(0, 20)),
)
providers = st.fixed_dictionaries(
    {"total": st.integers(0, 130), "latency": st.sampled_from(["1ms", "200ms", "16s"])},
    optional={
        "retries": st.integers(0, 3),
        "announces_end": st.booleans(),
        "sparse": st.sampled_from([0.0, 0.5, 1.0]),
        "unicode": st.booleans(),
        "pages": st.dictionaries(st.integers(1, 5), pages, max_size=3),
    },
)
readings = st.fixed_dictionaries(
    {
        "failed-page-billing": st.sampled_from(["charge", "refund", "partial"]),
        "empty-page": st.sampled_from(["charged", "free"]),
        "event-label": st.sampled_from(["upper", "dotted"]),
    }
)


def possible(provider: dict[str, Any]) -> dict[str, Any]:
    """A file may not name attempts that never happen."""
    for page in provider.get("pages", {}).values():
        if "attempts" in page:
            page["attempts"] = page["attempts"][: provider.get("retries", 2) + 1]
    return provider


asks = st.lists(
    st.tuples(
        st.sampled_from(list(HOOKS)), st.integers(1, 100), st.booleans(), st.sampled_from("ab")
    ),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(providers.map(possible), readings, asks, st.integers(0, 2**31), st.integers(0, 5))
def test_every_run_ends_is_charged_for_its_pages_and_tells_its_webhook_once(
    theatre, provider, chosen, asked, seed, refusals
):
    folder = theatre.folder / "scenarios"
    folder.mkdir(exist_ok=True)
    text = yaml.safe_dump(
        {"sim": 1, "name": "any", "summary": "Any.", "provider": provider}, sort_keys=False
    )
    (folder / "any.yaml").write_text(text)

    async def whole():
        stage = await theatre.open(
            scenarios=folder, scenario="any", seed=seed, readings=chosen, self_check=True
        )
        stage.receiver = lambda _id, number, *_: Attempt(
            503 if number <= refusals else 200, None, 1
        )
        runs = {}
        for key, limit, hooked, title in asked:
            hook = HOOKS[key] if hooked else None
            run = await stage.submit(key, limit=limit, hook=hook, title=title)
            runs[run] = (key, limit, hook)
        await stage.until_idle()
        await stage.check_invariants()
        for run, (key, limit, hook) in runs.items():
            await check_run(stage, run, key, limit, hook, chosen, refusals)
        await stage.store.close()

    asyncio.run(whole())


async def check_run(
    stage: Any, run: str, key: str, limit: int, hook: str | None, chosen: Any, refusals: int
) -> None:
    [(state, raw, found, *search)] = await stage.rows(
        "SELECT state, result, found, title, location, coalesce(query, job_description) FROM run"
        " WHERE id = $1",
        run,
    )
    result = json.loads(raw)
    answered = await stage.rows(
        "SELECT page, people FROM page_query WHERE run = $1 AND outcome = 'ok' ORDER BY page", run
    )
    assert [page for page, _ in answered] == list(range(1, len(answered) + 1)), "one after another"
    assert len(answered) <= -(-limit // 20)
    plan = stage.sandbox.library.get("any").provider
    pages = {
        number: provider_page(stage.sandbox.seed, Search(*search), number, plan).people
        for number, _ in answered
    }
    assert {number: len(people) for number, people in pages.items()} == dict(answered)
    met: dict[str, Any] = {}
    for person in (one for number in sorted(pages) for one in pages[number]):
        met.setdefault(person["profileId"], person)
    people = list(met.values())
    charges = await stage.rows("SELECT amount FROM entry WHERE run = $1 AND kind = 'charge'", run)
    unit = Unit.CREDITS if key == "sk_sim_acme" else Unit.MINUTES
    free = chosen["empty-page"] == "free"
    billed = (
        0
        if state == "failed" and chosen["failed-page-billing"] == "refund"
        else len([count for _, count in answered if not (free and count == 0)])
    )
    assert sum(amount for (amount,) in charges) == cost(unit, billed)
    assert result["status"] == state
    if state == "completed":
        assert found == result["foundCount"] == len(people)
        assert result["candidates"] == people[:limit]
        assert all(set(person) == NINE for person in people)
        assert len({person["profileId"] for person in people}) == len(people)
    else:
        assert result["errorCode"] == "AGENT_ERROR"
        assert "candidates" not in result
    told = [body for _, _, _, body in stage.sent if json.loads(body)["data"]["requestId"] == run]
    assert len(set(told)) == (hook is not None)
    assert len(told) == (0 if hook is None else min(refusals, 3) + 1)
    if told:
        event = json.loads(told[0])
        assert event["event"].replace(".", "_").upper() == f"SOURCING_{state.upper()}"
        assert event["data"].get("candidates") == result.get("candidates")
        assert event["data"].get("foundCount") == result.get("foundCount")
