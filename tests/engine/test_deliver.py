"""Deliveries through the engine: same bytes on every attempt, the schedule, and lost claims."""

import json
from itertools import pairwise

import pytest

from preview_sim.domain.signature import PROFILES, verify
from preview_sim.domain.webhook import Attempt
from preview_sim.engine import prepare, record, step
from preview_sim.store import work

SECONDS = {1: 5, 2: 300, 3: 1_800}
WALL_S = 1_764_000_000


def refuses_first(times: int):
    def receiver(_id, number, _headers, _body):
        return Attempt(503 if number <= times else 204, None, 1)

    return receiver


async def to_first_delivery(stage) -> work.Claim:
    await stage.submit()
    while not (claims := await stage.claim(work.DELIVERY)):
        stage.now = await stage.next_due()
        for claim in await stage.claim(work.RUN):
            await step(stage.sandbox, claim, stage.now)
    [claim] = claims
    return claim


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_a_delivery_is_repeated_with_the_same_bytes_until_it_is_taken(play, times):
    async def scene(stage):
        stage.receiver = refuses_first(times)
        await stage.submit()
        await stage.until_idle()
        assert [number for _, number, _, _ in stage.sent] == list(range(1, times + 2))
        assert len({(id_, body) for id_, _, _, body in stage.sent}) == 1
        assert len({headers["webhook-id"] for _, _, headers, _ in stage.sent}) == 1
        assert await stage.rows("SELECT state, attempts FROM delivery") == [
            ("delivered", times + 1)
        ]
        await stage.check_invariants()

    play(scene)


def test_a_receiver_that_never_takes_it_is_asked_four_times_on_schedule(play):
    """Invariant 6: exhausted means that it was sent 1 + maxRetries times."""

    async def scene(stage):
        stage.receiver = refuses_first(99)
        await stage.submit()
        await stage.until_idle()
        assert len(stage.sent) == 4
        assert await stage.rows("SELECT state, attempts FROM delivery") == [("exhausted", 4)]
        attempts = await stage.rows("SELECT number, at, retry_at FROM attempt ORDER BY number")
        for (number, at, retry_at), (_, next_at, _) in pairwise(attempts):
            assert retry_at == next_at
            assert 0.8 <= (retry_at - at) / 1_000 / SECONDS[number] <= 1.2
        assert attempts[-1][2] is None
        assert len({retry - at for _, at, retry in attempts[:-1]}) == 3
        await stage.check_invariants()

    play(scene)


def test_retry_after_moves_the_next_attempt_within_its_bounds(play):
    async def scene(stage):
        stage.receiver = lambda *_: Attempt(429, None, 1, 7_500)
        claim = await to_first_delivery(stage)
        stepped = await stage.deliver(claim)
        assert stepped.next_due == stage.now + 7_500

    play(scene)


def test_with_the_reading_per_attempt_every_retry_has_an_id_and_a_body_of_its_own(play):
    async def scene(stage):
        stage.receiver = refuses_first(99)
        await stage.submit()
        await stage.until_idle()
        ids = [json.loads(body)["deliveryId"] for _, _, _, body in stage.sent]
        assert len(set(ids)) == 4
        assert await stage.rows("SELECT id FROM delivery") == [(ids[0],)]
        assert [headers["webhook-id"] for _, _, headers, _ in stage.sent] == ids
        rest = [{**json.loads(body), "deliveryId": None} for _, _, _, body in stage.sent]
        assert rest == [rest[0]] * 4

    play(scene, readings={"delivery-id": "per-attempt"})


@pytest.mark.parametrize("profile", list(PROFILES))
def test_every_attempt_is_signed_as_the_reading_says(play, profile):
    async def scene(stage):
        stage.receiver = refuses_first(1)
        await stage.submit()
        await stage.until_idle()
        [(secret,)] = await stage.rows(
            "SELECT w.secret FROM webhook w JOIN delivery d ON d.webhook = w.id"
        )
        verdicts = [
            verify(PROFILES[profile], secret, headers, body) for _, _, headers, body in stage.sent
        ]
        assert [verdict.status for verdict in verdicts] == [
            "unsigned" if profile == "none" else "valid"
        ] * 2

    play(scene, readings={"signature": profile})


@pytest.mark.parametrize("status", [200, 503])
def test_an_attempt_whose_claim_was_lost_changes_nothing(play, status):
    async def scene(stage):
        lost = await to_first_delivery(stage)
        outgoing = await prepare(stage.sandbox, lost, WALL_S)
        await stage.store.transact(work.free_all)
        [held] = await stage.claim(work.DELIVERY)
        before = await stage.everything()
        late = Attempt(status, None, 1)
        assert await record(stage.sandbox, lost, outgoing, late, stage.now) is None
        assert await stage.everything() == before
        assert await record(stage.sandbox, held, outgoing, Attempt(200, None, 1), stage.now)
        assert await stage.rows("SELECT state, attempts FROM delivery") == [("delivered", 1)]

    play(scene)


def test_a_step_whose_claim_was_lost_changes_nothing(play):
    async def scene(stage):
        await stage.submit(limit=100)
        stage.now = await stage.next_due()
        [lost] = await stage.claim(work.RUN)
        await stage.store.transact(work.free_all)
        [held] = await stage.claim(work.RUN)
        before = await stage.everything()
        assert await step(stage.sandbox, lost, stage.now) is None
        assert await stage.everything() == before
        assert await step(stage.sandbox, held, stage.now) is not None
        await stage.until_idle()
        await stage.check_invariants()

    play(scene)


def test_a_last_step_whose_claim_was_lost_changes_nothing(play):
    async def scene(stage):
        await stage.submit(limit=20)
        stage.now = await stage.next_due()
        [lost] = await stage.claim(work.RUN)
        await stage.store.transact(work.free_all)
        [held] = await stage.claim(work.RUN)
        assert (await step(stage.sandbox, held, stage.now)).event["status"] == "completed"
        before = await stage.everything()
        assert await step(stage.sandbox, lost, stage.now) is None
        assert await stage.everything() == before

    play(scene)


def test_a_delivery_that_was_taken_meanwhile_is_not_prepared_again(play):
    async def scene(stage):
        lost = await to_first_delivery(stage)
        await stage.store.transact(work.free_all)
        [held] = await stage.claim(work.DELIVERY)
        await stage.deliver(held)
        assert await stage.rows("SELECT state FROM delivery") == [("delivered",)]
        assert await prepare(stage.sandbox, lost, WALL_S) is None

    play(scene)
