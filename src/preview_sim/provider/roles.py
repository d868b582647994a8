"""The titles that people found for a searched title have.

`role` makes the title of a person out of the title of an advertisement: "Senior Backend Engineers
- FinTech" looks for a "Senior Backend Engineer". `variants` adds those who do nearly the same.
"""

import re

#: What an advertisement adds to a role: "(m/f/d)", "[Remote]", and all after a dash or comma.
_BRACKETED = re.compile(r"[(\[{][^)\]}]*[)\]}]?")
_TAIL = re.compile(r"\s[-\u2013\u2014]+\s|[\u2013\u2014,;|@•·]|\s(?:at|in|for)\s", re.IGNORECASE)

#: Nouns for people. Only these are singularised: "Payments" and "Sales" are no one's plural.
_PLURAL = re.compile(
    r".*(?:ers|ors|ists|ysts|ians|tants|ects(?<!projects)|agents|students|nurses|executives|"
    r"representatives|associates|graduates|leads|heads|interns|clerks|chefs|experts|attorneys|"
    r"pilots|guards|reps|chiefs|fellows|apprentices|secretaries|mechanics)",
    re.IGNORECASE,
)

_SMALL_WORDS = frozenset(("of", "and", "for", "the", "to", "in", "&"))
_SPELLED_OUT = {"sr": "Senior", "sr.": "Senior", "jr": "Junior", "jr.": "Junior", "snr": "Senior"}
_SENIOR = frozenset(("senior", "staff", "lead", "principal"))
_JUNIOR = frozenset(("junior", "graduate", "associate", "entry-level", "trainee"))
#: Roles that come in no other seniority; nobody is a Staff Head of Sales.
_ALONE = (
    "head chief vp svp evp vice president director managing ceo cto cfo coo cmo cio ciso founder "
    "co-founder intern internship partner owner"
)
_CRAFTS = frozenset(("engineer", "developer", "scientist", "designer", "architect", "researcher"))
_SOFTWARE_FIELDS = (
    "backend back-end frontend front-end fullstack full-stack full stack software web api"
)
_SINGULAR, _SOFTWARE = frozenset(_ALONE.split()), frozenset(_SOFTWARE_FIELDS.split())

#: Of ten people, so many have exactly the role that was searched.
_EXACTLY = 4


def role(title: str) -> str:
    """The role that an advertised title names, in the singular: a person's title, never empty."""
    parts = _TAIL.split(_BRACKETED.sub(" ", title))
    named = next((part for part in parts if any(map(str.isalnum, part))), "Specialist")
    words = named.strip(" -/:*\"'").rstrip(".!").split()
    if len(words) > 1 and named.isupper():
        words = [word.capitalize() if len(word) > 3 else word for word in words]
    return " ".join(map(_tidy, range(len(words)), words))


def variants(searched: str) -> tuple[str, ...]:
    """The titles to draw from, for a role: itself most often, other seniorities, its kin."""
    words = searched.split()
    level, following = words[0].lower(), "".join(words[1:2]).lower()
    ranked = level in _SENIOR | _JUNIOR
    if (
        not searched.isascii()  # "Senior" is an English word
        or not _SINGULAR.isdisjoint(searched.lower().split())
        or (ranked and following in ("", "generation"))  # who generates leads, leads nothing
    ):
        return (searched,)
    core = " ".join(words[1:] if ranked else words)
    staff = ["Staff"] * (core.split()[-1].lower() in _CRAFTS)
    if level in _JUNIOR:
        levels = ["Junior", "Associate", ""]
    elif level in _SENIOR:
        levels = ["Senior", "Lead", "Principal", *staff]
    else:
        levels = ["", "Senior", "Lead", *staff]
    cores = (core, *_kin(core))
    titles = [f"{level} {core}".strip() for level in levels for core in cores]
    others = tuple(title for title in titles if title != searched)
    return (searched,) * max(1, len(others) * _EXACTLY // (10 - _EXACTLY)) + others


def _kin(core: str) -> list[str]:
    """A Backend Engineer is also a Backend Developer, or a Software Engineer."""
    *field, noun = core.split()
    if noun not in ("Engineer", "Developer") or not _SOFTWARE.issuperset(map(str.lower, field)):
        return []
    other = "Developer" if noun == "Engineer" else "Engineer"
    return list(dict.fromkeys((" ".join((*field, other)), "Software Engineer")))


def _tidy(position: int, word: str) -> str:
    lower = word.lower()
    if lower in _SPELLED_OUT:
        return _SPELLED_OUT[lower]
    if _PLURAL.fullmatch(word):
        word = word[:-3] + "y" if lower.endswith("ies") else word[:-1]
    if word != lower or (position and lower in _SMALL_WORDS):
        return word
    return word[:1].upper() + word[1:]
