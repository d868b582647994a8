"""The command line: thin, and quick to start since each command imports what it needs itself.

Exit codes: 0 fine, 1 a finding (a check failed), 2 wrong usage or input, 3 target unreachable.
"""

import io
import sys

import click

import preview_sim
from preview_sim.domain.errors import UsageError, nearest

#: Each command and the module that has it.
_COMMANDS = {
    "serve": "preview_sim.cli.serve",
    "demo": "preview_sim.cli.demo",
    "sink": "preview_sim.cli.sink",
    "scenarios": "preview_sim.cli.scenarios",
    "readings": "preview_sim.cli.show",
    "openapi": "preview_sim.cli.show",
}


class _Commands(click.Group):
    """A group whose commands are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            hint = nearest(cmd_name, _COMMANDS)
            meant = f" Did you mean {hint!r}?" if hint else ""
            ctx.fail(
                f"No such command {cmd_name!r}; expected one of {', '.join(_COMMANDS)}.{meant}"
            )
        module = __import__(_COMMANDS[cmd_name], fromlist=[cmd_name])
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(preview_sim.__version__, prog_name="preview-sim")
def cli() -> None:
    """A simulator of a candidate-sourcing preview API: a stub, a webhook sink, and their judge."""


def main() -> None:
    """The entry point: a UsageError is one clear message and exit code 2, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ✓ gets a question mark
    try:
        cli(standalone_mode=True)
    except UsageError as error:
        click.echo(f"preview-sim: {error.message}", err=True)
        sys.exit(2)
