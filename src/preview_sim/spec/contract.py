"""The bundle taken apart: what each operation needs, and whether a body fits it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from preview_sim.domain.errors import UsageError, nearest
from preview_sim.spec.explain import explain

BUNDLE = Path(__file__).with_name("openapi.json")

_METHODS = ("get", "post", "put", "patch", "delete")


@cache
def document_bytes() -> bytes:
    """The bundle as it is published."""
    return BUNDLE.read_bytes()


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(document_bytes())
    return document


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API: where it is, the scopes it needs, how bodies are checked."""

    id: str
    method: str
    path: str
    scopes: tuple[str, ...]
    statuses: tuple[int, ...]
    request_schema: Mapping[str, Any] | None
    response_schemas: Mapping[int, Mapping[str, Any]]
    _validators: dict[int, jsonschema_rs.Draft202012Validator] = field(
        default_factory=dict, init=False
    )

    def request_errors(self, body: Any) -> list[dict[str, str]]:
        """What is wrong with a request body, as `details.errors` (contract 6.2); [] if it fits."""
        validator = self._validator(0, self.request_schema)
        if validator.is_valid(body):
            return []
        known = _resolve(dict(self.request_schema or {})).get("properties", {})
        return [explain(error, known) for error in validator.iter_errors(body)]

    def response_errors(self, status: int, body: Any) -> list[str]:
        """What is wrong with an answer of ours; a status that the document does not list is."""
        schema = self.response_schemas.get(status)
        if schema is None:
            return [f"{self.id} does not document the status {status}"]
        validator = self._validator(status, schema)
        if validator.is_valid(body):
            return []
        return [f"{self.id} {status}: {error.message}" for error in validator.iter_errors(body)]

    def _validator(
        self, slot: int, schema: Mapping[str, Any] | None
    ) -> jsonschema_rs.Draft202012Validator:
        if slot not in self._validators:
            self._validators[slot] = _compile(schema)
        return self._validators[slot]


@dataclass(frozen=True, slots=True)
class Contract:
    """All operations by id, and what of them stands at each path."""

    operations: Mapping[str, Operation]

    def by_path(self) -> Mapping[str, Mapping[str, Operation]]:
        """Path → method → operation."""
        found: dict[str, dict[str, Operation]] = {}
        for operation in self.operations.values():
            found.setdefault(operation.path, {})[operation.method] = operation
        return found


@cache
def load_contract() -> Contract:
    """Read the bundle once; validators are compiled at first use."""
    return Contract({operation.id: operation for operation in _operations()})


def _operations() -> Iterator[Operation]:
    for path, item in _document()["paths"].items():
        for method in _METHODS:
            if method not in item:
                continue
            described = item[method]
            responses = {
                int(status): _resolve(response)
                for status, response in described["responses"].items()
            }
            yield Operation(
                id=described["operationId"],
                method=method.upper(),
                path=path,
                scopes=tuple(described["security"][0]["apiKey"]),
                statuses=tuple(responses),
                request_schema=_json_schema(described.get("requestBody")),
                response_schemas={
                    status: schema
                    for status, response in responses.items()
                    if (schema := _json_schema(response)) is not None
                },
            )


def _json_schema(holder: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if holder is None or "content" not in holder:
        return None
    schema: Mapping[str, Any] = holder["content"]["application/json"]["schema"]
    return schema


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = _document()
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def standalone_schema(name: str) -> dict[str, Any]:
    """The component schema `name` as a JSON Schema 2020-12 that stands alone.

    UsageError names the nearest if there is none of that name.
    """
    known = _document()["components"]["schemas"]
    if name not in known:
        hint = nearest(name, known)
        meant = f" Did you mean {hint!r}?" if hint else ""
        raise UsageError(f"There is no schema {name!r}; expected one of {', '.join(known)}.{meant}")
    return _standalone({"$ref": f"#/components/schemas/{name}"})


#: The component that describes each event's body.
_EVENT_SCHEMAS = {
    "SOURCING_COMPLETED": "SourcingCompletedEvent",
    "SOURCING_FAILED": "SourcingFailedEvent",
}


@cache
def _event_validator(event: str) -> jsonschema_rs.Draft202012Validator:
    return _compile({"$ref": f"#/components/schemas/{_EVENT_SCHEMAS[event]}"})


def event_errors(event: str, body: Any) -> list[str]:
    """What is wrong with the body of a delivery of ours; [] if it is as the document says."""
    return [f"{event}: {error.message}" for error in _event_validator(event).iter_errors(body)]


def _standalone(schema: Mapping[str, Any]) -> dict[str, Any]:
    schemas = _document()["components"]["schemas"]
    needed: dict[str, Any] = {}

    def rewrite(node: Any) -> Any:
        if isinstance(node, list):
            return [rewrite(item) for item in node]
        if not isinstance(node, dict):
            return node
        rewritten = {key: rewrite(value) for key, value in node.items() if key != "$ref"}
        if "$ref" in node:
            name = node["$ref"].removeprefix("#/components/schemas/")
            if name not in needed:
                needed[name] = {}  # taken before it is filled, so that a cycle ends
                needed[name] = rewrite(schemas[name])
            rewritten["$ref"] = f"#/$defs/{name}"
        return rewritten

    root = rewrite(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root,
        "$defs": dict(sorted(needed.items())),
    }


def _compile(schema: Mapping[str, Any] | None) -> jsonschema_rs.Draft202012Validator:
    assert schema is not None, "an operation without a body has nothing to validate"
    return jsonschema_rs.Draft202012Validator(_standalone(schema), validate_formats=True)
