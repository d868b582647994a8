"""The published JSON Schemas (2020-12) and the quick yes or no against them.

jsonschema-rs answers in microseconds; why a document does not fit is told by `explanation`, which
costs 60 ms to import and is needed only then.
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs

from preview_sim.library.yaml_document import Document


class Schema:
    """One schema file of this package, read and compiled when first asked for."""

    def __init__(self, file: str) -> None:
        self._file = file

    def read(self) -> dict[str, Any]:
        """The schema as published, a fresh copy."""
        schema: dict[str, Any] = json.loads(Path(__file__).with_name(self._file).read_bytes())
        return schema

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(self.read())

    def check(self, document: Document) -> None:
        """FileError about the most telling violation, if there is one."""
        if self._validator.is_valid(document.data):
            return
        from preview_sim.library.explanation import explain  # noqa: PLC0415 - slow to import

        raise explain(self.read(), document)


SCENARIO = Schema("scenario.schema.json")
WORLD = Schema("world.schema.json")


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of scenario files, for editors."""
    return SCENARIO.read()


def world_schema() -> dict[str, Any]:
    """The JSON Schema of world files, for editors."""
    return WORLD.read()
