"""Work claims: never two owners, fences that prove them, leases that run out."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.domain.run import PreviewRequest, Query, RunState
from preview_sim.domain.webhook import Attempt, DeliveryState, Verdict
from preview_sim.store import deliveries, open_sqlite, runs, work
from preview_sim.store.deliveries import DeliveryRow
from preview_sim.store.runs import Totals

WALL = 1_764_000_000_000
LEASE = 1_000
SANDBOX = "default"
REQUEST = PreviewRequest("title", "description", "place")


def adding(*pieces: tuple[str, int], kind: str = work.RUN, sandbox: str = SANDBOX):
    async def body(q):
        for id_, due in pieces:
            if kind == work.RUN:
                await runs.insert(
                    q, sandbox, id_, "company", "account", "happy", "default", REQUEST, 1, 0, due
                )
            else:
                row = DeliveryRow(id_, "hook", "run", "PING", b"{}", DeliveryState.PENDING, 0, due)
                await deliveries.insert(q, sandbox, row)

    return body


def claiming(now=0, wall=WALL, at_most=10, kind=work.RUN, sandbox=SANDBOX):
    async def body(q):
        return await work.claim(q, sandbox, kind, now, wall, LEASE, at_most)

    return body


def putting_off(claim, due, kind=work.RUN):
    async def body(q):
        if kind == work.RUN:
            return await runs.ask(q, SANDBOX, claim, Query(2), 0, due, Totals(1, 0, 20))
        return await attempted(q, claim, Verdict(DeliveryState.PENDING, due))

    return body


def finishing(claim, kind=work.RUN):
    async def body(q):
        if kind == work.RUN:
            state, totals = RunState.COMPLETED, Totals(1, 0, 20)
            return await runs.end(q, SANDBOX, claim, state, 0, totals, b"{}")
        return await attempted(q, claim, Verdict(DeliveryState.DELIVERED))

    return body


async def attempted(q, claim, verdict) -> bool:
    attempt = Attempt(200, None, 1)
    return await deliveries.record_attempt(q, SANDBOX, claim, claim.fence, 0, attempt, verdict)


def waiting(kind=work.RUN):
    async def body(q):
        return (await q.one(f"SELECT count(*) FROM {kind} WHERE due IS NOT NULL"))[0]

    return body


def next_due(kind=work.RUN, wall=WALL):
    async def body(q):
        return await work.next_due(q, SANDBOX, kind, wall)

    return body


async def everything(q):
    return [await q.all(f"SELECT * FROM {table}") for table in ("run", "delivery", "attempt")]


@pytest.fixture(params=work.KINDS)
def kind(request) -> str:
    return request.param


def test_what_is_due_is_claimed_the_longest_due_first(with_store, kind):
    async def scene(store):
        pieces = (("late", 30), ("b", 10), ("a", 10), ("soon", 20))
        await store.transact(adding(*pieces, kind=kind))
        claims = await store.transact(claiming(now=29, kind=kind))
        return [(claim.id, claim.due) for claim in claims]

    assert with_store(scene) == [("a", 10), ("b", 10), ("soon", 20)]


def test_no_more_is_claimed_than_asked_for_and_those_are_the_longest_due(with_store, kind):
    async def scene(store):
        await store.transact(adding(*((f"{n:02}", 100 - n) for n in range(50)), kind=kind))
        claims = await store.transact(claiming(now=100, at_most=3, kind=kind))
        return [claim.id for claim in claims]

    assert with_store(scene) == ["49", "48", "47"]


def test_a_piece_is_due_at_its_moment_and_not_before(with_store, kind):
    async def scene(store):
        await store.transact(adding(("a", 10), kind=kind))
        early = await store.transact(claiming(now=9, kind=kind))
        return early, len(await store.transact(claiming(now=10, kind=kind)))

    assert with_store(scene) == ([], 1)


def test_two_claimers_never_get_the_same_piece(with_store, kind):
    async def scene(store):
        pieces = [f"{n:03}" for n in range(200)]
        await store.transact(adding(*((id_, 0) for id_ in pieces), kind=kind))
        portions = await asyncio.gather(
            *(store.transact(claiming(at_most=7, kind=kind)) for _ in range(40)),
        )
        taken = [claim.id for portion in portions for claim in portion]
        assert sorted(taken) == pieces
        assert await store.transact(claiming(kind=kind)) == []

    with_store(scene)


def test_kinds_and_sandboxes_do_not_see_each_other(with_store):
    async def scene(store):
        await store.transact(adding(("a run", 0)))
        await store.transact(adding(("a delivery", 0), kind=work.DELIVERY))
        await store.transact(adding(("a run", 0), sandbox="other"))
        portions = [
            await store.transact(claiming()),
            await store.transact(claiming(kind=work.DELIVERY)),
            await store.transact(claiming(sandbox="other")),
        ]
        return [[claim.id for claim in portion] for portion in portions]

    assert with_store(scene) == [["a run"], ["a delivery"], ["a run"]]


def test_a_lease_holds_until_it_runs_out_on_the_wall_clock(with_store, kind):
    async def scene(store):
        await store.transact(adding(("a", 0), kind=kind))
        [first] = await store.transact(claiming(kind=kind))
        later = claiming(now=10**12, wall=WALL + LEASE - 1, kind=kind)
        assert await store.transact(later) == []
        [second] = await store.transact(claiming(wall=WALL + LEASE, kind=kind))
        assert second.id == first.id
        assert second.fence == first.fence + 1

    with_store(scene)


def test_whoever_lost_a_claim_can_neither_finish_nor_put_off(with_store, kind):
    async def scene(store):
        await store.transact(adding(("a", 0), kind=kind))
        [lost] = await store.transact(claiming(kind=kind))
        [held] = await store.transact(claiming(wall=WALL + LEASE, kind=kind))
        before = await store.transact(everything)
        assert await store.transact(finishing(lost, kind)) is False
        assert await store.transact(putting_off(lost, 99, kind)) is False
        assert await store.transact(everything) == before
        assert await store.transact(finishing(held, kind)) is True
        assert await store.transact(waiting(kind)) == 0

    with_store(scene)


def test_a_claim_that_was_put_off_and_taken_again_has_another_fence(with_store, kind):
    async def scene(store):
        await store.transact(adding(("a", 0), kind=kind))
        [first] = await store.transact(claiming(kind=kind))
        assert await store.transact(putting_off(first, 5, kind)) is True
        assert await store.transact(claiming(now=4, kind=kind)) == []
        [second] = await store.transact(claiming(now=5, kind=kind))
        assert second.due == 5
        assert await store.transact(finishing(first, kind)) is False
        assert await store.transact(finishing(second, kind)) is True

    with_store(scene)


def test_next_due_is_the_soonest_that_nobody_has(with_store, kind):
    async def scene(store):
        assert await store.transact(next_due(kind)) is None
        await store.transact(adding(("a", 10), ("b", 20), kind=kind))
        found = [await store.transact(next_due(kind))]
        await store.transact(claiming(now=10, kind=kind))
        found.append(await store.transact(next_due(kind)))
        found.append(await store.transact(next_due(kind, wall=WALL + LEASE)))
        return found

    assert with_store(scene) == [10, 20, 10]


def test_a_process_that_starts_alone_frees_what_its_predecessor_had(with_store, kind):
    async def scene(store):
        await store.transact(adding(("a", 0), kind=kind))
        [lost] = await store.transact(claiming(kind=kind))
        await store.transact(work.free_all)
        [held] = await store.transact(claiming(kind=kind))
        assert held.fence > lost.fence
        assert await store.transact(finishing(lost, kind)) is False

    with_store(scene)


def test_what_is_finished_is_never_due_again(with_store, kind):
    async def scene(store):
        await store.transact(adding(("a", 0), kind=kind))
        [held] = await store.transact(claiming(kind=kind))
        await store.transact(finishing(held, kind))
        await store.transact(work.free_all)
        assert await store.transact(next_due(kind, wall=WALL * 2)) is None
        assert await store.transact(claiming(now=10**15, wall=WALL * 2, kind=kind)) == []

    with_store(scene)


def test_a_run_that_is_over_is_not_ended_or_continued_by_the_same_claim_again(with_store):
    async def scene(store):
        await store.transact(adding(("a", 0)))
        [held] = await store.transact(claiming())
        assert await store.transact(finishing(held)) is True
        before = await store.transact(everything)
        assert await store.transact(finishing(held)) is False
        assert await store.transact(putting_off(held, 7)) is False
        assert await store.transact(everything) == before

    with_store(scene)


actions = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.integers(1, 3)),
        st.tuples(st.sampled_from(["finish", "put off"]), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.sampled_from([1, LEASE // 2, LEASE])),
    ),
    max_size=40,
)


@given(actions, st.sampled_from(work.KINDS))
def test_of_all_who_ever_claimed_a_piece_only_the_last_counts(steps, kind):
    """Any history of claims, leases running out, and late comers, each of whom comes once."""

    async def scene():
        store = open_sqlite(None)
        await store.transact(adding(*((f"{n}", 0) for n in range(4)), kind=kind))
        wall, ever = WALL, []
        owner: dict[str, tuple[int, int]] = {}  # piece → fence, when the lease ends
        done: set[str] = set()
        for step, value in steps:
            if step == "wait":
                wall += value
            elif step == "claim":
                for claim in await store.transact(claiming(wall=wall, at_most=value, kind=kind)):
                    assert claim.id not in done
                    assert owner.get(claim.id, (0, 0))[1] <= wall, "it was somebody's"
                    owner[claim.id] = (claim.fence, wall + LEASE)
                    ever.append(claim)
            elif ever:
                claim = ever.pop(value % len(ever))
                proven = claim.id not in done and owner[claim.id][0] == claim.fence
                action = finishing(claim, kind) if step == "finish" else putting_off(claim, 0, kind)
                assert await store.transact(action) is proven
                if proven and step == "finish":
                    done.add(claim.id)
                elif proven:
                    owner[claim.id] = (claim.fence, 0)
        assert await store.transact(waiting(kind)) == 4 - len(done)
        await store.close()

    asyncio.run(scene())
