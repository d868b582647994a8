"""Serving until Ctrl-C or SIGTERM, and what `serve` and `sink` print when they are ready."""

import asyncio
import json
import logging
import os
import shlex
import signal
from collections.abc import Mapping
from typing import Any

import click

from preview_sim.engine import describe
from preview_sim.harness.example import EXAMPLE_REQUEST
from preview_sim.simulator import Config, Running, loop_factory, running, running_sink


def serve_until_stopped(config: Config, form: str) -> None:
    """Run a simulator; the first thing printed says where it is."""
    _run(_serve(config, form))


def sink_until_stopped(form: str, **options: Any) -> None:
    """Run a sink alone."""
    _run(_sink(form, options))


def _run(coroutine: Any) -> None:
    # What uvicorn says of broken requests helps nobody here: the caller got a 400 that says it.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(coroutine)


async def _serve(config: Config, form: str) -> None:
    stop = _stop_signal()
    async with running(config) as simulator:
        ready = {
            "event": "ready",
            "baseUrl": simulator.base_url,
            "controlUrl": simulator.control_url,
            "sinkUrl": simulator.sink_url,
            "pid": os.getpid(),
        }
        await _announce(form, ready, simulator, config)
        await stop.wait()


async def _sink(form: str, options: Mapping[str, Any]) -> None:
    stop = _stop_signal()
    async with running_sink(**options) as base_url:
        if form == "json":
            ready = {"event": "ready", "baseUrl": base_url, "pid": os.getpid()}
            click.echo(json.dumps(ready))
        else:
            click.echo(f"Sink         {base_url}/in/<endpoint>   any method, any body")
            click.echo(f"Records      {base_url}/records")
            click.echo(f"Wait         {base_url}/wait?event=SOURCING_COMPLETED&count=1&timeout=30")
            if options["secret"] is None:
                click.echo("Signatures are NOT checked: give --secret env:NAME.")
            click.echo("Ctrl-C stops.")
        await stop.wait()


def _stop_signal() -> asyncio.Event:
    """Set on Ctrl-C or SIGTERM; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told)
    return stop


async def _announce(
    form: str, ready: Mapping[str, Any], simulator: Running, config: Config
) -> None:
    if form == "json":
        click.echo(json.dumps(ready))
        return
    sandbox = simulator.sandbox("default")
    assert sandbox is not None, "the default sandbox is there from the start"
    shown = await describe(sandbox, simulator.base_url)
    click.echo(f"API          {simulator.base_url}")
    click.echo(f"Control      {simulator.control_url}   (health, ledger, runs, clock)")
    click.echo(f"Webhook sink {simulator.sink_url}   (records, wait)")
    click.echo(f"Scenario     {shown['scenario']}, seed {shown['seed']}, clock {shown['clock']}")
    if config.db is not None:
        click.echo(
            f"State        {config.db}; its world, seed and clock are those it was made with"
        )
    for name, value in simulator.readings.chosen.items():
        click.echo(f"Reading      {name}={value}")
    click.echo("\nKeys")
    for company in shown["companies"]:
        keys = ", ".join(company["apiKeys"])
        click.echo(f"  {company['name']:<14} {company['unit']:<8} {keys}")
    company = shown["companies"][0]
    if not company["apiKeys"]:
        return
    request = {**EXAMPLE_REQUEST, **simulator.request_of(shown["scenario"])}
    request.pop("webhookId")
    if company["webhooks"]:
        request["webhookId"] = company["webhooks"][0]["id"]
    body = json.dumps(request, ensure_ascii=False)
    click.echo(
        f"\nTry it\n  curl -sS {simulator.base_url}/sourcing/preview"
        f" -H 'Authorization: Bearer {company['apiKeys'][0]}' -H 'Content-Type: application/json'"
        f" -d {shlex.quote(body)}\n\nCtrl-C stops."
    )
