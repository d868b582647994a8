"""A world file as a World: the companies, keys, balances and webhooks that a sandbox starts with.

Like a scenario file: the schema judges the shape, what is left stands here. Whether the scenario of
a key exists is for whoever has the library.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from preview_sim.domain.billing import Unit
from preview_sim.domain.tenancy import ALL_SCOPES, ApiKey, Company, KeyState, WebhookSeed, World
from preview_sim.domain.webhook import MAX_RETRIES, RESERVED_HEADERS, TIMEOUT_MS, event_name
from preview_sim.library.scenario_file import exact_balance
from preview_sim.library.schema import WORLD
from preview_sim.library.yaml_document import Document, Path, read_bytes, read_document


def load_world(path: FilePath | str) -> World:
    """The world that a file describes; FileError if it does not, UsageError if it is not there."""
    return world_of(read_bytes(FilePath(path)), str(path))


@cache
def default_world() -> World:
    """The world of a simulator that is given none."""
    return load_world(FilePath(__file__).with_name("default-world.yaml"))


def world_of(text: str | bytes, file: str) -> World:
    """The world that a file's text describes; FileError naming `file` if it does not."""
    document = read_document(text, file)
    WORLD.check(document)
    given = document.data
    world = World(
        companies=tuple(
            _company(document, ("companies", number), company)
            for number, company in enumerate(given["companies"])
        ),
        readings=given.get("readings", {}),
        seed=given.get("seed"),
        clock=given.get("clock"),
    )
    _refuse_twins(document, given["companies"])
    _refuse_our_headers(document, given["companies"])
    return world


def _company(document: Document, path: Path, given: Mapping[str, Any]) -> Company:
    unit = Unit(given["unit"])
    return Company(
        name=given["name"],
        unit=unit,
        balance=exact_balance(document, (*path, "balance"), unit, given["balance"]),
        postpaid=given.get("postpaid", False),
        keys=tuple(map(_key, given.get("keys", ()))),
        webhooks=tuple(map(_webhook, given.get("webhooks", ()))),
    )


def _key(given: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        key=given["key"],
        scopes=tuple(dict.fromkeys(given.get("scopes", ALL_SCOPES))),
        state=KeyState(given.get("state", "active")),
        scenario=given.get("scenario"),
    )


def _webhook(given: Mapping[str, Any]) -> WebhookSeed:
    return WebhookSeed(
        id=given["id"].lower(),
        events=tuple(dict.fromkeys(map(event_name, given["events"]))),
        url=given.get("url"),
        secret=given.get("secret"),
        headers=given.get("headers", {}),
        timeout_ms=given.get("timeoutMs", TIMEOUT_MS),
        max_retries=given.get("maxRetries", MAX_RETRIES),
    )


def _refuse_our_headers(document: Document, companies: Iterable[Mapping[str, Any]]) -> None:
    """A header that every delivery has cannot be given another value."""
    for number, company in enumerate(companies):
        for index, webhook in enumerate(company.get("webhooks", ())):
            for name in webhook.get("headers", ()):
                if name.lower() in RESERVED_HEADERS:
                    path: Path = ("companies", number, "webhooks", index, "headers", name)
                    why = "this header is set by each delivery itself; expected another name"
                    raise document.error(path, why)


def _refuse_twins(document: Document, companies: Iterable[Mapping[str, Any]]) -> None:
    """A name, a key or a webhook id that stands for two things stands for none."""
    first: dict[tuple[str, str], Path] = {}
    for kind, name, path in _named(companies):
        other = first.setdefault((kind, name), path)
        if other != path:
            line, _ = document.place(other)
            raise document.error(path, f"the {kind} {name!r} stands already on line {line}")


def _named(companies: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, Path]]:
    for number, company in enumerate(companies):
        path: Path = ("companies", number)
        yield "company", company["name"], (*path, "name")
        for index, key in enumerate(company.get("keys", ())):
            yield "key", key["key"], (*path, "keys", index, "key")
        for index, webhook in enumerate(company.get("webhooks", ())):
            yield "webhook id", webhook["id"].lower(), (*path, "webhooks", index, "id")
