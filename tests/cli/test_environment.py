"""Every option can be given by an environment variable, `PREVIEW_SIM_<OPTION>`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from preview_sim.cli import cli


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, object]]:
    """Each command by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMAND = (sys.executable, "-m", "preview_sim.cli")

OPTIONS = {
    f"{words} {parameter.opts[0]}": parameter
    for words, command in every_command(cli)
    for parameter in command.params
    if isinstance(parameter, click.Option)
}


def test_there_are_options_at_all():
    assert {"serve --port", "sink --secret", "openapi --schema"} <= set(OPTIONS)
    assert len(OPTIONS) > 20


@pytest.mark.parametrize("which", OPTIONS)
def test_an_option_has_the_variable_that_its_name_says_and_shows_it(which):
    option = OPTIONS[which]
    [long] = [name for name in option.opts if name.startswith("--")]
    assert option.envvar == "PREVIEW_SIM_" + long.removeprefix("--").replace("-", "_").upper()
    assert option.show_envvar
    assert option.help, "it says what it is for"


@pytest.fixture
def from_environment(world, scenario_file, tmp_path, free_port) -> dict[str, str]:
    """Every option of `serve`, none with its default."""
    return {
        "PREVIEW_SIM_HOST": "localhost",
        "PREVIEW_SIM_PORT": str(free_port),
        "PREVIEW_SIM_SCENARIO": "own-one",
        "PREVIEW_SIM_SCENARIOS": str(scenario_file("a.yaml", "provider: {total: 3}\n").parent),
        "PREVIEW_SIM_SEED": "7",
        "PREVIEW_SIM_CLOCK": "instant",
        "PREVIEW_SIM_DB": str(tmp_path / "store.db"),
        "PREVIEW_SIM_DURABILITY": "power",
        "PREVIEW_SIM_WORLD": str(world()),
        "PREVIEW_SIM_READING": "empty-page=free signature=none",
        "PREVIEW_SIM_ADMIN_TOKEN": "open-sesame",
        "PREVIEW_SIM_SELF_CHECK": "1",
        "PREVIEW_SIM_FORMAT": "json",
    }


def test_every_option_of_serve_is_tried_here(from_environment):
    options = {option.envvar for words, option in OPTIONS.items() if words.startswith("serve ")}
    assert options == set(from_environment)


def test_a_simulator_can_be_told_all_by_its_environment(starts, from_environment, free_port):
    serving = starts(*COMMAND, "serve", env=from_environment)
    assert serving.ready["baseUrl"] == f"http://localhost:{free_port}"
    answer = serving.start()
    assert answer.headers["X-Sim-Scenario"] == "own-one; via=default"
    assert serving.http.get("/_sim/health").status_code == 403
    token = {"Authorization": "Bearer open-sesame"}
    sandbox = serving.http.get("/_sim/sandboxes/default", headers=token).json()
    assert (sandbox["seed"], sandbox["clock"], sandbox["scenario"]) == (7, "instant", "own-one")
    assert [company["name"] for company in sandbox["companies"]] == ["Own Ltd"]
    assert (serving.end().code, Path(from_environment["PREVIEW_SIM_DB"]).is_file()) == (0, True)


def test_the_command_line_beats_the_environment(serve):
    serving = serve("--scenario=slow", env={"PREVIEW_SIM_SCENARIO": "no-such-one"})
    assert serving.start().headers["X-Sim-Scenario"] == "slow; via=default"
