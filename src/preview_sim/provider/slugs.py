"""How a name stands in a LinkedIn address: plain ASCII if it can, else percent-encoded."""

import unicodedata
from urllib.parse import quote

#: Letters that Unicode does not take apart into an ASCII letter and its accent.
_PLAIN = str.maketrans(
    {
        "æ": "ae",
        "ð": "d",
        "đ": "d",
        "ħ": "h",
        "\u0131": "i",
        "ł": "l",
        "ø": "o",
        "œ": "oe",
        "þ": "th",
    }
)
#: Apostrophes of four kinds, and dots.
_DROPPED = frozenset("'\u2019\u02bc\u02bb.")
_LONGEST = 60
_LONGEST_ENCODED = 20


def slug(name: str) -> str:
    """Lower-case `a-z0-9-`, or the percent-encoded UTF-8 of a name that is not so written.

    "Zoë O'Brien-Łuk" is `zoe-obrien-luk`, "田中" is `%E7%94%B0%E4%B8%AD`. Never empty for a name
    that is not.
    """
    folded = unicodedata.normalize("NFKD", name.casefold()).translate(_PLAIN)
    kept = "".join(c for c in folded if c not in _DROPPED and not unicodedata.combining(c))
    spaced = "".join(c if c.isalnum() else " " for c in kept)
    plain = "-".join(spaced.split())[:_LONGEST].rstrip("-")
    if plain and plain.isascii():
        return plain
    lower = unicodedata.normalize("NFC", name.lower())[:_LONGEST_ENCODED]
    return quote("-".join(lower.split()), safe="")
