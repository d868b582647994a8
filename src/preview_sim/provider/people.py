"""The provider's answer: a page of people, each drawn from (seed, search, index) and nothing else.

One digest a person is the source of every choice, so pages may be asked in any order and again. All
that a search has in common is prepared once and kept.
"""

from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from struct import Struct
from typing import NamedTuple

from preview_sim.domain.candidate import CandidateFields, profile_id
from preview_sim.domain.draw import digest
from preview_sim.domain.run import MAX_PAGES, PAGE_SIZE, Page, Search
from preview_sim.domain.scenario import ProviderPlan
from preview_sim.provider.hard_names import HARD_NAMES
from preview_sim.provider.keywords import keywords
from preview_sim.provider.places import country_of
from preview_sim.provider.pool import Pool, pool
from preview_sim.provider.roles import role, variants

_PROFILE = "https://www.linkedin.com/in/"
_COMPANY = "https://www.linkedin.com/company/"
_NOTHING_TO_SAY = "Open to new opportunities"

#: A person's digest as sixteen choices of 32 bits, more than are made.
_CHOICES = Struct("<16I")
_RANGE = 1 << 32

#: Of eight people, so many have a headline without skills.
_PLAIN_HEADLINES = 3


class _Brief(NamedTuple):
    """What a search says about everyone it finds."""

    key: bytes
    first_suffix: int
    step: int
    location: str
    country: str | None
    titles: tuple[str, ...]
    skills: tuple[str, ...]
    """Ends of a headline: what is known, or nothing."""


def page(seed: int, search: Search, number: int, plan: ProviderPlan) -> Page:
    """The provider's page `number` (1 is the first) for a search (contract 2.1, 2.10, 2.12).

    Equal arguments give equal people, also in another process. No two people of one search have a
    profile URL in common, unless the plan says that a page repeats another. UsageError if the
    plan's locale is unknown; the first page of a locale that is not shipped takes some 0.3 s.
    """
    source = number
    for _ in range(MAX_PAGES):  # a repeated page may itself repeat one; bounded, so a circle ends
        source = plan.page(source).duplicate_of or source
    first = PAGE_SIZE * (source - 1)
    shares = (plan.page(number).sparse, plan.page(source).sparse, plan.sparse)
    threshold = int(_RANGE * next(share for share in shares if share is not None))
    brief, names = _brief(seed, search), pool(plan.locale)
    people = [
        _person(brief, names, index, threshold, unicode=plan.unicode)
        for index in range(first, first + plan.count(number))
    ]
    return Page(people, plan.more(number))


@lru_cache(maxsize=128)
def _brief(seed: int, search: Search) -> _Brief:
    # With the lengths, no two searches read the same once they are joined.
    shape = (len(search.title), len(search.location))
    key = digest(seed, "people", *shape, search.title, search.location, search.text)
    searched = role(search.title)
    found = keywords(search.text, searched)
    skills = [f" | {skill}" for skill in found]
    skills += [f" | {first}, {second}" for first, second in pairwise(found)]
    return _Brief(
        key=key,
        first_suffix=int.from_bytes(key[:4], "big"),
        step=int.from_bytes(key[4:8], "big") | 1,
        location=search.location,
        country=country_of(search.location),
        titles=variants(searched),
        skills=tuple(skills),
    )


def _person(
    brief: _Brief, names: Pool, index: int, threshold: int, *, unicode: bool
) -> CandidateFields:
    """Person `index` (0 is the first) of a search. A field drawn below the threshold is null."""
    raw = blake2b(index.to_bytes(8, "big"), key=brief.key).digest()
    (
        by_first,
        by_last,
        by_group,
        by_company,
        by_title,
        by_style,
        by_skill,
        no_title,
        no_headline,
        no_location,
        no_country,
        no_company,
        no_url,
        *_,
    ) = _CHOICES.unpack(raw)

    if unicode and not index % 2:
        # In turn, so that half of every page is hard, and four pages have met every hard name.
        full_name, name_slug = HARD_NAMES[(brief.first_suffix + index // 2) % len(HARD_NAMES)]
    else:
        firsts, lasts = names.names[by_group % len(names.names)]
        given, family = firsts[by_first % len(firsts)], lasts[by_last % len(lasts)]
        left, right = (family, given) if names.family_first else (given, family)
        full_name = left.text + names.separator + right.text
        name_slug = f"{left.slug}-{right.slug}"
    # An odd step visits each 32-bit number once: suffixes are different by construction.
    suffix = (brief.first_suffix + index * brief.step) % _RANGE
    profile_url = f"{_PROFILE}{name_slug}-{suffix:08x}"

    title = None if no_title < threshold else brief.titles[by_title % len(brief.titles)]
    company = names.companies[by_company % len(names.companies)]
    # A company without a name has no page either. Two draws keep both that and the share: the page
    # goes when either says so, the name when both do.
    company_name = None if max(no_company, no_url) < threshold else company.text
    company_url = None if min(no_company, no_url) < threshold else _COMPANY + company.slug

    if no_headline < threshold:
        headline = None
    else:
        known = f"{title} at {company_name}" if title and company_name else title or company_name
        skills = brief.skills
        said = skills[by_skill % len(skills)] if skills and by_style % 8 >= _PLAIN_HEADLINES else ""
        headline = f"{known or _NOTHING_TO_SAY}{said}"

    return {
        "profileId": profile_id(profile_url),
        "fullName": full_name,
        "profileUrl": profile_url,
        "title": title,
        "headline": headline,
        "location": None if no_location < threshold else brief.location,
        "country": None if no_country < threshold else brief.country or names.country,
        "companyName": company_name,
        "companyUrl": company_url,
    }
