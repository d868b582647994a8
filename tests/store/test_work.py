"""Work claims: never two owners, fences that prove them, leases that run out."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.store import open_sqlite, work

WALL = 1_764_000_000_000
LEASE = 1_000
SANDBOX = "default"


def adding(*pieces: tuple[str, int], kind: str = work.RUN, sandbox: str = SANDBOX):
    async def body(q):
        for id_, due in pieces:
            await work.add(q, sandbox, kind, id_, due)

    return body


def claiming(now=0, wall=WALL, at_most=10, kind=work.RUN, sandbox=SANDBOX):
    async def body(q):
        return await work.claim(q, sandbox, kind, now, wall, LEASE, at_most)

    return body


def handing_back(claim, due):
    async def body(q):
        return await work.hand_back(q, SANDBOX, claim, due)

    return body


def finishing(claim):
    async def body(q):
        return await work.finish(q, SANDBOX, claim)

    return body


def waiting():
    async def body(q):
        return await work.waiting(q, SANDBOX)

    return body


def next_due(*kinds, wall=WALL):
    async def body(q):
        return await work.next_due(q, SANDBOX, kinds or (work.RUN, work.DELIVERY), wall)

    return body


def test_what_is_due_is_claimed_the_longest_due_first(with_store):
    async def scene(store):
        await store.transact(adding(("late", 30), ("b", 10), ("a", 10), ("soon", 20)))
        claims = await store.transact(claiming(now=29))
        return [(claim.id, claim.due) for claim in claims]

    assert with_store(scene) == [("a", 10), ("b", 10), ("soon", 20)]


def test_no_more_is_claimed_than_asked_for_and_those_are_the_longest_due(with_store):
    async def scene(store):
        await store.transact(adding(*((f"{n:02}", 100 - n) for n in range(50))))
        claims = await store.transact(claiming(now=100, at_most=3))
        return [claim.id for claim in claims]

    assert with_store(scene) == ["49", "48", "47"]


def test_a_piece_is_due_at_its_moment_and_not_before(with_store):
    async def scene(store):
        await store.transact(adding(("a", 10)))
        early = await store.transact(claiming(now=9))
        return early, len(await store.transact(claiming(now=10)))

    assert with_store(scene) == ([], 1)


def test_two_claimers_never_get_the_same_piece(with_store):
    async def scene(store):
        pieces = [f"{n:03}" for n in range(200)]
        await store.transact(adding(*((id_, 0) for id_ in pieces)))
        portions = await asyncio.gather(
            *(store.transact(claiming(at_most=7)) for _ in range(40)),
        )
        taken = [claim.id for portion in portions for claim in portion]
        assert sorted(taken) == pieces
        assert await store.transact(claiming()) == []

    with_store(scene)


def test_kinds_and_sandboxes_do_not_see_each_other(with_store):
    async def scene(store):
        await store.transact(adding(("a", 0)))
        await store.transact(adding(("a", 0), kind=work.DELIVERY))
        await store.transact(adding(("a", 0), sandbox="other"))
        claims = [
            await store.transact(claiming()),
            await store.transact(claiming(kind=work.DELIVERY)),
            await store.transact(claiming(sandbox="other")),
        ]
        return [[(claim.kind, claim.id) for claim in portion] for portion in claims]

    assert with_store(scene) == [[("run", "a")], [("delivery", "a")], [("run", "a")]]


def test_a_lease_holds_until_it_runs_out_on_the_wall_clock(with_store):
    async def scene(store):
        await store.transact(adding(("a", 0)))
        [first] = await store.transact(claiming())
        assert await store.transact(claiming(now=10**12, wall=WALL + LEASE - 1)) == []
        [second] = await store.transact(claiming(wall=WALL + LEASE))
        assert second.id == first.id
        assert second.fence == first.fence + 1

    with_store(scene)


def test_whoever_lost_a_claim_can_neither_finish_nor_hand_back(with_store):
    async def scene(store):
        await store.transact(adding(("a", 0)))
        [lost] = await store.transact(claiming())
        [held] = await store.transact(claiming(wall=WALL + LEASE))
        assert await store.transact(finishing(lost)) is False
        assert await store.transact(handing_back(lost, 99)) is False
        assert await store.transact(waiting()) == 1
        assert await store.transact(next_due(wall=WALL + 3 * LEASE)) == 0, "due is as it was"
        assert await store.transact(finishing(held)) is True
        assert await store.transact(finishing(held)) is False
        assert await store.transact(waiting()) == 0

    with_store(scene)


def test_a_claim_that_was_handed_back_and_taken_again_has_another_fence(with_store):
    async def scene(store):
        await store.transact(adding(("a", 0)))
        [first] = await store.transact(claiming())
        assert await store.transact(handing_back(first, 5)) is True
        assert await store.transact(claiming(now=4)) == []
        [second] = await store.transact(claiming(now=5))
        assert second.due == 5
        assert await store.transact(finishing(first)) is False
        assert await store.transact(finishing(second)) is True

    with_store(scene)


def test_next_due_is_the_soonest_that_nobody_has(with_store):
    async def scene(store):
        assert await store.transact(next_due()) is None
        await store.transact(adding(("a", 10), ("b", 20)))
        await store.transact(adding(("c", 15), kind=work.DELIVERY))
        found = [await store.transact(next_due()), await store.transact(next_due(work.DELIVERY))]
        await store.transact(claiming(now=10))
        found.append(await store.transact(next_due()))
        found.append(await store.transact(next_due(wall=WALL + LEASE)))
        return found

    assert with_store(scene) == [10, 15, 15, 10]


def test_a_process_that_starts_alone_frees_what_its_predecessor_had(with_store):
    async def scene(store):
        await store.transact(adding(("a", 0)))
        [lost] = await store.transact(claiming())
        await store.transact(work.free_all)
        [held] = await store.transact(claiming())
        assert held.fence > lost.fence
        assert await store.transact(finishing(lost)) is False

    with_store(scene)


@pytest.mark.parametrize("seam", ["finish", "hand_back"])
def test_work_that_is_gone_cannot_come_back(with_store, seam):
    async def scene(store):
        await store.transact(adding(("a", 0)))
        [held] = await store.transact(claiming())
        await store.transact(finishing(held))
        again = finishing(held) if seam == "finish" else handing_back(held, 7)
        assert await store.transact(again) is False
        assert await store.transact(waiting()) == 0

    with_store(scene)


actions = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.integers(1, 3)),
        st.tuples(st.sampled_from(["finish", "back"]), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.sampled_from([1, LEASE // 2, LEASE])),
    ),
    max_size=40,
)


@given(actions)
def test_of_all_who_ever_claimed_a_piece_only_the_last_counts(steps):
    """Any history of claims, leases running out, and late comers."""

    async def scene():
        store = open_sqlite(None)
        await store.transact(adding(*((f"{n}", 0) for n in range(4))))
        wall, ever = WALL, []
        owner: dict[str, tuple[int, int]] = {}  # piece → fence, when the lease ends
        done: set[str] = set()
        for step, value in steps:
            if step == "wait":
                wall += value
            elif step == "claim":
                for claim in await store.transact(claiming(wall=wall, at_most=value)):
                    assert claim.id not in done
                    assert owner.get(claim.id, (0, 0))[1] <= wall, "it was somebody's"
                    owner[claim.id] = (claim.fence, wall + LEASE)
                    ever.append(claim)
            elif ever:
                claim = ever[value % len(ever)]
                proven = claim.id not in done and owner[claim.id][0] == claim.fence
                action = finishing(claim) if step == "finish" else handing_back(claim, 0)
                assert await store.transact(action) is proven
                if proven and step == "finish":
                    done.add(claim.id)
                elif proven:
                    owner[claim.id] = (claim.fence, 0)
        assert await store.transact(waiting()) == 4 - len(done)
        await store.close()

    asyncio.run(scene())
