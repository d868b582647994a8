"""Units, exact amounts, and the life of a hold (contract 1.8, 2.2, 2.3 [S]).

An amount is a whole number of the smallest piece: one credit, or one second of minutes (0.4 min is
24 s). Nothing here is ever a floating-point balance.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class Unit(Enum):
    """What a company is billed in: either, never both (contract 2.2 [S])."""

    CREDITS = "credits"
    MINUTES = "minutes"


#: The price of one page successfully queried: 1 credit, or 0.4 minutes.
PAGE_PRICE = {Unit.CREDITS: 1, Unit.MINUTES: 24}

#: Amounts in one unit as people read it: a minute is 60 s and is shown with one decimal.
_PIECES = {Unit.CREDITS: 1, Unit.MINUTES: 60}
_SMALLEST_SHOWN = {Unit.CREDITS: Decimal(1), Unit.MINUTES: Decimal("0.1")}


def to_units(unit: Unit, amount: int) -> int | float:
    """An amount as a number in the unit: credits whole, minutes with one decimal."""
    return amount if unit is Unit.CREDITS else round(amount / _PIECES[unit], 1)


def say(unit: Unit, amount: int) -> str:
    """An amount as a sentence has it: `1 credit`, `3 credits`, `0.4 minutes`."""
    number = to_units(unit, amount)
    return f"{number} {unit.value.removesuffix('s') if number == 1 else unit.value}"


def from_units(unit: Unit, number: float) -> int:
    """A number in the unit as an exact amount; ValueError if it cannot be shown exactly again."""
    exact = Decimal(str(number))
    if exact < 0 or exact % _SMALLEST_SHOWN[unit]:
        step = _SMALLEST_SHOWN[unit]
        raise ValueError(f"expected a multiple of {step} {unit.value}, 0 or more, got {number}")
    return int(exact * _PIECES[unit])


class EntryKind(Enum):
    """The kinds of ledger entry. Entries are appended, never changed."""

    GRANT = "grant"
    HOLD = "hold"
    CHARGE = "charge"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a hold ends: what is charged and what goes back. Both together are the hold."""

    charge: int
    release: int


def cost(unit: Unit, pages: int) -> int:
    """The amount that so many successfully queried pages cost (contract 2.2)."""
    return pages * PAGE_PRICE[unit]


def settle(unit: Unit, held: int, charged_pages: int) -> Settlement:
    """Charge exactly the successful pages, release the rest (contract 2.3)."""
    charge = cost(unit, charged_pages)
    assert 0 <= charge <= held, f"a run may not cost more than its hold: {charge} > {held}"
    return Settlement(charge=charge, release=held - charge)
