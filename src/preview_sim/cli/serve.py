"""`preview-sim serve`: the simulator until Ctrl-C."""

from pathlib import Path

import click

from preview_sim.cli.options import format_option, option, readings_of, scenarios_option


@click.command()
@option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@option("--port", type=int, default=8080, show_default=True, help="0 takes any free port.")
@option("--scenario", default="happy", show_default=True, help="For requests that name none.")
@scenarios_option
@option("--seed", type=int, help="All that is drawn follows from it.  [default: 1]")
@option("--clock", metavar="MODE", help="real, manual, instant or xN.  [default: real]")
@option("--db", default="memory", show_default=True, metavar="FILE", help="Where state is kept.")
@option(
    "--durability",
    type=click.Choice(["process", "power"]),
    default="process",
    show_default=True,
    help="What an acknowledged write in a file survives: kill -9, or a power cut.",
)
@option(
    "--world", type=click.Path(path_type=Path), metavar="FILE", help="Companies, keys, balances."
)
@option(
    "--reading",
    "readings",
    multiple=True,
    metavar="NAME=VALUE",
    help="How an unsettled rule is read; see `preview-sim readings`. Repeatable.",
)
@option("--admin-token", help="Needed on /_sim and /_sink; required beyond loopback.")
@option("--self-check", is_flag=True, help="An answer that breaks the contract becomes a 500.")
@format_option
def serve(
    host: str,
    port: int,
    scenario: str,
    scenarios_dir: Path | None,
    seed: int | None,
    clock: str | None,
    db: str,
    durability: str,
    world: Path | None,
    readings: tuple[str, ...],
    admin_token: str | None,
    self_check: bool,
    form: str,
) -> None:
    """Serve the API, its control side at /_sim and the webhook sink at /_sink."""
    from preview_sim.cli.serving import serve_until_stopped
    from preview_sim.domain.errors import UsageError
    from preview_sim.simulator import Config

    if db.startswith("postgres"):
        raise UsageError("--db postgresql://… comes with a later version; name a file, or memory.")
    config = Config(
        host=host,
        port=port,
        scenario=scenario,
        scenarios=scenarios_dir,
        seed=seed,
        clock=clock,
        db=None if db == "memory" else Path(db),
        durability=durability,
        world=world,
        readings=readings_of(readings),
        admin_token=admin_token,
        self_check=self_check,
    )
    serve_until_stopped(config, form)
