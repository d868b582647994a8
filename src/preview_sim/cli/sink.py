"""`preview-sim sink`: the webhook sink alone, for the real provider or anyone else."""

import click

from preview_sim.cli.options import format_option, option, readings_of, secret_of


@click.command()
@option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@option("--port", type=int, default=9000, show_default=True, help="0 takes any free port.")
@option("--secret", metavar="env:NAME", help="The signing secret; without it nothing is verified.")
@option(
    "--profile",
    default="standard",
    show_default=True,
    help="How deliveries are signed: standard, hex-body, timestamped or none.",
)
@option(
    "--reading",
    "readings",
    multiple=True,
    metavar="NAME=VALUE",
    help="event-label=dotted, delivery-id=per-attempt; see `preview-sim readings`. Repeatable.",
)
@option("--admin-token", help="Needed to read records; required beyond loopback.")
@format_option
def sink(
    host: str,
    port: int,
    secret: str | None,
    profile: str,
    readings: tuple[str, ...],
    admin_token: str | None,
    form: str,
) -> None:
    """Record webhook deliveries and say what is wrong with them."""
    from preview_sim.cli.serving import sink_until_stopped

    sink_until_stopped(
        form,
        host=host,
        port=port,
        secret=secret_of(secret),
        readings={"signature": profile, **readings_of(readings)},
        admin_token=admin_token,
    )
