"""The domain is pure: it imports harmless parts of the standard library and itself, no more."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import preview_sim.domain

FOLDER = Path(preview_sim.domain.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))

#: No I/O, no clock, no chance. `datetime` is for writing a moment that came in as an argument.
HARMLESS = {
    "base64",
    "binascii",
    "collections.abc",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "re",
    "typing",
}

#: What even these could be used for: a clock.
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they lead"
            yield node.module or ""


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_a_domain_module_imports_nothing_that_could_do_anything(file):
    for name in imported(ast.parse(file.read_text())):
        inside = name == "preview_sim.domain" or name.startswith("preview_sim.domain.")
        assert inside or name in HARMLESS, f"{file.name} imports {name}"


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_a_domain_module_reads_no_clock_and_opens_nothing(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert name not in CLOCKS | {"open", "eval", "exec", "__import__", "input", "print"}


def test_what_is_harmless_is_of_the_standard_library():
    assert {name.partition(".")[0] for name in HARMLESS} <= sys.stdlib_module_names
