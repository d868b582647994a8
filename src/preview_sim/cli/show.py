"""`preview-sim readings` and `preview-sim openapi`: what is built in, shown."""

import click

from preview_sim.cli.options import format_option, option


@click.command()
@format_option
def readings(form: str) -> None:
    """The rules that nobody has settled in public, and how each can be read."""
    from preview_sim.domain.reading import READINGS

    if form == "json":
        import json

        shown = [
            {
                "name": reading.name,
                "rule": reading.rule,
                "evidence": reading.evidence,
                "question": reading.question,
                "default": reading.default,
                "options": dict(reading.options),
            }
            for reading in READINGS.values()
        ]
        click.echo(json.dumps({"readings": shown}, indent=2))
        return
    for reading in READINGS.values():
        click.echo(f"{reading.name}   contract {reading.rule} [{reading.evidence}]")
        click.echo(f"  {reading.question}")
        for value, meaning in reading.options.items():
            default = " (default)" if value == reading.default else ""
            click.echo(f"    {value:<12} {meaning}{default}")
        click.echo()
    click.echo("Choose with --reading NAME=VALUE, in a world file, or in a scenario.")
    click.echo("Rules: docs/contract.md. Evidence: [S] stated, [D] documented, [A] assumed.")


@click.command()
@option("--schema", metavar="NAME", help="One component as a JSON Schema that stands alone.")
def openapi(schema: str | None) -> None:
    """The OpenAPI document, as it is served at /openapi.json."""
    from preview_sim.spec import document_bytes, standalone_schema

    if schema is None:
        click.echo(document_bytes(), nl=False)
        return
    import json

    click.echo(json.dumps(standalone_schema(schema), indent=2))
