"""A schema violation in words: what was expected, what came."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

from preview_sim.domain.errors import nearest

_SHOWN_AT_MOST = 60
_NAMES_SHOWN = 10
_TYPE_NAMES = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}


def explain(error: jsonschema_rs.ValidationError, known: Iterable[str]) -> dict[str, str]:
    """One entry of `details.errors`: path (a JSON pointer), message, rule (the keyword).

    `known` are the properties that the schema has, for a hint when another came.
    """
    rule = str(error.schema_path[-1])
    if rule == "additionalProperties":
        message = _unknown(error.kind.as_dict()["unexpected"], tuple(known))
    elif rule in _SAYINGS:
        message = _SAYINGS[rule](error.kind.as_dict(), error.instance)
    else:
        message = error.message
    return {"path": _pointer(error.instance_path), "message": message, "rule": rule}


def show(value: Any) -> str:
    """A JSON value as a message shows it: its type, and the value cut to one short line."""
    text = orjson.dumps(value, default=str).decode()
    if value is None or isinstance(value, bool):
        return text
    cut = text if len(text) <= _SHOWN_AT_MOST else f"{text[:_SHOWN_AT_MOST]}…"
    return f"the {_TYPE_NAMES[type(value)]} {cut}"


_SAYINGS: Mapping[str, Callable[[Mapping[str, Any], Any], str]] = {
    "type": lambda kind, came: f"expected {_types(kind['types'])}, got {show(came)}",
    "required": lambda kind, _: f"expected the property {kind['property']!r}, which is missing",
    "minLength": lambda kind, came: f"expected at least {kind['limit']} character, got {len(came)}",
    "maxLength": lambda kind, came: f"expected at most {kind['limit']} characters, got {len(came)}",
    "minimum": lambda kind, came: f"expected at least {kind['limit']}, got {show(came)}",
    "maximum": lambda kind, came: f"expected at most {kind['limit']}, got {show(came)}",
    "format": lambda kind, came: f"expected a {kind['format']}, got {show(came)}",
}


def _types(types: Iterable[str]) -> str:
    return " or ".join(f"an {name}" if name[0] in "aeiou" else f"a {name}" for name in types)


def _unknown(names: Iterable[str], known: tuple[str, ...]) -> str:
    said = []
    for name in islice(names, _NAMES_SHOWN):
        hint = nearest(name, known)
        said.append(f"{name[:_SHOWN_AT_MOST]!r}" + (f" (did you mean {hint!r}?)" if hint else ""))
    return f"unknown property {', '.join(said)}; expected only {', '.join(known)}"


def _pointer(path: Iterable[str | int]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
