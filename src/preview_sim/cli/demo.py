"""`preview-sim demo`: the main job on a real server, watched, shown and judged."""

import sys
from typing import TYPE_CHECKING, Any

import click

from preview_sim.cli.options import format_option

if TYPE_CHECKING:
    from preview_sim.harness.demo import Performed


@click.command()
@format_option
def demo(form: str) -> None:
    """Four runs on a real server; exit 0 only if all is as the contract says."""
    if form == "json":
        ok = _as_json()
    else:
        from preview_sim.cli.stage import show_all

        ok = show_all()
    sys.exit(0 if ok else 1)


def _as_json() -> bool:
    import json

    from preview_sim.harness.demo import perform

    performed = list(perform(lambda _act, _story: None))
    click.echo(json.dumps({"acts": [_shown(one) for one in performed]}, indent=2))
    return all(one.ok for one in performed)


def _shown(one: "Performed") -> dict[str, Any]:
    return {
        "title": one.act.title,
        "ok": one.ok,
        "scenario": one.act.scenario or "happy",
        "request": dict(one.act.request),
        "http": one.played.status,
        "answer": one.played.answer,
        "results": one.played.results,
        "story": one.played.story,
        "accountBefore": one.before,
        "accountAfter": one.after,
        "webhooks": list(one.played.records),
        "findings": [
            {"what": finding.what, "ok": finding.ok, "seen": finding.seen}
            for finding in one.findings
        ],
    }
