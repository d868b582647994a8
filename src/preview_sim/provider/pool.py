"""Pools of names to draw people from, one for each locale: read or made once, then kept.

Seven locales are shipped as data. Any other that Faker knows is drawn at first use, which takes a
part of a second; that is the only moment when Faker is imported.
"""

from collections.abc import Iterable
from functools import cache
from json import loads
from pathlib import Path
from typing import NamedTuple, TypedDict

from preview_sim.domain.errors import UsageError, nearest
from preview_sim.provider.slugs import slug

#: The locales whose pools are data.
SHIPPED = ("de_DE", "en_GB", "en_US", "es_ES", "fr_FR", "ja_JP", "sk_SK")

POOLS = Path(__file__).with_name("pools")


class Names(TypedDict):
    """First and last names that go together: in some languages a last name has a gender."""

    first: list[str]
    last: list[str]


class PoolData(TypedDict):
    """A pool as its file has it."""

    made_by: str
    country: str
    family_first: bool
    separator: str
    names: list[Names]
    companies: list[str]


class Word(NamedTuple):
    """A name and how it stands in an address."""

    text: str
    slug: str


class Pool(NamedTuple):
    """A pool as people are drawn from it. `country` is for a search that names no place."""

    country: str
    family_first: bool
    separator: str
    names: tuple[tuple[tuple[Word, ...], tuple[Word, ...]], ...]
    companies: tuple[Word, ...]


@cache
def pool(locale: str) -> Pool:
    """The pool of a locale; UsageError, with the nearest name, if Faker has no such locale."""
    if locale in SHIPPED:
        data: PoolData = loads((POOLS / f"{locale}.json").read_text(encoding="utf-8"))
    elif known_locale(locale):
        from preview_sim.provider.make_pools import draw_pool  # noqa: PLC0415 - Faker costs 0.3 s

        data = draw_pool(locale)
    else:
        hint = nearest(locale, locales())
        meant = f" Did you mean {hint!r}?" if hint else ""
        raise UsageError(f"{locale!r} is no Faker locale; expected one such as 'en_US'.{meant}")
    return Pool(
        country=data["country"],
        family_first=data["family_first"],
        separator=data["separator"],
        names=tuple((_words(names["first"]), _words(names["last"])) for names in data["names"]),
        companies=_words(data["companies"]),
    )


def known_locale(name: str) -> bool:
    """Whether people of this locale can be drawn. Cheap for a shipped one."""
    return name in SHIPPED or name in locales()


@cache
def locales() -> tuple[str, ...]:
    """Every known locale, sorted. Imports Faker."""
    from faker.config import AVAILABLE_LOCALES  # noqa: PLC0415 - Faker costs 0.3 s

    return tuple(sorted({*SHIPPED, *AVAILABLE_LOCALES}))


def _words(names: Iterable[str]) -> tuple[Word, ...]:
    return tuple(Word(name, slug(name)) for name in names)
