"""How the demo looks in a terminal: progress while a run is on, then tables."""

import json
from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from preview_sim.harness.demo import ACTS, Act, Performed, perform
from preview_sim.harness.judge import pages_of

_CANDIDATES_SHOWN = 5


def show_all() -> bool:
    """Play and show every act; whether all of it was right."""
    console = Console(highlight=False)
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    bars = {
        act.title: progress.add_task(act.title, total=None, start=False, state="waiting")
        for act in ACTS
    }

    def watch(act: Act, story: Mapping[str, Any]) -> None:
        bar = bars[act.title]
        steps = story["steps"]
        answered = len({step["page"] for step in steps if step["kind"] == "query"})
        progress.start_task(bar)
        progress.update(
            bar,
            total=steps[0]["pagesAtMost"],
            completed=answered,
            state=f"page {answered} of {steps[0]['pagesAtMost']}, {story['status']}",
        )

    right: list[bool] = []
    with progress:
        for performed in perform(watch):
            progress.update(bars[performed.act.title], visible=False)
            _show(progress.console, performed, len(right) + 1)
            right.append(performed.ok)
    wrong = right.count(False)
    if wrong:
        console.print(f"[bold red]{wrong} of {len(right)} acts broke the contract.[/]")
    else:
        console.print(f"[bold green]All {len(right)} acts are as the contract says.[/]")
    return not wrong


def _show(console: Console, one: Performed, number: int) -> None:
    console.rule(f"[bold]{number}. {one.act.title}", align="left")
    limit, key = one.act.request["limit"], one.act.key
    scenario = one.act.scenario or "happy"
    console.print(f"POST /sourcing/preview   {one.act.company}, {key}, limit {limit}, {scenario}")
    if number == 1:
        console.print(Text(json.dumps(dict(one.act.request), ensure_ascii=False), style="dim"))
    console.print(f"→ {one.played.status} {_gist(one)}")
    if one.played.results.get("candidates"):
        console.print(_candidates(one.played.results["candidates"]))
    if one.played.story is not None:
        console.print(f"pages     {', '.join(pages_of(one.played))}")
    console.print(_ledger(one))
    for record in one.played.records:
        console.print(
            f"webhook   {record['event']} received, signature {record['signature']['status']} "
            f"({record['signature']['profile']}), {len(record['bodyB64']) * 3 // 4:,} bytes"
        )
    for finding in one.findings:
        mark = "[green]✓[/]" if finding.ok else "[bold red]✗[/]"
        line = f"  {mark} {finding.what:<44} [dim]{escape(finding.seen)}[/]"
        console.print(line, no_wrap=finding.ok, overflow="ellipsis")
    console.print()


def _gist(one: Performed) -> str:
    if one.played.story is None:
        error = one.played.answer["error"]
        return f"{error['code']}: {error['message']}"
    results = one.played.results
    if results["status"] == "failed":
        return f"{results['requestId']} failed: {results['errorCode']}"
    found = f"{results['foundCount']} found, {len(results['candidates'])} returned"
    return f"{results['requestId']} completed: {found}"


def _candidates(people: list[Mapping[str, Any]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("name", "title", "company", "location"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for person in people[:_CANDIDATES_SHOWN]:
        table.add_row(
            *(person[field] or "-" for field in ("fullName", "title", "companyName", "location"))
        )
    if len(people) > _CANDIDATES_SHOWN:
        table.add_row(f"… and {len(people) - _CANDIDATES_SHOWN} more")
    return table


def _ledger(one: Performed) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(f"{one.act.company}, {one.after['unit']}")
    for word in ("granted", "available", "held", "charged"):
        table.add_column(word, justify="right")
    for label, account in (("before", one.before), ("after", one.after)):
        table.add_row(
            label, *(str(account[word]) for word in ("granted", "available", "held", "charged"))
        )
    return table
