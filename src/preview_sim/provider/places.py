"""Which country a searched location lies in, so that a person's country agrees with it.

The names are data (`places.json`, one country a line). A name that several countries share is
settled by the rest of the location; where nothing settles it, the file's order does.
"""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

_FILE = Path(__file__).with_name("places.json")

#: What separates the parts of a location. A hyphen does so only with space around it.
_BETWEEN = re.compile(r"[,;/|()\[\]•·\u2013\u2014]|\s-\s|\sor\s", re.IGNORECASE)

#: Words that decorate a place ("Greater Boston Area", "Remote in Germany") and name none.
_DECORATION = (
    "anywhere area based bay central city county district downtown eastern from fully greater "
    "hybrid in metro metropolitan metroplex near northern office only onsite province region "
    "remote remotely southern state the western wide within"
)
_DECORATIONS = frozenset(_DECORATION.split())
_LONGEST_NAME = 4


class _Places(NamedTuple):
    """Countries by folded name and by code; the likeliest first."""

    names: dict[str, tuple[str, ...]]
    codes: dict[str, tuple[str, ...]]
    wide: frozenset[str]
    """The names of countries and regions: safe to find at the end of a longer text."""
    alone: dict[str, str]
    """Country by its folded name, for a location that is nothing else."""
    iso: dict[str, str]
    """Country by its two-letter code."""


@lru_cache(maxsize=256)
def country_of(location: str) -> str | None:
    """The country that the location lies in, or None if nothing in it is recognised.

    "San Francisco, CA", "Berlin, DE", "Bratislava", "Remote in Germany" and "Köln" are. A state is
    preferred to a country of the same code or name ("Savannah, Georgia"), unless the city says
    otherwise ("Tbilisi, Georgia") or the country stands alone.
    """
    places = _places()
    alone = places.alone.get(_fold(location))
    if alone:
        return alone
    parts = [part for part in _BETWEEN.split(location) if part.strip()]
    meant = [_candidates(part, later=bool(i)) for i, part in enumerate(parts)]
    meant = [countries for countries in meant if countries]
    if not meant:
        return None
    *before, last = meant
    said_before = {country for countries in before for country in countries}
    return next((country for country in last if country in said_before), last[0])


def country_of_code(code: str) -> str | None:
    """The country of a two-letter code, as in the `SK` of the locale `sk_SK`."""
    return _places().iso.get(code)


def is_place(word: str) -> bool:
    """Whether the word by itself names a place."""
    return _fold(word) in _places().names


def _candidates(part: str, *, later: bool) -> tuple[str, ...]:
    """The countries that one part may mean. `later` parts may be codes in lower case, too."""
    places = _places()
    found = places.names.get(_fold(part))
    if found:
        return found
    words = [word for word in part.split() if not any(map(str.isdigit, word))]
    folded = [_fold(word) for word in words]
    while folded and folded[-1] in _DECORATIONS:
        folded.pop()
    while folded and folded[0] in _DECORATIONS:
        del folded[0], words[0]
    if not folded:
        return ()
    found = places.names.get(" ".join(folded))
    if found:
        return found
    for start in range(max(1, len(folded) - _LONGEST_NAME), len(folded)):
        name = " ".join(folded[start:])
        if name in places.wide:
            return places.names[name]
    code = words[len(folded) - 1]
    if code.isupper() or (later and len(folded) == 1):
        return places.codes.get(folded[-1], ())
    return ()


@cache
def _places() -> _Places:
    countries: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    names: dict[str, list[str]] = defaultdict(list)
    codes: dict[str, list[str]] = defaultdict(list)

    def add(index: dict[str, list[str]], keys: Iterable[str], country: str) -> None:
        for key in map(_fold, keys):
            if country not in index[key]:
                index[key].append(country)

    for place in countries.values():
        states = place.get("states", {})
        add(names, (*states.values(), *place.get("regions", ())), place["name"])
    for place in countries.values():
        add(names, (place["name"], *place.get("also", ())), place["name"])
    wide = frozenset(names)
    for place in countries.values():
        add(names, place.get("cities", ()), place["name"])

    # "DE" is Delaware before it is Germany, but "SK" is Slovakia before it is Saskatchewan.
    add(codes, countries["US"]["states"], countries["US"]["name"])
    for code, place in countries.items():
        add(codes, (code,), place["name"])
    for place in countries.values():
        add(codes, place.get("states", {}), place["name"])
    iso = {code: place["name"] for code, place in countries.items()}
    alone = {_fold(name): name for name in iso.values()}
    return _Places(_frozen(names), _frozen(codes), wide, alone, iso)


def _frozen(index: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(countries) for key, countries in index.items()}


def _fold(text: str) -> str:
    """Case, accents, dots and hyphens set aside: "Košice" is "KOSICE", "St. Louis" "St Louis"."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = (
        " " if c == "-" else c
        for c in plain
        if c not in ".'\u2019" and not unicodedata.combining(c)
    )
    return " ".join("".join(kept).split())
