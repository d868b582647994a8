"""The published document: made from its sources, valid, with examples that fit their schemas."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import referencing
import referencing.jsonschema
from openapi_spec_validator import OpenAPIV31SpecValidator

from preview_sim.api.answers import STATUS_OF
from preview_sim.domain import errors
from preview_sim.sink.schemas import formats
from preview_sim.spec import document_bytes, load_contract, standalone_schema
from preview_sim.spec.bundle import SOURCES, bundle, write

DOCUMENT: dict[str, Any] = json.loads(document_bytes())

#: Never part of the simulated contract: only `/_sim` and `/_sink` answer them.
SIMULATOR_ONLY = {"CONTROL_REFUSED"}

#: In the document before the simulator has it: rate limits are off unless asked for.
NOT_ANSWERED_YET = {"RATE_LIMIT_EXCEEDED"}

METHODS = ("get", "post", "put", "patch", "delete")


def escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def judge(pointer: str) -> jsonschema.Draft202012Validator:
    """A validator of the schema at `pointer`, by another library than the server's own."""
    resource = referencing.Resource(DOCUMENT, referencing.jsonschema.DRAFT202012)
    registry = referencing.Registry().with_resource("urn:document", resource)
    return jsonschema.Draft202012Validator(
        {"$ref": f"urn:document#{pointer}"},
        registry=registry,
        format_checker=formats(),
    )


def nodes(node: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object outside of examples, and where it is."""
    if isinstance(node, dict):
        yield pointer, node
        inner = [(escape(key), value) for key, value in node.items() if "example" not in key]
    else:
        inner = [(str(n), item) for n, item in enumerate(node)] if isinstance(node, list) else []
    for step, value in inner:
        yield from nodes(value, f"{pointer}/{step}")


def examples() -> Iterator[tuple[str, str, Any]]:
    """Every example: where it is, where its schema is, the value."""
    for pointer, node in nodes(DOCUMENT):
        given = node.get("examples")
        if "schema" in node and isinstance(given, dict):
            for name, example in given.items():
                yield f"{pointer}/{escape(name)}", f"{pointer}/schema", example["value"]
        elif isinstance(given, list):
            for number, value in enumerate(given):
                yield f"{pointer}/{number}", pointer, value
        if "example" in node:
            schema = f"{pointer}/schema" if "schema" in node else pointer
            yield f"{pointer}/example", schema, node["example"]


EXAMPLES = list(examples())


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for kind in ("paths", "webhooks"):
        for path, item in DOCUMENT[kind].items():
            for method in METHODS:
                if method in item:
                    yield path, method, item[method]


def test_the_bundle_is_made_from_the_sources():
    same = bundle(SOURCES / "openapi.yaml") == DOCUMENT
    assert same, "openapi/ has changed: run `python -m preview_sim.spec.bundle`"
    assert write() == document_bytes()


def test_the_bundle_refers_to_no_file():
    assert '"$ref"' in document_bytes().decode()
    for line in document_bytes().decode().splitlines():
        if '"$ref"' in line:
            assert '"#/components/' in line


def test_the_document_is_valid_openapi_3_1():
    found = OpenAPIV31SpecValidator(DOCUMENT).iter_errors()
    assert [error.message for error in found] == []


def test_there_are_examples_of_every_body():
    without = [
        f"{method} {path} {where}"
        for path, method, operation in operations()
        for where, holder in [
            ("request", operation.get("requestBody")),
            *operation["responses"].items(),
        ]
        if holder
        and "application/json" in resolve(holder).get("content", {})
        and not resolve(holder)["content"]["application/json"].get("examples")
    ]
    assert without == []
    assert len(EXAMPLES) > 15


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


@pytest.mark.parametrize(
    ("schema", "value"),
    [(schema, value) for _, schema, value in EXAMPLES],
    ids=[where for where, _, _ in EXAMPLES],
)
def test_every_example_fits_its_schema(schema, value):
    assert [error.message for error in judge(schema).iter_errors(value)] == []


def test_every_error_code_that_is_answered_is_in_the_document_and_the_other_way_round():
    documented = set(DOCUMENT["components"]["schemas"]["ErrorCode"]["enum"])
    assert set(STATUS_OF) - SIMULATOR_ONLY == documented - NOT_ANSWERED_YET


def test_every_error_of_the_domain_has_a_status_or_is_for_whoever_starts_the_simulator():
    codes = {
        value.code
        for value in vars(errors).values()
        if isinstance(value, type)
        and issubclass(value, errors.SimulatorError)
        and not issubclass(value, errors.UsageError)
    }
    assert codes <= set(STATUS_OF)


def test_an_operation_documents_each_status_only_with_codes_that_have_it():
    """`allOf: [Error, {error: {code: …}}]`: the codes that a response allows."""

    def codes(node: Any) -> Iterator[str]:
        if isinstance(node, list):
            for item in node:
                yield from codes(item)
        elif isinstance(node, dict):
            code = node.get("properties", {}).get("code", {})
            yield from [code["const"]] if "const" in code else code.get("enum", [])
            for value in node.values():
                yield from codes(value)

    seen = set()
    for _, _, operation in operations():
        for status, response in operation["responses"].items():
            if not status.startswith(("4", "5")):
                continue
            body = resolve(response).get("content", {}).get("application/json", {})
            named = set(codes(body.get("schema")))
            assert named, f"{operation['operationId']} {status} names no code"
            assert {STATUS_OF[code] for code in named} == {int(status)}
            seen |= named
    assert seen >= {"VALIDATION_ERROR", "INVALID_API_KEY", "INSUFFICIENT_CREDITS"}


def test_every_operation_needs_exactly_the_scopes_of_its_security():
    scopes = {operation.id: operation.scopes for operation in load_contract().operations.values()}
    assert scopes["startPreview"] == ("sourcing:write",)
    assert scopes["getPreviewResults"] == ("sourcing:read",)
    assert all(scopes.values())


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_a_component_stands_alone_as_a_json_schema(name):
    schema = standalone_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "#/components" not in json.dumps(schema)


def test_the_documented_request_and_answer_are_those_of_the_contract():
    post = DOCUMENT["paths"]["/sourcing/preview"]["post"]
    asked = post["requestBody"]["content"]["application/json"]["examples"]["documented"]["value"]
    answered = post["responses"]["202"]["content"]["application/json"]["examples"]["documented"]
    assert asked == {
        "title": "Senior Backend Engineers – FinTech",
        "jobDescription": "We are looking for a Senior Backend Engineer with 5+ years of Node.js "
        "experience…",
        "location": "San Francisco, CA",
        "query": "Senior Node.js engineer fintech",
        "limit": 20,
        "webhookId": "123e4567-e89b-12d3-a456-426614174000",
    }
    assert answered["value"] == {
        "success": True,
        "requestId": "req_550e8400-e29b-41d4-a716-446655440000",
        "status": "processing",
        "message": "Sourcing run accepted and queued for processing.",
        "webhookId": "123e4567-e89b-12d3-a456-426614174000",
        "createdAt": "2025-01-01T00:00:00.000Z",
    }
