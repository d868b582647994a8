"""Exact amounts: what is shown can be read back, and nothing is ever rounded away."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.domain.billing import PAGE_PRICE, Unit, cost, from_units, settle, to_units

units = st.sampled_from(Unit)


def test_a_page_costs_one_credit_or_two_fifths_of_a_minute():
    assert PAGE_PRICE == {Unit.CREDITS: 1, Unit.MINUTES: 24}
    assert to_units(Unit.MINUTES, 24) == 0.4


@pytest.mark.parametrize(
    ("unit", "shown", "amount"),
    [
        (Unit.CREDITS, 0, 0),
        (Unit.CREDITS, 1000, 1000),
        (Unit.CREDITS, 7.0, 7),
        (Unit.MINUTES, 0.1, 6),
        (Unit.MINUTES, 0.3, 18),
        (Unit.MINUTES, 0.4, 24),
        (Unit.MINUTES, 1.2, 72),
        (Unit.MINUTES, 2.3, 138),
        (Unit.MINUTES, 40, 2400),
        (Unit.MINUTES, 40.0, 2400),
        (Unit.MINUTES, 1e3, 60_000),
    ],
)
def test_a_number_in_the_unit_is_an_exact_amount(unit, shown, amount):
    assert from_units(unit, shown) == amount
    assert to_units(unit, amount) == shown


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        (Unit.CREDITS, 0.5),
        (Unit.CREDITS, -1),
        (Unit.CREDITS, 1e-9),
        (Unit.MINUTES, 0.05),
        (Unit.MINUTES, 0.25),
        (Unit.MINUTES, 0.30000000000000004),
        (Unit.MINUTES, -0.1),
    ],
)
def test_a_number_that_cannot_be_shown_again_is_refused_with_the_step(unit, shown):
    with pytest.raises(ValueError, match=f"expected a multiple of .* {unit.value}, 0 or more"):
        from_units(unit, shown)


@given(st.integers(0, 10**12))
def test_credits_are_whole_and_come_back(amount):
    assert to_units(Unit.CREDITS, amount) == amount
    assert isinstance(to_units(Unit.CREDITS, amount), int)
    assert from_units(Unit.CREDITS, amount) == amount


@given(st.integers(0, 10**10))
def test_tenths_of_minutes_come_back(tenths):
    shown = to_units(Unit.MINUTES, tenths * 6)
    assert Decimal(str(shown)) == Decimal(tenths) / 10
    assert from_units(Unit.MINUTES, shown) == tenths * 6


@given(units, st.lists(st.integers(0, 5), max_size=60))
def test_any_sum_of_costs_is_shown_exactly(unit, pages):
    """0.4 added up as a float drifts; as seconds it does not."""
    total = sum(cost(unit, n) for n in pages)
    price = Decimal(1) if unit is Unit.CREDITS else Decimal("0.4")
    assert Decimal(str(to_units(unit, total))) == price * sum(pages)


@given(units, st.integers(0, 5), st.data())
def test_a_settlement_is_the_whole_hold(unit, pages_held, data):
    charged = data.draw(st.integers(0, pages_held))
    came = settle(unit, cost(unit, pages_held), charged)
    assert came.charge + came.release == cost(unit, pages_held)
    assert came.charge == charged * PAGE_PRICE[unit]
    assert came.release >= 0


@pytest.mark.parametrize("unit", Unit)
def test_a_run_cannot_be_charged_more_than_its_hold(unit):
    with pytest.raises(AssertionError, match="may not cost more than its hold"):
        settle(unit, cost(unit, 2), 3)


@pytest.mark.parametrize("unit", Unit)
def test_a_run_cannot_be_charged_a_negative_number_of_pages(unit):
    with pytest.raises(AssertionError):
        settle(unit, cost(unit, 2), -1)
