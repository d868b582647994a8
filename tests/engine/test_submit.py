"""Accepting: what a refusal leaves behind (nothing), and what an acceptance does."""

import pytest

from preview_sim.domain.errors import (
    InsufficientCredits,
    ResourceAccessDenied,
    ResourceNotFound,
    WebhookNotSubscribed,
)
from preview_sim.library.world_file import world_of

ACME_HOOK = "123e4567-e89b-12d3-a456-426614174000"
BETA_HOOK = "223e4567-e89b-12d3-a456-426614174000"
PING_HOOK = "323e4567-e89b-12d3-a456-426614174000"

WORLD = world_of(
    f"""
companies:
  - name: Seven
    unit: credits
    balance: 7
    keys: [{{key: sk_sim_acme}}]
    webhooks:
      - {{id: {ACME_HOOK}, events: [SOURCING_COMPLETED, SOURCING_FAILED]}}
      - {{id: {PING_HOOK}, events: [PING]}}
  - name: Tenths
    unit: minutes
    balance: 1.1
    keys: [{{key: sk_sim_beta}}]
    webhooks: [{{id: {BETA_HOOK}, events: [SOURCING_FAILED]}}]
""",
    "world.yaml",
)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"key": "sk_sim_beta", "limit": 60, "hook": None}, InsufficientCredits),
        ({"key": "sk_sim_acme.insufficient-credits"}, InsufficientCredits),
        ({"key": "sk_sim_acme.insufficient-minutes"}, InsufficientCredits),
        ({"hook": BETA_HOOK}, ResourceAccessDenied),
        ({"hook": "f23e4567-e89b-12d3-a456-426614174000"}, ResourceNotFound),
        ({"hook": PING_HOOK}, WebhookNotSubscribed),
    ],
)
def test_a_refused_request_leaves_every_table_as_it_was(play, asked, error):
    """Invariant 7, and the same for every other refusal of the transaction."""

    async def scene(stage):
        await stage.submit(limit=100)
        before = await stage.everything()
        with pytest.raises(error):
            await stage.submit(**asked)
        after = await stage.everything()
        assert after == before
        assert await stage.next_due() is not None

    play(scene, world=WORLD)


def test_a_refusal_does_not_shift_the_ids_of_later_runs(play):
    async def with_refusals(stage):
        ids = [await stage.submit(limit=100)]
        with pytest.raises(InsufficientCredits):
            await stage.submit(limit=100)
        with pytest.raises(ResourceAccessDenied):
            await stage.submit(hook=BETA_HOOK)
        return [*ids, await stage.submit(limit=20)]

    async def without(stage):
        return [await stage.submit(limit=100), await stage.submit(limit=20)]

    assert play(with_refusals, world=WORLD) == play(without, world=WORLD)


def test_an_accepted_run_has_one_hold_and_one_piece_of_work(play):
    async def scene(stage):
        run = await stage.submit(limit=41)
        assert await stage.rows("SELECT id FROM run WHERE due IS NOT NULL") == [(run,)]
        assert await stage.rows("SELECT kind, amount FROM entry WHERE run = $1", run) == [
            ("hold", 3)
        ]

    play(scene)


def test_minutes_are_held_exactly_to_the_last_tenth(play):
    """1.1 min is 66 s: two pages of 24 s fit, a third does not."""

    async def scene(stage):
        await stage.submit("sk_sim_beta", limit=40, hook=None)
        with pytest.raises(InsufficientCredits) as came:
            await stage.submit("sk_sim_beta", limit=20, hook=None)
        assert came.value.details == {"required": 0.4, "available": 0.3, "unit": "minutes"}

    play(scene, world=WORLD)


def test_a_scenario_s_purse_never_touches_the_company_s_account(play):
    async def scene(stage):
        before = await stage.rows("SELECT * FROM account ORDER BY id")
        await stage.submit("sk_sim_acme.exactly-enough-credits", limit=100)
        with pytest.raises(InsufficientCredits):
            await stage.submit("sk_sim_acme.exactly-enough-credits", limit=1)
        after = await stage.rows("SELECT * FROM account WHERE scenario IS NULL ORDER BY id")
        assert after == before
        purses = await stage.rows(
            "SELECT scenario, granted, available, held FROM account WHERE scenario IS NOT NULL"
        )
        assert purses == [("exactly-enough-credits", 5, 0, 5)]
        await stage.until_idle()
        await stage.check_invariants()

    play(scene)
