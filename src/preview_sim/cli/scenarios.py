"""`preview-sim scenarios`: what there is, what is in one, whether a file of yours is right."""

import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    name_width = max(len(one.name) for one in found) + 2
    room = shutil.get_terminal_size().columns - name_width
    for one in found:
        # To a pipe one line each, for grep; to a terminal as wide as that is.
        lines = textwrap.wrap(one.summary, max(room, 40)) if sys.stdout.isatty() else [one.summary]
        for number, line in enumerate(lines):
            click.echo(f"{'' if number else one.name:<{name_width}}{line}")


@scenarios.command()
@click.argument("name")
@scenarios_option
@format_option
def show(name: str, scenarios_dir: Path | None, form: str) -> None:
    """The file of one scenario."""
    from preview_sim.domain.errors import UnknownScenario, UsageError

    library = _library(scenarios_dir)
    try:
        text, source = library.text(name), library.source(name)
    except UnknownScenario as error:
        raise UsageError(error.message) from error
    if form == "json":
        shown = {"name": name, "file": source, "text": text}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        click.echo(text, nl=False)


@scenarios.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@format_option
def check(files: tuple[Path, ...], form: str) -> None:
    """Whether scenario files, or all in a folder, can be used; exit 2 if one cannot."""
    from preview_sim.domain.errors import UsageError
    from preview_sim.library import load_scenario
    from preview_sim.library.yaml_document import read_bytes
    from preview_sim.provider import known_locale

    results: list[dict[str, Any]] = []
    first: dict[tuple[Path, str], Path] = {}
    for file in _expanded(files):
        result: dict[str, Any] = {"file": str(file), "ok": True}
        try:
            name = load_scenario(read_bytes(file), str(file), known_locale).name
            result["name"] = name
            other = first.setdefault((file.parent, name), file)
            if other is not file:
                twins = f"{file}: the name {name!r} is taken by {other}; expected another"
                result |= {"ok": False, "message": twins}
        except UsageError as error:
            result |= {"ok": False, "message": error.message, **error.details}
        results.append(result)
    if form == "json":
        click.echo(json.dumps({"files": results}, indent=2))
    else:
        for result in results:
            click.echo(f"{result['file']}: ok" if result["ok"] else result["message"])
    if not all(result["ok"] for result in results):
        sys.exit(2)


def _expanded(files: tuple[Path, ...]) -> list[Path]:
    from preview_sim.domain.errors import UsageError

    found: list[Path] = []
    for file in files:
        inside = [file]
        if file.is_dir():
            inside = sorted(one for one in file.iterdir() if one.suffix in (".yaml", ".yml"))
        if not inside:
            raise UsageError(f"{file}: expected scenario files (*.yaml) in this folder, got none")
        found += inside
    return found


@scenarios.command()
def schema() -> None:
    """The JSON Schema of scenario files, for your editor."""
    from preview_sim.library import scenario_schema

    click.echo(json.dumps(scenario_schema(), indent=2))
