"""Runs as rows: what is written is read back, and a run ends once."""

import pytest

from preview_sim.domain.run import PreviewRequest, Query, RunState
from preview_sim.store import runs
from preview_sim.store.runs import QueryRow, RunRow

SANDBOX = "default"


def a_run(id_: str = "req_1", **other) -> RunRow:
    request = PreviewRequest("title", "description", "place", "query", 60, "a-webhook")
    values = {
        "company": "company",
        "account": "account",
        "scenario": "happy",
        "via": "default",
        "request": request,
        "state": RunState.PROCESSING,
        "held": 3,
        "created_at": 1_000,
        "completed_at": None,
        "query": Query(),
        "asked_at": 1_000,
        "answered": 0,
        "empty": 0,
        "found": 0,
    }
    return RunRow(id=id_, **{**values, **other})


def inserting(row: RunRow, sandbox: str = SANDBOX):
    async def body(q):
        await runs.insert(q, sandbox, row)

    return body


def loading(id_: str = "req_1", sandbox: str = SANDBOX):
    async def body(q):
        return await runs.load(q, sandbox, id_)

    return body


def ending(state=RunState.COMPLETED, result=b"{}"):
    async def body(q):
        await runs.end(q, SANDBOX, "req_1", state, 5_000, 3, 0, 60, result)

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
    row = a_run(request=request_)

    async def scene(store):
        await store.transact(inserting(row))
        return await store.transact(loading())

    assert with_store(scene) == row


def test_two_sandboxes_may_share_an_id(with_store):
    async def scene(store):
        await store.transact(inserting(a_run(held=1), "one"))
        await store.transact(inserting(a_run(held=2), "other"))
        return [(await store.transact(loading(sandbox=id_))).held for id_ in ("one", "other")]

    assert with_store(scene) == [1, 2]


@pytest.mark.parametrize("first", [RunState.COMPLETED, RunState.FAILED])
@pytest.mark.parametrize("second", [RunState.COMPLETED, RunState.FAILED])
def test_a_run_ends_once(with_store, first, second):
    async def scene(store):
        await store.transact(inserting(a_run()))
        await store.transact(ending(first, b"first"))
        with pytest.raises(AssertionError, match="ended twice"):
            await store.transact(ending(second, b"second"))

        async def body(q):
            return await runs.poll(q, SANDBOX, "req_1")

        assert (await store.transact(body)).result == b"first"
        assert (await store.transact(loading())).state is first

    with_store(scene)


def test_an_answer_to_the_same_attempt_cannot_be_recorded_twice(with_store):
    answer = QueryRow(1, 1, 1_000, 1_200, "ok", True, b"[]")

    def recording(q):
        return runs.record_answer(q, SANDBOX, "req_1", answer)

    async def scene(store):
        await store.transact(inserting(a_run()))
        await store.transact(recording)
        with pytest.raises(Exception, match="UNIQUE"):
            await store.transact(recording)
        return await store.transact(lambda q: runs.answers(q, SANDBOX, "req_1"))

    assert with_store(scene) == [answer]


def test_only_unfinished_runs_still_follow_a_scenario(with_store):
    async def scene(store):
        await store.transact(inserting(a_run()))
        await store.transact(inserting(a_run("req_2", scenario="slow")))
        before = await store.transact(lambda q: runs.open_scenarios(q, SANDBOX))
        await store.transact(ending())
        return before, await store.transact(lambda q: runs.open_scenarios(q, SANDBOX))

    assert with_store(scene) == (["happy", "slow"], ["slow"])
