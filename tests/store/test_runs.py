"""Runs as rows: what is written is read back, and a run ends once."""

import pytest

from preview_sim.domain.run import PreviewRequest, Query, RunState
from preview_sim.store import runs, work
from preview_sim.store.runs import QueryRow, RunRow, Totals

SANDBOX = "default"
FULL = PreviewRequest("title", "description", "place", "query", 60, "a-webhook")


def inserting(id_: str = "req_1", sandbox: str = SANDBOX, request=FULL, held=3, scenario="happy"):
    async def body(q):
        await runs.insert(
            q, sandbox, id_, "company", "account", scenario, "key", request, held, 1_000, 1_200
        )

    return body


def loading(id_: str = "req_1", sandbox: str = SANDBOX):
    async def body(q):
        return await runs.load(q, sandbox, id_)

    return body


def ending(state=RunState.COMPLETED, result=b"{}"):
    async def body(q):
        [claim] = await work.claim(q, SANDBOX, work.RUN, 5_000, 0, 1_000, 1)
        return await runs.end(q, SANDBOX, claim, state, 5_000, Totals(3, 1, 40), result)

    return body


@pytest.mark.parametrize(
    "request_",
    [
        PreviewRequest("title", "description", "place", "query", 60, "a-webhook"),
        PreviewRequest("t" * 200, "d" * 10_000, "l" * 200),
        PreviewRequest("Zoë \u202e𝔘", "\x00\x01\n$1 ?1 '; --", "日本", None, 1, None),
    ],
)
def test_a_run_is_read_back_as_it_was_written(with_store, request_):
    async def scene(store):
        await store.transact(inserting(request=request_))
        return await store.transact(loading())

    assert with_store(scene) == RunRow(
        id="req_1",
        company="company",
        account="account",
        scenario="happy",
        via="key",
        request=request_,
        state=RunState.PROCESSING,
        held=3,
        created_at=1_000,
        completed_at=None,
        query=Query(),
        asked_at=1_000,
        answered=0,
        empty=0,
        found=0,
    )


def test_two_sandboxes_may_share_an_id(with_store):
    async def scene(store):
        await store.transact(inserting(sandbox="one", held=1))
        await store.transact(inserting(sandbox="other", held=2))
        return [(await store.transact(loading(sandbox=id_))).held for id_ in ("one", "other")]

    assert with_store(scene) == [1, 2]


@pytest.mark.parametrize("state", [RunState.COMPLETED, RunState.FAILED])
def test_a_run_that_is_over_has_its_totals_and_its_result(with_store, state):
    async def scene(store):
        await store.transact(inserting())
        assert await store.transact(ending(state, b"the result"))
        polled = await store.transact(lambda q: runs.poll(q, SANDBOX, "req_1"))
        return await store.transact(loading()), polled

    row, polled = with_store(scene)
    assert (row.state, row.completed_at) == (state, 5_000)
    assert (row.answered, row.empty, row.found) == (3, 1, 40)
    assert (polled.result, polled.found, polled.company) == (b"the result", 40, "company")


def test_an_answer_to_the_same_attempt_cannot_be_recorded_twice(with_store):
    answer = QueryRow(1, 1, 1_000, 1_200, "ok", True, 0, None)

    def recording(q):
        return runs.record_answer(q, SANDBOX, "req_1", answer)

    async def scene(store):
        await store.transact(inserting())
        await store.transact(recording)
        with pytest.raises(Exception, match="UNIQUE"):
            await store.transact(recording)
        return await store.transact(lambda q: runs.answers(q, SANDBOX, "req_1"))

    assert with_store(scene) == [answer]


def test_only_unfinished_runs_still_follow_a_scenario(with_store):
    async def scene(store):
        await store.transact(inserting())
        await store.transact(inserting("req_2", scenario="slow"))
        before = await store.transact(lambda q: runs.open_scenarios(q, SANDBOX))
        await store.transact(ending())
        return before, await store.transact(lambda q: runs.open_scenarios(q, SANDBOX))

    assert with_store(scene) == (["happy", "slow"], ["slow"])
