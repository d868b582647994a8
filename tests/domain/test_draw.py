"""Draws: a function of seed and identity alone, with golden values so that no byte drifts."""

import hashlib
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.domain.draw import digest, draw_between, draw_fraction, draw_hex, draw_uuid

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

seeds = st.integers(0, 2**63)
kinds = st.text(max_size=8)
identities = st.lists(st.integers() | st.text(max_size=8), max_size=3).map(tuple)


def test_the_first_ids_of_seed_1_are_those_that_they_always_were():
    """Golden values: recordings and documents of users hold these bytes."""
    assert draw_uuid(1, "run", 1) == "0e315e9c-ea5c-4116-9e8e-907a05894d73"
    assert draw_uuid(1, "run", 2) == "154eb7f7-e1d9-471a-ad42-e6ceaa324c1e"
    assert draw_uuid(2, "run", 1) == "d52d81f3-1b71-445d-bce0-dc103939950a"
    assert (
        draw_hex(1, "signing secret", "123e4567-e89b-12d3-a456-426614174000")
        == "067d5967b85eb9c09f3e084779908a3b62fe0aed5dac90ca7f6dfb3ec197dfcd"
    )
    assert draw_between(80, 250, 1, "latency", "req_x", 1, 1) == 174
    assert draw_fraction(1, "retry", "a", 1) == 0.7930493716038463


def test_a_digest_is_the_mac_of_kind_and_identity_under_the_seed():
    key = hashlib.blake2b(b"7", digest_size=32).digest()
    wanted = hashlib.blake2b(b"kind\x1fa\x1f3", key=key, digest_size=32).digest()
    assert digest(7, "kind", "a", 3) == wanted


@pytest.mark.parametrize("draw", [draw_uuid, draw_hex, draw_fraction])
def test_the_order_of_draws_changes_nothing(draw: Callable[..., object]):
    forwards = [draw(1, "n", n) for n in range(50)]
    backwards = [draw(1, "n", n) for n in reversed(range(50))][::-1]
    assert forwards == backwards
    assert len(set(forwards)) == 50


@given(seeds, kinds, identities)
def test_a_drawn_id_is_a_lower_case_version_4_uuid(seed, kind, identity):
    assert UUID4.fullmatch(draw_uuid(seed, kind, *identity))


@given(seeds, kinds, identities)
def test_a_drawn_secret_is_64_hex_characters(seed, kind, identity):
    assert re.fullmatch(r"[0-9a-f]{64}", draw_hex(seed, kind, *identity))


@given(seeds, st.integers(-1000, 1000), st.integers(0, 1000))
def test_a_number_between_two_bounds_is_within_them(seed, low, span):
    assert low <= draw_between(low, low + span, seed, "n") <= low + span


def test_both_bounds_are_drawn_and_none_much_more_often():
    drawn = [draw_between(0, 3, 1, "n", n) for n in range(4000)]
    counts = [drawn.count(value) for value in range(4)]
    assert sum(counts) == 4000
    assert all(850 < count < 1150 for count in counts)


@given(seeds, kinds, identities)
def test_a_fraction_is_at_least_0_and_less_than_1(seed, kind, identity):
    assert 0 <= draw_fraction(seed, kind, *identity) < 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, "a", "b"), (2, "a", "b")),
        ((1, "a", "b"), (1, "b", "a")),
        ((1, "a", "b", "c"), (1, "a", "bc")),
        ((1, "ab"), (1, "a", "b")),
        ((1, "a", 1, 11), (1, "a", 11, 1)),
        ((11, "a"), (1, "1a")),
    ],
)
def test_different_identities_are_different_draws(one, other):
    assert digest(*one) != digest(*other)
