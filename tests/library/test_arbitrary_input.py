"""Whatever is fed in: a scenario or a world comes out, or a FileError, and nothing else."""

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preview_sim.domain.errors import FileError
from preview_sim.domain.scenario import Scenario
from preview_sim.domain.tenancy import World
from preview_sim.library import (
    load_scenario,
    scenario_schema,
    world_of,
    world_schema,
    yaml_document,
)
from preview_sim.library.shelf import shipped_folder

SHIPPED = [path.read_text() for path in sorted(shipped_folder("scenarios").glob("*.yaml"))]
#: The first failure imports jsonschema, and pure Python is slow.
PATIENTLY = settings(deadline=None)
HEAD = {"sim": 1, "name": "x", "summary": "s"}


@pytest.fixture(autouse=True, params=["libyaml", "pure Python"], scope="module")
def _parser(request):
    before = yaml_document._LOADER
    if request.param == "pure Python":
        yaml_document._LOADER = yaml.SafeLoader
    yield
    yaml_document._LOADER = before


def judge(text):
    for load, kind in ((load_scenario, Scenario), (world_of, World)):
        try:
            assert isinstance(load(text, "f.yaml"), kind)
        except FileError as error:
            told = error.details
            assert told["line"] >= 1
            assert told["column"] >= 1
            assert told["why"]
            assert "\n" not in told["key"]


def keys_of(part):
    found = set(part.get("properties", {}))
    for inner in (*part.get("properties", {}).values(), *part.get("$defs", {}).values()):
        found |= keys_of(inner)
    return found


KEYS = sorted(keys_of(scenario_schema()) | keys_of(world_schema()) | {"api", "x", "", "1e3"})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["250ms", "2s", "1s", "99999h", "ok", "timeout", "minutes", "revoked", "PING", "x" * 70]
    )
    | st.sampled_from([0, 1, 2, 5, 20, 503, 0.5])
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)
PAGES = st.dictionaries(st.sampled_from("123456"), TREES, max_size=3)


@PATIENTLY
@given(st.text())
@example('a: "\\ud800"')
@example('a: "\\UFFFFFFFF"')
@example("%YAML 9.9\n---\na")
@example("\x00")
@example("? ")
@example("- &a [*a]")
@example("[" * 5000)
def test_any_text(text):
    judge(text)


@PATIENTLY
@given(st.binary())
@example(b"\xff\xfe")
def test_any_bytes(raw):
    judge(raw)


@PATIENTLY
@given(st.text(alphabet="abkey: -?[]{}&*!|>'\"\\#%@,~\n\t0123456789.", max_size=60))
def test_any_text_of_yamls_own_characters(text):
    judge(text)


@PATIENTLY
@given(TREES, st.booleans())
def test_any_tree_of_known_keys(tree, flow):
    judge(yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True))


@PATIENTLY
@given(st.sampled_from(["provider", "account", "request", "expect", "readings"]), TREES, PAGES)
def test_any_scenario_with_its_head_on(key, tree, pages):
    judge(yaml.safe_dump({**HEAD, key: tree}))
    judge(yaml.safe_dump({**HEAD, "provider": {"pages": pages}}))


@PATIENTLY
@given(st.sampled_from(SHIPPED), st.data())
def test_any_shipped_scenario_with_a_slip_of_the_pen(text, data):
    at = data.draw(st.integers(0, len(text) - 1))
    cut = data.draw(st.integers(0, 5))
    judge(text[:at] + data.draw(st.text(max_size=3)) + text[at + cut :])
