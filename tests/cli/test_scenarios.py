"""`scenarios`: what there is, what is in one, whether a file can be used."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

SHIPPED = Path(__file__).parents[2] / "scenarios"
NAMES = sorted(file.stem for file in SHIPPED.glob("*.yaml"))


def test_list_has_a_line_for_each_with_its_sentence(run):
    ended = run("scenarios", "list")
    assert (ended.code, ended.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert lines == {name: of_file(name)["summary"] for name in NAMES}


def test_list_as_json_has_name_summary_and_tags(run):
    ended = run("scenarios", "list", "--format=json")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == {
        "scenarios": [
            {key: of_file(name).get(key, []) for key in ("name", "summary", "tags")}
            for name in NAMES
        ]
    }


def of_file(name: str) -> dict:
    return yaml.safe_load((SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"))


def test_ones_own_are_listed_among_the_shipped_and_hide_those_of_the_same_name(run, scenario_file):
    scenario_file("a.yaml")
    folder = scenario_file("b.yml", name="slow").parent
    ended = run("scenarios", "list", "--format=json", "--scenarios", str(folder))
    listed = {one["name"]: one["summary"] for one in json.loads(ended.out)["scenarios"]}
    assert list(listed) == sorted([*NAMES, "own-one"])
    assert listed["own-one"] == listed["slow"] == "Of a test."


def test_show_prints_the_file(run):
    ended = run("scenarios", "show", "happy")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (SHIPPED / "happy.yaml").read_text(encoding="utf-8")


def test_show_as_json_has_the_name_and_the_text(run):
    ended = run("scenarios", "show", "happy", "--format=json")
    assert (ended.code, ended.err) == (0, "")
    shown = json.loads(ended.out)
    assert shown["name"] == "happy"
    assert shown["text"] == (SHIPPED / "happy.yaml").read_text(encoding="utf-8")


def test_show_finds_ones_own(run, scenario_file):
    file = scenario_file("a.yaml")
    ended = run("scenarios", "show", "own-one", "--scenarios", str(file.parent))
    assert (ended.code, ended.out) == (0, file.read_text(encoding="utf-8"))


def test_check_of_what_is_right_ends_with_0(run):
    ended = run("scenarios", "check", str(SHIPPED))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [f"{file}: ok" for file in sorted(SHIPPED.glob("*.yaml"))]


@pytest.fixture
def one_right_one_wrong(scenario_file) -> Path:
    scenario_file("a.yaml")
    return scenario_file("b.yaml", "provider:\n  totl: 3\n", name="wrong-one").parent


def test_check_of_what_is_wrong_ends_with_2_and_says_where(run, one_right_one_wrong):
    folder = one_right_one_wrong
    ended = run("scenarios", "check", str(folder))
    assert (ended.code, ended.err) == (2, "")
    right, wrong = ended.out.splitlines()
    assert right == f"{folder}/a.yaml: ok"
    assert wrong.startswith(f"{folder}/b.yaml:5:3: provider.totl: unknown key; ")


def test_check_as_json_gives_the_place_in_parts(run, one_right_one_wrong):
    folder = one_right_one_wrong
    ended = run("scenarios", "check", str(folder), "--format=json")
    assert (ended.code, ended.err) == (2, "")
    right, wrong = json.loads(ended.out)["files"]
    assert right == {"file": f"{folder}/a.yaml", "ok": True, "name": "own-one"}
    assert wrong.pop("message").endswith(wrong.pop("why"))
    assert wrong == {
        "file": f"{folder}/b.yaml",
        "ok": False,
        "line": 5,
        "column": 3,
        "key": "provider.totl",
    }


def test_check_of_a_file_that_is_not_there_ends_with_2(run, tmp_path):
    ended = run("scenarios", "check", "no-such.yaml", cwd=tmp_path)
    assert (ended.code, ended.err) == (2, "")
    assert ended.out == "no-such.yaml cannot be read: No such file or directory\n"


def test_check_refuses_what_serve_refuses_two_files_of_one_name(run, scenario_file):
    scenario_file("a.yaml")
    folder = scenario_file("b.yaml").parent
    assert "'own-one'" in run("serve", "--port=0", "--scenarios", str(folder)).refusal()
    assert run("scenarios", "check", str(folder)).code == 2


def test_check_of_a_folder_without_scenarios_is_not_a_success(run, tmp_path):
    ended = run("scenarios", "check", str(tmp_path))
    assert ended.code == 2
    assert str(tmp_path) in ended.out + ended.err


def test_schema_is_json_schema_2020_12_that_the_shipped_files_fit(run):
    ended = run("scenarios", "schema")
    assert (ended.code, ended.err) == (0, "")
    schema = json.loads(ended.out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for name in NAMES:
        as_json = json.loads(json.dumps(of_file(name)))  # keys of `pages` become text
        assert list(validator.iter_errors(as_json)) == []
    assert not validator.is_valid({**of_file("happy"), "provder": {}})
