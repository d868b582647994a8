"""Options that several commands share; each has an environment variable `PREVIEW_SIM_<OPTION>`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from preview_sim.domain.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """A click option with the environment variable that its long name says."""
    long = next(name for name in names if name.startswith("--"))
    variable = "PREVIEW_SIM_" + long.removeprefix("--").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=True, **settings)


def format_option(command: F) -> F:
    return option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to print.",
    )(command)


def scenarios_option(command: F) -> F:
    return option(
        "--scenarios",
        "scenarios_dir",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Your own scenario files, before the shipped ones.",
    )(command)


def readings_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """`NAME=VALUE` options as a mapping; whether they exist is checked where they are used."""
    chosen = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"Expected --reading NAME=VALUE, got {pair!r}.")
        chosen[name] = value
    return chosen


def secret_of(text: str | None) -> str | None:
    """`env:NAME` as the value of that environment variable; anything else as it stands."""
    import os

    if text is None or not text.startswith("env:"):
        return text
    name = text.removeprefix("env:")
    value = os.environ.get(name)
    if value is None:
        raise UsageError(
            f"Expected the secret in the environment variable {name}, which is not set."
        )
    return value
