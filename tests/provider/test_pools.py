"""The shipped pools are data that Faker made; a slug is an address for a name."""

import json

import faker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.provider.hard_names import HARD_NAMES
from preview_sim.provider.make_pools import write_pools
from preview_sim.provider.pool import POOLS, SHIPPED, pool
from preview_sim.provider.slugs import slug


@pytest.mark.parametrize("locale", SHIPPED)
def test_a_shipped_pool_has_names_enough(locale):
    ours = pool(locale)
    assert ours.country
    assert len(ours.companies) >= 100
    for firsts, lasts in ours.names:
        assert len(firsts) * len(lasts) > 1_000
        assert all(word.text == word.text.strip() and word.slug for word in (*firsts, *lasts))


@pytest.mark.parametrize("locale", SHIPPED)
def test_one_company_address_is_one_company(locale):
    companies = pool(locale).companies
    assert len({company.slug for company in companies}) == len(companies)
    assert len({company.text for company in companies}) == len(companies)


def test_few_companies_are_lists_of_surnames():
    names = [company.text for company in pool("en_US").companies]
    assert 0 < sum("," in name for name in names) < len(names) / 8


def test_the_shipped_pools_are_what_the_script_makes(tmp_path):
    made_by = json.loads((POOLS / "en_US.json").read_text(encoding="utf-8"))["made_by"]
    assert made_by == f"Faker {faker.VERSION}", "run python -m preview_sim.provider.make_pools"
    write_pools(tmp_path)
    for locale in SHIPPED:
        made = (tmp_path / f"{locale}.json").read_text(encoding="utf-8")
        assert made == (POOLS / f"{locale}.json").read_text(encoding="utf-8")
    assert {file.name for file in POOLS.iterdir()} == {f"{locale}.json" for locale in SHIPPED}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Jane", "jane"),
        ("Zoë O'Brien-Łuk", "zoe-obrien-luk"),
        ("Straße & Söhne GmbH", "strasse-sohne-gmbh"),
        ("Nováková s.r.o.", "novakova-sro"),
        ("田中", "%E7%94%B0%E4%B8%AD"),
        ("🚀", "%F0%9F%9A%80"),
    ],
)
def test_a_slug_is_plain_where_it_can_be(name, expected):
    assert slug(name) == expected


@given(st.text(min_size=1).filter(str.strip))
def test_a_slug_is_ascii_and_never_empty(name):
    made = slug(name)
    assert made
    assert made.isascii()
    assert not set(made) & set("/?#&= \"'<>")


def test_hard_names_are_hard_in_every_way_they_should_be():
    names = [word.text for word in HARD_NAMES]
    joined = "".join(names)
    assert len(set(names)) == len(names) <= 50
    assert max(map(ord, joined)) > 0xFFFF
    assert {"\u200d", "\u0308", "'", "\u2019", "\u00a0", '"', ",", "&", "<"} <= set(joined)
    assert "Null" in names
    assert max(map(len, names)) > 80
