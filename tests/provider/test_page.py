"""What a page of the fake provider promises: purity, order, and people that make sense."""

import json
import subprocess
import sys
from hashlib import md5
from itertools import chain
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preview_sim.domain.candidate import FIELD_NAMES, CandidateFields
from preview_sim.domain.errors import UsageError
from preview_sim.domain.run import MAX_PAGES, PAGE_SIZE, PreviewRequest, Search
from preview_sim.domain.scenario import PagePlan, ProviderPlan
from preview_sim.provider import known_locale, locales, page
from preview_sim.provider.hard_names import HARD_NAMES
from preview_sim.provider.pool import SHIPPED
from preview_sim.provider.roles import role, variants

SEARCH = Search(
    "Senior Backend Engineers – FinTech", "San Francisco, CA", "Senior Node.js engineer fintech"
)
NULLABLE = FIELD_NAMES[3:]
PLAN = ProviderPlan()

texts = st.text(min_size=1, max_size=60)
searches = st.builds(Search, texts, texts, texts)
seeds = st.integers(min_value=-(2**70), max_value=2**70)
plans = st.builds(
    ProviderPlan,
    total=st.integers(0, 120),
    locale=st.sampled_from(SHIPPED),
    sparse=st.floats(0, 1),
    unicode=st.booleans(),
)


def everyone(seed=7, search=SEARCH, plan=PLAN, pages=MAX_PAGES) -> list[CandidateFields]:
    asked = (page(seed, search, number, plan).people for number in range(1, pages + 1))
    return list(chain.from_iterable(asked))


def urls(people) -> list[str]:
    return [person["profileUrl"] for person in people]


@given(seeds, searches, st.integers(1, MAX_PAGES), plans)
def test_the_same_question_has_the_same_answer(seed, search, number, plan):
    first, again = page(seed, search, number, plan), page(seed, search, number, plan)
    assert json.dumps(first.people) == json.dumps(again.people)
    assert first.more is again.more


def test_pages_asked_backwards_are_the_same_pages():
    forwards = [page(7, SEARCH, number, PLAN) for number in (1, 2, 3)]
    backwards = [page(7, SEARCH, number, PLAN) for number in (3, 2, 1)]
    assert forwards == backwards[::-1]


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_another_process_gives_the_same_bytes(hash_seed):
    program = (
        "import json, sys\n"
        "from preview_sim.domain.run import Search\n"
        "from preview_sim.domain.scenario import ProviderPlan\n"
        "from preview_sim.provider import page\n"
        "search = Search(*json.loads(sys.argv[1]))\n"
        "print(json.dumps(page(7, search, 2, ProviderPlan(sparse=0.3, unicode=True)).people))\n"
    )
    question = json.dumps([SEARCH.title, SEARCH.location, SEARCH.text])
    told = subprocess.run(
        [sys.executable, "-c", program, question],
        env={"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
        text=True,
    )
    here = page(7, SEARCH, 2, ProviderPlan(sparse=0.3, unicode=True)).people
    assert told.stdout.strip() == json.dumps(here)


def test_a_shipped_locale_is_drawn_without_faker():
    program = (
        "import sys\n"
        "from preview_sim.domain.run import Search\n"
        "from preview_sim.domain.scenario import ProviderPlan\n"
        "from preview_sim.provider import known_locale, page\n"
        "assert known_locale('en_US')\n"
        "assert len(page(1, Search('Nurse', 'Oslo', 'ICU'), 1, ProviderPlan()).people) == 20\n"
        "sys.exit(any(name.partition('.')[0] == 'faker' for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@given(seeds, searches, plans)
def test_pages_never_overlap(seed, search, plan):
    found = urls(everyone(seed, search, plan))
    assert len(found) == min(plan.total, PAGE_SIZE * MAX_PAGES)
    assert len(set(found)) == len(found)


@settings(max_examples=5)
@given(seeds)
def test_a_search_of_ten_thousand_people_has_as_many_profiles(seed):
    found = urls(everyone(seed, plan=ProviderPlan(total=10_000), pages=500))
    assert len(set(found)) == 10_000


@given(seeds, searches, plans)
def test_a_candidate_has_exactly_the_nine_fields_in_their_order(seed, search, plan):
    for person in everyone(seed, search, plan, pages=1):
        assert tuple(person) == FIELD_NAMES
        assert all(isinstance(person[name], str) for name in FIELD_NAMES[:3])
        assert all(person[name] is None or person[name] for name in NULLABLE)
        json.dumps(person, ensure_ascii=False).encode()


@given(seeds, searches, plans)
def test_the_profile_id_is_the_md5_of_the_profile_url(seed, search, plan):
    for person in everyone(seed, search, plan, pages=1):
        assert person["profileId"] == md5(person["profileUrl"].encode()).hexdigest()


@given(seeds, searches, plans)
def test_every_address_is_a_valid_uri_of_linkedin(seed, search, plan):
    for person in everyone(seed, search, plan, pages=1):
        assert_is_linkedin(person["profileUrl"], "in")
        if person["companyUrl"] is not None:
            assert_is_linkedin(person["companyUrl"], "company")


def assert_is_linkedin(url: str, kind: str) -> None:
    place = urlsplit(url)
    assert (place.scheme, place.netloc, place.query, place.fragment) == (
        "https",
        "www.linkedin.com",
        "",
        "",
    )
    empty, said, name = place.path.split("/")
    assert (empty, said) == ("", kind)
    assert name
    assert name.isascii()
    assert set(name.replace("%", "")) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
    )
    unquote(name, errors="strict")


def test_the_address_of_a_profile_carries_the_name():
    for person in everyone():
        name = person["fullName"].lower().replace(" ", "-").replace("'", "")
        assert person["profileUrl"].removeprefix("https://www.linkedin.com/in/")[:-9] == name


def test_a_name_without_ascii_form_is_percent_encoded():
    for person in everyone(plan=ProviderPlan(locale="ja_JP")):
        encoded = person["profileUrl"].removeprefix("https://www.linkedin.com/in/")[:-9]
        assert unquote(encoded) == person["fullName"].replace(" ", "-")


@pytest.mark.parametrize("locale", SHIPPED)
def test_people_agree_with_themselves_and_with_the_search(locale):
    people = everyone(plan=ProviderPlan(locale=locale))
    for person in people:
        assert person["title"] in variants(role(SEARCH.title))
        assert person["headline"].startswith(f"{person['title']} at {person['companyName']}")
        assert person["location"] == SEARCH.location
        assert person["country"] == "United States"
    companies = {person["companyName"]: person["companyUrl"] for person in people}
    assert len(set(companies.values())) == len(companies)
    assert companies.items() == {(p["companyName"], p["companyUrl"]) for p in people}


def test_some_people_have_exactly_the_searched_role_and_others_a_variant():
    titles = [person["title"] for person in everyone()]
    assert 20 < titles.count("Senior Backend Engineer") < 80
    assert "Staff Backend Engineer" in titles


def test_headlines_often_name_a_skill_of_the_search_text():
    skilled = [p for p in everyone() if "Node.js" in p["headline"] or "FinTech" in p["headline"]]
    assert 40 < len(skilled) < 85


def test_people_are_different_people():
    people = everyone()
    assert len({person["fullName"] for person in people}) > 90
    assert len({person["companyName"] for person in people}) > 50


@pytest.mark.parametrize(
    ("locale", "country"),
    [("en_US", "United States"), ("sk_SK", "Slovakia"), ("ja_JP", "Japan"), ("de_DE", "Germany")],
)
def test_a_location_that_is_no_place_has_the_country_of_the_locale(locale, country):
    people = page(7, Search("Nurse", "Mars", "ICU"), 1, ProviderPlan(locale=locale)).people
    assert {person["country"] for person in people} == {country}


def test_sparse_zero_leaves_nothing_out_and_sparse_one_everything():
    assert not any(p[name] is None for p in everyone() for name in NULLABLE)
    bare = everyone(plan=ProviderPlan(sparse=1.0))
    assert all(p[name] is None for p in bare for name in NULLABLE)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_sparse_is_the_share_of_null_among_the_six_fields(share):
    people = everyone(plan=ProviderPlan(total=2_000, sparse=share), pages=100)
    nulls = [name for person in people for name in NULLABLE if person[name] is None]
    assert len(nulls) / (len(people) * len(NULLABLE)) == pytest.approx(share, abs=0.02)
    assert set(nulls) == set(NULLABLE)


@given(seeds, st.floats(0, 1), st.booleans())
def test_a_sparse_person_never_tells_what_is_left_out(seed, sparse, unicode):
    for person in everyone(seed, plan=ProviderPlan(sparse=sparse, unicode=unicode), pages=2):
        if person["companyName"] is None:
            assert person["companyUrl"] is None
        said = person["headline"]
        if said is None:
            continue
        if person["title"] is None:
            assert not any(title in said for title in variants(role(SEARCH.title)))
        else:
            assert person["title"] in said
        if person["companyName"] is None:
            assert " at " not in said
        else:
            assert person["companyName"] in said


def test_some_companies_have_a_name_and_no_address():
    people = everyone(plan=ProviderPlan(sparse=0.5))
    assert any(p["companyName"] is not None and p["companyUrl"] is None for p in people)


def test_a_page_may_be_sparser_than_its_plan():
    plan = ProviderPlan(pages={2: PagePlan(sparse=1.0)})
    assert page(7, SEARCH, 1, plan).people == page(7, SEARCH, 1, PLAN).people
    assert all(p[name] is None for p in page(7, SEARCH, 2, plan).people for name in NULLABLE)


def test_sparse_takes_away_and_changes_no_one():
    whole, sparse = everyone(), everyone(plan=ProviderPlan(sparse=0.5))
    assert urls(whole) == urls(sparse)
    for name in set(NULLABLE) - {"headline"}:
        assert all(b[name] in (None, a[name]) for a, b in zip(whole, sparse, strict=True))


@given(seeds, st.integers(1, MAX_PAGES), st.integers(0, 100), st.sampled_from(SHIPPED))
def test_unicode_gives_at_least_half_of_every_page_a_hard_name(seed, number, total, locale):
    plan = ProviderPlan(total=total, unicode=True, locale=locale)
    names = [person["fullName"] for person in page(seed, SEARCH, number, plan).people]
    hard = {word.text for word in HARD_NAMES}
    assert sum(name in hard for name in names) * 2 >= len(names)


def test_five_pages_of_unicode_meet_every_hard_name():
    names = {person["fullName"] for person in everyone(plan=ProviderPlan(unicode=True))}
    assert names >= {word.text for word in HARD_NAMES}


def test_a_repeated_page_has_the_people_of_the_other():
    plan = ProviderPlan(pages={2: PagePlan(duplicate_of=1), 3: PagePlan(duplicate_of=1, count=7)})
    first = page(7, SEARCH, 1, plan).people
    assert page(7, SEARCH, 2, plan).people == first
    assert page(7, SEARCH, 3, plan).people == first[:7]
    assert set(urls(page(7, SEARCH, 4, plan).people)).isdisjoint(urls(first))


def test_a_page_repeats_sparse_people_as_they_were():
    plan = ProviderPlan(pages={1: PagePlan(sparse=0.5), 2: PagePlan(duplicate_of=1)})
    assert page(7, SEARCH, 2, plan).people == page(7, SEARCH, 1, plan).people


def test_a_page_that_repeats_a_repeated_page_repeats_the_first():
    plan = ProviderPlan(pages={2: PagePlan(duplicate_of=1), 3: PagePlan(duplicate_of=2)})
    assert page(7, SEARCH, 3, plan).people == page(7, SEARCH, 1, plan).people


def test_pages_that_repeat_in_a_circle_still_answer():
    plan = ProviderPlan(pages={1: PagePlan(duplicate_of=2), 2: PagePlan(duplicate_of=1)})
    assert len(page(7, SEARCH, 1, plan).people) == PAGE_SIZE


def test_a_short_page_leaves_the_others_as_they_are():
    plan = ProviderPlan(pages={2: PagePlan(count=3)})
    assert page(7, SEARCH, 2, plan).people == page(7, SEARCH, 2, PLAN).people[:3]
    assert page(7, SEARCH, 3, plan).people == page(7, SEARCH, 3, PLAN).people
    assert page(7, SEARCH, 2, plan).more


@pytest.mark.parametrize(
    ("total", "counts"),
    [
        (0, [0, 0, 0, 0, 0]),
        (1, [1, 0, 0, 0, 0]),
        (20, [20, 0, 0, 0, 0]),
        (25, [20, 5, 0, 0, 0]),
        (40, [20, 20, 0, 0, 0]),
        (250, [20, 20, 20, 20, 20]),
    ],
)
def test_a_page_has_as_many_people_as_are_left(total, counts):
    plan = ProviderPlan(total=total)
    pages = [page(7, SEARCH, number, plan) for number in range(1, MAX_PAGES + 1)]
    assert [len(answer.people) for answer in pages] == counts
    assert [answer.more for answer in pages] == [total > PAGE_SIZE * n for n in range(1, 6)]


def test_an_end_that_is_not_announced_is_an_empty_page():
    plan = ProviderPlan(total=20, announces_end=False)
    assert page(7, SEARCH, 1, plan).more
    assert page(7, SEARCH, 2, plan).people == []


@pytest.mark.parametrize(
    "other",
    [
        Search("Senior Backend Engineer", SEARCH.location, SEARCH.text),
        Search(SEARCH.title, "Berlin, Germany", SEARCH.text),
        Search(SEARCH.title, SEARCH.location, "Go"),
        Search(SEARCH.title + "\x1f" + SEARCH.location, SEARCH.text, ""),
    ],
)
def test_another_search_finds_other_people(other):
    assert set(urls(everyone(search=other))).isdisjoint(urls(everyone()))


def test_another_seed_finds_other_people():
    assert set(urls(everyone(seed=8))).isdisjoint(urls(everyone()))


def test_searches_that_read_the_same_when_joined_are_two_searches():
    joined = Search("a\x1fb", "c", "d"), Search("a", "b\x1fc", "d")
    assert urls(everyone(search=joined[0])) != urls(everyone(search=joined[1]))


def test_the_limit_is_no_part_of_a_search():
    small = PreviewRequest("Nurse", "ICU", "Oslo", limit=1).search
    large = PreviewRequest("Nurse", "ICU", "Oslo", limit=100).search
    assert everyone(search=small) == everyone(search=large)


def test_a_locale_that_is_not_shipped_is_drawn_when_it_is_asked_for():
    people = page(7, Search("Nurse", "Remote", "ICU"), 1, ProviderPlan(locale="hu_HU")).people
    assert {person["country"] for person in people} == {"Hungary"}
    assert (
        people == page(7, Search("Nurse", "Remote", "ICU"), 1, ProviderPlan(locale="hu_HU")).people
    )


def test_an_unknown_locale_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="'en_US'"):
        page(7, SEARCH, 1, ProviderPlan(locale="en_USA"))


def test_the_known_locales_are_those_of_faker():
    assert known_locale("en_US")
    assert known_locale("pl_PL")
    assert not known_locale("xx_XX")
    assert set(SHIPPED) < set(locales())
    assert list(locales()) == sorted(locales())
