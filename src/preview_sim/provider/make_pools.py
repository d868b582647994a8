"""Make the pools with Faker: `python -m preview_sim.provider.make_pools` writes the shipped ones.

The same function draws a locale that is not shipped, at run time. Seeded: the same Faker makes the
same pool. Nothing here is imported for a shipped locale.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from preview_sim.provider.places import country_of_code
from preview_sim.provider.pool import POOLS, SHIPPED, PoolData
from preview_sim.provider.slugs import slug

if TYPE_CHECKING:
    from faker import Faker

_SEED = 2025
_FIRST_NAMES = 160
_LAST_NAMES = 320
_COMPANIES = 120
_LISTED_COMPANIES = 16
_COINED_COMPANIES = 80
#: Faker repeats itself: to have so many different names, ask more often.
_ASKED = 3

#: Where the family name comes first, and what stands between the two.
_FAMILY_FIRST = {"hu": " ", "ja": " ", "ko": "", "vi": " ", "zh": ""}
#: Locales whose name is not a country's, or is another one's.
_COUNTRY_CODES = {
    "ar_AA": "SA",
    "de": "DE",
    "es": "ES",
    "es_CA": "ES",
    "fr_QC": "CA",
    "sw": "KE",
    "th": "TH",
}
_STEMS = """
Amber Anchor Arbor Aster Atlas Beacon Birch Blue Bright Cinder Clear Cobalt Copper Delta Ember Ever
Fern Flint Fox Glide Granite Harbor Hazel Helio Iron Juniper Kestrel Lark Linden Lumen Maple
Meridian North Nova Oak Onyx Orbit Otter Pine Quant River Sage Silver Slate Stone Swift Tidal Umber
Willow Zephyr
"""
_ENDINGS = """
base bridge cast craft field forge gate grid layer light line loop mark path point port scale shift
stack ware wave well works yard
"""
_KINDS = ("", "", "", "", " AI", " Analytics", " Health", " Labs", " Pay", " Software", " Systems")


def draw_pool(locale: str) -> PoolData:
    """A pool drawn from Faker. Deterministic for one version of Faker."""
    from faker import VERSION, Faker  # noqa: PLC0415 - Faker costs 0.3 s

    fake = Faker(locale)
    fake.seed_instance(_SEED)
    language, _, region = locale.partition("_")
    return {
        "made_by": f"Faker {VERSION}",
        "country": country_of_code(_COUNTRY_CODES.get(locale, region)) or "United States",
        "family_first": language in _FAMILY_FIRST,
        "separator": _FAMILY_FIRST.get(language, " "),
        "names": [
            {
                "first": _different(fake.first_name_female, _FIRST_NAMES),
                "last": _different(fake.last_name_female, _LAST_NAMES),
            },
            {
                "first": _different(fake.first_name_male, _FIRST_NAMES),
                "last": _different(fake.last_name_male, _LAST_NAMES),
            },
        ],
        "companies": _companies(fake),
    }


def write_pools(directory: Path = POOLS) -> None:
    """Write every shipped pool, one list a line, so that a change of one shows as one."""
    directory.mkdir(exist_ok=True)
    for locale in SHIPPED:
        lines = [
            f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
            for key, value in draw_pool(locale).items()
        ]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        (directory / f"{locale}.json").write_text(text, encoding="utf-8")


def _different(draw: Callable[[], str], count: int) -> list[str]:
    return list(dict.fromkeys(draw().strip() for _ in range(count * _ASKED)))[:count]


def _companies(fake: "Faker") -> list[str]:
    """Mostly what Faker makes; few of its lists of surnames; and names such as a start-up has.

    No two have the same slug, so that one address is one company.
    """
    drawn = _different(fake.company, _COMPANIES)
    plain = [name for name in drawn if "," not in name]
    listed = [name for name in drawn if "," in name][:_LISTED_COMPANIES]
    coined = _different(lambda: _coined(fake), _COINED_COMPANIES) if _is_latin(plain) else []
    return list({slug(name): name for name in (*plain, *listed, *coined)}.values())


def _coined(fake: "Faker") -> str:
    stem, ending, kind = map(fake.random_element, (_STEMS.split(), _ENDINGS.split(), _KINDS))
    return f"{stem}{ending}{kind}"


def _is_latin(names: Iterable[str]) -> bool:
    return all(slug(name).replace("-", "").isalnum() for name in names)


if __name__ == "__main__":
    write_pools()
