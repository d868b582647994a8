"""The published JSON Schemas: valid, explained, and in step with the domain."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from preview_sim import library
from preview_sim.domain.billing import Unit
from preview_sim.domain.reading import READINGS
from preview_sim.domain.run import MAX_LIMIT, PAGE_SIZE, RunState
from preview_sim.domain.tenancy import ALL_SCOPES, KeyState
from preview_sim.domain.webhook import EVENTS
from preview_sim.library import scenario_schema, world_schema
from preview_sim.library.shelf import shipped_folder
from preview_sim.library.yaml_document import read_document

SCHEMAS = pytest.mark.parametrize("schema", [scenario_schema(), world_schema()], ids=["s", "w"])


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every subschema that a value can be judged by."""
    yield schema
    for key in ("properties", "$defs"):
        for inner in schema.get(key, {}).values():
            yield from parts(inner)
    if "items" in schema:
        yield from parts(schema["items"])


@SCHEMAS
def test_it_is_a_valid_2020_12_schema(schema):
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@SCHEMAS
def test_every_property_is_described_so_that_an_editor_can_explain_it(schema):
    for part in parts(schema):
        for name, inner in part.get("properties", {}).items():
            assert inner.get("description", "").endswith("."), name


@SCHEMAS
def test_every_part_can_say_in_words_what_it_expects(schema):
    for part in parts(schema):
        if "pattern" in part or "anyOf" in part or "const" in part:
            assert "title" in part, part
        assert {"title", "enum", "$ref"} & part.keys() or isinstance(part["type"], str), part


@SCHEMAS
def test_every_mapping_refuses_what_it_does_not_know(schema):
    for part in parts(schema):
        if part.get("type") == "object":
            assert "additionalProperties" in part, part


@SCHEMAS
def test_its_readings_are_those_of_the_domain(schema):
    told = schema["properties"]["readings"]["properties"]
    assert {name: part["enum"] for name, part in told.items()} == {
        name: list(reading.options) for name, reading in READINGS.items()
    }


def test_its_words_are_those_of_the_domain():
    scenario, company = scenario_schema()["properties"], world_schema()["$defs"]["company"]
    account, expect = scenario["account"]["properties"], scenario["expect"]["properties"]
    key, webhook = world_schema()["$defs"]["key"], world_schema()["$defs"]["webhook"]
    units, states = [unit.value for unit in Unit], [state.value for state in KeyState]
    assert account["unit"]["enum"] == company["properties"]["unit"]["enum"] == units
    assert account["key"]["enum"] == key["properties"]["state"]["enum"] == states
    assert key["properties"]["scopes"]["items"]["enum"] == list(ALL_SCOPES)
    assert expect["webhooks"]["items"]["enum"] == list(EVENTS)
    assert webhook["properties"]["events"]["items"]["enum"][: len(EVENTS)] == list(EVENTS)
    assert set(expect["status"]["enum"]) == {state.value for state in RunState}
    assert scenario["request"]["properties"]["limit"]["maximum"] == MAX_LIMIT
    assert scenario_schema()["$defs"]["page"]["properties"]["count"]["maximum"] == PAGE_SIZE


@pytest.mark.parametrize(
    "path", sorted(shipped_folder("scenarios").glob("*.yaml")), ids=lambda path: path.stem
)
def test_an_independent_validator_accepts_every_shipped_scenario(path):
    data = read_document(path.read_bytes(), path.name).data
    Draft202012Validator(scenario_schema()).validate(data)


def test_an_independent_validator_accepts_the_default_world():
    path = Path(library.__file__).with_name("default-world.yaml")
    data = read_document(path.read_bytes(), path.name).data
    Draft202012Validator(world_schema()).validate(data)


def test_a_right_file_does_not_pay_for_the_explanation_of_wrong_ones():
    program = (
        "import sys; from preview_sim.library import Library; Library().all();"
        "sys.exit('jsonschema' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
