"""Why a document does not fit its schema, as one sentence at one place.

Of many violations the most telling is chosen: a misspelt key also makes a required one missing, and
only the first of the two is worth saying. `title` in a schema says what is expected in words; the
annotation `x-later` names keys that a later version will know.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator, ValidationError

from preview_sim.domain.errors import FileError, nearest
from preview_sim.library.yaml_document import Document, Path, dotted, shown_text

#: A hostile file can have a hundred thousand; the first ones will do.
_ENOUGH = 100

_TYPE_WORDS = {
    "object": "a mapping of keys to values",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


class _Kind(IntEnum):
    """The most telling first."""

    UNKNOWN_KEY = 0
    EXCLUDED_KEY = 1
    WRONG_VALUE = 2
    MISSING_KEY = 3


@dataclass(frozen=True, slots=True)
class _Violation:
    kind: _Kind
    path: Path
    why: str
    of_key: bool = False


def explain(schema: dict[str, Any], document: Document) -> FileError:
    """The FileError about the most telling violation; of equals, the first in the file."""
    explainer = _Explainer(schema, document)
    errors = islice(Draft202012Validator(schema).iter_errors(document.data), _ENOUGH)
    found = [violation for error in errors for violation in explainer.violations(error)]
    if not found:
        # Python's `$` also matches before a line end, so the two validators can disagree.
        error = next(jsonschema_rs.Draft202012Validator(schema).iter_errors(document.data))
        return document.error(tuple(error.instance_path), f"is not accepted: {error.message}")
    worst = min(found, key=lambda each: (each.kind, document.place(each.path, of_key=each.of_key)))
    return document.error(worst.path, worst.why, of_key=worst.of_key)


class _Explainer:
    """Turns the errors of a validator into words; one method for each kind."""

    def __init__(self, schema: Mapping[str, Any], document: Document) -> None:
        self._schema = schema
        self._document = document

    def violations(self, error: ValidationError) -> Iterator[_Violation]:
        path: Path = tuple(error.absolute_path)
        value: Any = error.instance
        part: Any = error.schema
        match error.validator:
            case "additionalProperties":
                yield self._unknown_key(path, value, part)
            case "required":
                yield from self._missing_keys(path, value, part)
            case "dependentRequired":
                yield from self._lonely_keys(path, value, part)
            case "not":
                yield from self._excluded_key(path, list(error.absolute_schema_path))
            case _ if "propertyNames" in error.absolute_schema_path:
                why = self._wrong_value(value, part)
                yield _Violation(_Kind.WRONG_VALUE, (*path, value), why, of_key=True)
            case _:
                yield _Violation(_Kind.WRONG_VALUE, path, self._wrong_value(value, part))

    def _unknown_key(self, path: Path, mapping: Any, part: Mapping[str, Any]) -> _Violation:
        known = part["properties"]
        unknown = [(*path, key) for key in mapping if key not in known]
        first = min(unknown, key=lambda each: self._document.place(each, of_key=True))
        key = str(first[-1])
        if key in part.get("x-later", ()):
            why = "this version does not know the key yet; it comes with a later one"
        else:
            homes = (dotted(home) for home in self._every_key(self._schema, ()) if home[-1] == key)
            why = _with_hint(
                f"unknown key; expected one of {', '.join(known)}",
                next(homes, None),
                nearest(key, known.keys() - mapping.keys()),
            )
        return _Violation(_Kind.UNKNOWN_KEY, first, why, of_key=True)

    def _missing_keys(
        self, path: Path, mapping: Any, part: Mapping[str, Any]
    ) -> Iterator[_Violation]:
        for key in part["required"]:
            if key not in mapping:
                why = f"is missing; expected {self._expected(part['properties'][key])}"
                yield _Violation(_Kind.MISSING_KEY, (*path, key), why)

    def _lonely_keys(
        self, path: Path, mapping: Any, part: Mapping[str, Any]
    ) -> Iterator[_Violation]:
        for key, needed in part["dependentRequired"].items():
            absent = [each for each in needed if each not in mapping]
            if key in mapping and absent:
                why = f"means nothing alone; expected {' and '.join(absent)} beside it"
                yield _Violation(_Kind.MISSING_KEY, (*path, key), why, of_key=True)

    def _excluded_key(self, path: Path, rules: list[str | int]) -> Iterator[_Violation]:
        other = str(rules[rules.index("dependentSchemas") + 1])
        beside = self._document.place((*path[:-1], other), of_key=True)
        if self._document.place(path, of_key=True) > beside:  # told once, at the second of the two
            why = f"excludes {other} on line {beside[0]}; expected only one of the two"
            yield _Violation(_Kind.EXCLUDED_KEY, path, why, of_key=True)

    def _wrong_value(self, value: Any, part: Mapping[str, Any]) -> str:
        said = f"expected {self._expected(part)}, got {_shown(value)}"
        if isinstance(value, str):
            return _with_hint(said, nearest(value, _words(part)))
        if part.get("type") == "string" and isinstance(value, bool | int | float):
            return f"{said}; put it in quotes to make it text"
        return said

    def _expected(self, part: Mapping[str, Any]) -> str:
        """What a part of the schema takes, in words."""
        part = self._resolved(part)
        if "title" in part:
            return str(part["title"])
        if "enum" in part:
            return f"one of {', '.join(part['enum'])}"
        return _TYPE_WORDS[part["type"]] + _bounds(part)

    def _every_key(self, part: Mapping[str, Any], path: Path) -> Iterator[Path]:
        """The path of every key that the schema knows; what is in a list stands in its first."""
        part = self._resolved(part)
        if "items" in part:
            yield from self._every_key(part["items"], (*path, 0))
        for key, inner in part.get("properties", {}).items():
            yield (*path, key)
            yield from self._every_key(inner, (*path, key))

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in part:
            part = self._schema["$defs"][part["$ref"].removeprefix("#/$defs/")]
        return part


def _bounds(part: Mapping[str, Any]) -> str:
    """` from 1 to 100`, ` of 1 to 300 characters`, ` of at most 5 items`, or nothing."""
    kind, what = {"string": ("Length", " characters"), "array": ("Items", " items")}.get(
        part["type"], ("imum", "")
    )
    low, high = part.get(f"min{kind}"), part.get(f"max{kind}")
    join = " of" if what else " from" if None not in (low, high) else ""
    if high is None:
        return "" if low is None else f"{join} {low}{what} or more"
    return f"{join} at most {high}{what}" if low is None else f"{join} {low} to {high}{what}"


def _words(part: Mapping[str, Any]) -> list[str]:
    """The words among which a misspelt one has its nearest."""
    branches = (part, *part.get("anyOf", ()))
    return [word for branch in branches for word in branch.get("enum", ())]


def _with_hint(said: str, *hints: str | None) -> str:
    meant = " or ".join(repr(hint) for hint in dict.fromkeys(hints) if hint)
    return f"{said}. Did you mean {meant}?" if meant else said


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            return f"the text {shown_text(value)}"
        case dict():
            return "a mapping" if value else "an empty mapping"
        case list():
            return f"a list of {len(value)}" if value else "an empty list"
        case _:
            return str(value)
