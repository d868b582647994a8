"""A store of each kind, on a loop of the test's own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from preview_sim.store import open_sqlite
from preview_sim.store.sqlite import SqliteStore

Scene = Callable[[SqliteStore], Awaitable[Any]]


@pytest.fixture(params=["memory", "file"])
def with_store(request, tmp_path) -> Callable[[Scene], Any]:
    """Run `scene(store)`; a second call meets what the first one left, if it is a file."""
    file = tmp_path / "store.db" if request.param == "file" else None

    def run(scene: Scene) -> Any:
        async def whole() -> Any:
            store = open_sqlite(file)
            try:
                return await scene(store)
            finally:
                await store.close()

        return asyncio.run(whole())

    return run
