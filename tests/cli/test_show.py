"""`readings` and `openapi`: what is built in, shown."""

import json

import pytest
from jsonschema import Draft202012Validator

from preview_sim.domain.reading import READINGS


def test_readings_tell_each_rule_its_evidence_and_its_options(run):
    ended = run("readings")
    assert (ended.code, ended.err) == (0, "")
    for reading in READINGS.values():
        [told] = [
            part.splitlines()
            for part in ended.out.split("\n\n")
            if part.startswith(f"{reading.name}   contract {reading.rule} [{reading.evidence}]\n")
        ]
        assert told[1].strip() == reading.question
        assert [line.split(maxsplit=1) for line in told[2:]] == [
            [value, meaning + (" (default)" if value == reading.default else "")]
            for value, meaning in reading.options.items()
        ]


def test_readings_as_json_are_those_that_serve_takes(run, serve):
    ended = run("readings", "--format=json")
    assert (ended.code, ended.err) == (0, "")
    shown = {one["name"]: one for one in json.loads(ended.out)["readings"]}
    assert set(shown) == set(READINGS)
    for one in shown.values():
        assert set(one) == {"name", "rule", "evidence", "question", "default", "options"}
        assert one["default"] == next(iter(one["options"]))
    chosen = [f"--reading={name}={list(one['options'])[-1]}" for name, one in shown.items()]
    assert serve(*chosen).start().status_code == 202


def test_openapi_prints_just_what_is_served(run, serve):
    ended = run("openapi")
    assert (ended.code, ended.err) == (0, "")
    served = serve().http.get("/openapi.json")
    assert served.headers["content-type"] == "application/json"
    assert ended.out.encode() == served.content


@pytest.mark.parametrize("name", ["Candidate", "SourcingCompletedEvent"])
def test_openapi_gives_one_schema_that_stands_alone(run, name):
    ended = run("openapi", "--schema", name)
    assert (ended.code, ended.err) == (0, "")
    schema = json.loads(ended.out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    assert "#/components/" not in ended.out, "it refers to nothing outside itself"
    assert not Draft202012Validator(schema).is_valid({})


def test_the_schema_of_a_candidate_takes_the_candidates_that_are_served(run, serve):
    schema = json.loads(run("openapi", "--schema=Candidate").out)
    serving = serve("--clock=instant")
    request_id = serving.start().json()["requestId"]
    results = serving.http.get(
        f"/sourcing/preview/{request_id}/results", headers={"Authorization": "Bearer sk_sim_acme"}
    ).json()
    assert len(results["candidates"]) == 20
    validator = Draft202012Validator(schema)
    for person in results["candidates"]:
        assert list(validator.iter_errors(person)) == []
        assert not validator.is_valid({**person, "email": "a@b.example"})


def test_help_names_every_command_and_the_version_is_told(run):
    ended = run("--help")
    assert ended.code == 0
    for command in ("serve", "demo", "sink", "scenarios", "readings", "openapi"):
        assert f"\n  {command} " in ended.out
    assert run("--version").out.startswith("preview-sim, version ")
