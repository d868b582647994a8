"""The event schemas of the published contract, judged by `jsonschema`.

The server validates with another library, so that server and judge never share a validator's bug.
Where Python's reading of a schema is laxer than the standard's, it is tightened here.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from preview_sim.domain.webhook import PING, SOURCING_COMPLETED, SOURCING_FAILED
from preview_sim.spec import standalone_schema

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError

_RFC_3339 = re.compile(
    r"[0-9]{4}(-[0-9]{2}){2}[Tt][0-9]{2}(:[0-9]{2}){2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")

_COMPONENTS = {
    SOURCING_COMPLETED: "SourcingCompletedEvent",
    SOURCING_FAILED: "SourcingFailedEvent",
}

#: Contract 4.4 [A] for `data`; the envelope is that of every event (contract 5.2).
_PING = {
    "type": "object",
    "additionalProperties": False,
    "required": ["event", "timestamp", "deliveryId", "data"],
    "properties": {
        "event": {"enum": ["PING", "ping"]},
        "timestamp": {
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        },
        "deliveryId": {"type": "string", "format": "uuid"},
        "data": {
            "type": "object",
            "additionalProperties": False,
            "required": ["webhookId", "message"],
            "properties": {
                "webhookId": {"type": "string", "format": "uuid"},
                "message": {"type": "string"},
            },
        },
    },
}

#: Comparing every item with every other takes hours on a hostile list, which `maxItems` reports.
_COMPARED_ITEMS_MAX = 1_000

_SHOWN_AT_MOST = 80


def violations(event: str, body: Any) -> Iterator[tuple[str, str]]:
    """JSON path and message of everything in `body` that the schema of `event` forbids."""
    for error in _validator(event).iter_errors(body):
        yield error.json_path, _say(error)


def shown(value: Any) -> str:
    """A JSON value as one short piece of a message."""
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # nested deeper than orjson writes
        text = f"a deeply nested {type(value).__name__}"
    return text if len(text) <= _SHOWN_AT_MOST else f"{text[:_SHOWN_AT_MOST]}…"


def _say(error: "ValidationError") -> str:
    if error.validator in ("required", "additionalProperties"):
        return error.message
    return (
        f"expected {error.validator} {shown(error.validator_value)}, came {shown(error.instance)}"
    )


@cache
def formats() -> "FormatChecker":
    """The formats that the contract uses. Those of `jsonschema`'s extras cost a second to load."""
    from jsonschema import FormatChecker  # noqa: PLC0415 - as below

    checker = FormatChecker(formats=("uuid",))

    @checker.checks("date-time", raises=ValueError)
    def is_date_time(value: object) -> bool:
        if not isinstance(value, str):
            return True
        return bool(_RFC_3339.fullmatch(value) and datetime.fromisoformat(value.upper()))

    @checker.checks("uri")
    def is_uri(value: object) -> bool:
        return not isinstance(value, str) or bool(_URI.fullmatch(value))

    return checker


@cache
def _validator(event: str) -> "Draft202012Validator":
    # 60 ms at import: not before the first judgement
    from jsonschema import Draft202012Validator, ValidationError, validators  # noqa: PLC0415 - above

    def pattern(_: Any, expression: str, instance: Any, __: Any) -> Iterator[ValidationError]:
        # In ECMA 262 `$` is the very end and `\d` is ASCII; in Python neither is.
        strict = re.sub(r"\$$", r"\\Z", expression)
        if isinstance(instance, str) and not re.search(strict, instance, re.ASCII):
            yield ValidationError(f"{instance!r} does not match {expression!r}")

    def unique(judge: Any, wanted: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not isinstance(instance, list) or len(instance) > _COMPARED_ITEMS_MAX:
            return
        try:
            texts = {orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in instance}
        except orjson.JSONEncodeError:  # nested deeper than orjson writes
            texts = set()
        if len(texts) < len(instance):  # comparing each with each takes 10 ms for 100 people
            yield from Draft202012Validator.VALIDATORS["uniqueItems"](
                judge, wanted, instance, schema
            )

    # types-jsonschema leaves `extend` untyped
    strict: type[Draft202012Validator] = validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"pattern": pattern, "uniqueItems": unique}
    )
    schema = _PING if event == PING else standalone_schema(_COMPONENTS[event])
    return strict(schema, format_checker=formats())
