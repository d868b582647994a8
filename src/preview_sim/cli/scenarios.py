"""`preview-sim scenarios`: what there is, what is in one, whether a file of yours is right."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preview_sim.cli.options import format_option, scenarios_option

if TYPE_CHECKING:
    from preview_sim.library import Library


@click.group()
def scenarios() -> None:
    """List, show and check scenarios."""


def _library(own: Path | None) -> "Library":
    from preview_sim.library import Library
    from preview_sim.provider import known_locale

    return Library(own, known_locale)


@scenarios.command("list")
@scenarios_option
@format_option
def list_(scenarios_dir: Path | None, form: str) -> None:
    """Every scenario, with the one sentence that says what it proves."""
    found = _library(scenarios_dir).all()
    if form == "json":
        shown = [
            {"name": one.name, "summary": one.summary, "tags": list(one.tags)} for one in found
        ]
        click.echo(json.dumps({"scenarios": shown}, indent=2, ensure_ascii=False))
        return
    width = max(len(one.name) for one in found)
    for one in found:
        click.echo(f"{one.name:<{width}}  {one.summary}")


@scenarios.command()
@click.argument("name")
@scenarios_option
def show(name: str, scenarios_dir: Path | None) -> None:
    """The file of one scenario."""
    from preview_sim.domain.errors import UnknownScenario, UsageError

    try:
        click.echo(_library(scenarios_dir).text(name), nl=False)
    except UnknownScenario as error:
        raise UsageError(error.message) from error


@scenarios.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@format_option
def check(files: tuple[Path, ...], form: str) -> None:
    """Whether scenario files, or all in a folder, can be used; exit 2 if one cannot."""
    from preview_sim.domain.errors import UsageError
    from preview_sim.library import load_scenario
    from preview_sim.library.yaml_document import read_bytes
    from preview_sim.provider import known_locale

    results = []
    for file in _expanded(files):
        try:
            scenario = load_scenario(read_bytes(file), str(file), known_locale)
            results.append({"file": str(file), "ok": True, "name": scenario.name})
        except UsageError as error:
            results.append(
                {"file": str(file), "ok": False, "message": error.message, **error.details}
            )
    if form == "json":
        click.echo(json.dumps({"files": results}, indent=2))
    else:
        for result in results:
            click.echo(f"{result['file']}: ok" if result["ok"] else result["message"])
    if not all(result["ok"] for result in results):
        sys.exit(2)


def _expanded(files: tuple[Path, ...]) -> list[Path]:
    found: list[Path] = []
    for file in files:
        if file.is_dir():
            found += sorted(one for one in file.iterdir() if one.suffix in (".yaml", ".yml"))
        else:
            found.append(file)
    return found


@scenarios.command()
def schema() -> None:
    """The JSON Schema of scenario files, for your editor."""
    from preview_sim.library import scenario_schema

    click.echo(json.dumps(scenario_schema(), indent=2))
