"""A simulator for a program that has no event loop: a thread, a real socket, plain calls."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from preview_sim.domain.scenario import DEFAULT_SCENARIO
from preview_sim.domain.timestamp import parse_duration
from preview_sim.engine import describe, ledger_of, story_of
from preview_sim.simulator.config import Config
from preview_sim.simulator.running import DEFAULT_SANDBOX, Running, running
from preview_sim.simulator.server import loop_factory
from preview_sim.sink import Record

T = TypeVar("T")

_NOT_STARTED = "use it as a context manager: with Simulator() as sim"


class Simulator:
    """A simulator from `with` to the end of its block.

    `base_url` is where it serves; `api_key` and `webhook_id` are the first company's. `scenario`,
    `seed` and `clock` are those of `preview-sim serve`; `self_check` turns an answer that breaks
    the contract into a 500.
    """

    def __init__(
        self,
        scenario: str = DEFAULT_SCENARIO,
        seed: int | None = None,
        clock: str | None = None,
        *,
        scenarios: Path | None = None,
        db: Path | None = None,
        world: Path | None = None,
        readings: Mapping[str, str] | None = None,
        port: int = 0,
        self_check: bool = False,
    ) -> None:
        self._config = Config(
            scenario=scenario,
            seed=seed,
            clock=clock,
            scenarios=scenarios,
            db=db,
            world=world,
            readings=readings or {},
            port=port,
            self_check=self_check,
        )
        self._started: Future[Running] = Future()
        self._thread = threading.Thread(target=self._main, name="preview-sim", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.base_url = ""
        self.api_key = ""
        self.webhook_id: str | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        simulator = self._started.result()
        self.base_url = simulator.base_url
        self.clock = ClockHandle(self)
        self.sink = SinkHandle(self)
        company = self.describe()["companies"][0]
        self.api_key = next(iter(company["apiKeys"]), "")
        self.webhook_id = next((hook["id"] for hook in company["webhooks"]), None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._loop is not None, _NOT_STARTED
        assert self._stop is not None, _NOT_STARTED
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def describe(self) -> dict[str, Any]:
        """The sandbox: seed, clock, companies, keys, webhooks with their secrets."""
        return self.call(describe(self._host_sandbox(), self.base_url))

    def ledger(self) -> dict[str, Any]:
        """Accounts and entries, as `GET /_sim/sandboxes/default/ledger` shows them."""
        return self.call(ledger_of(self._host_sandbox()))

    def story(self, request_id: str) -> dict[str, Any]:
        """What happened to a run, step by step."""
        return self.call(story_of(self._host_sandbox(), request_id))

    @property
    def running(self) -> Running:
        """The simulator inside; its methods belong to the loop's thread (see `call`)."""
        assert self._started.done(), _NOT_STARTED
        return self._started.result()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the simulator's loop and wait for its result."""
        assert self._loop is not None, _NOT_STARTED
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _host_sandbox(self) -> Any:
        return self.running.sandbox(DEFAULT_SANDBOX)

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            async with running(self._config) as simulator:
                self._started.set_result(simulator)
                await self._stop.wait()
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)


class ClockHandle:
    """The sandbox's clock, from outside the loop."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def advance(self, by: str) -> list[dict[str, object]]:
        """Move a manual clock by `250ms`, `15s`, `5m` or `1h`; what happened meanwhile."""
        running_one = self._simulator.running
        return self._simulator.call(running_one.advance(DEFAULT_SANDBOX, parse_duration(by)))[1]

    def to_next(self) -> list[dict[str, object]]:
        """Move a manual clock to the next due time."""
        return self._simulator.call(self._simulator.running.advance_to_next(DEFAULT_SANDBOX))[1]

    def until_idle(self) -> list[dict[str, object]]:
        """Until no work is left, on a manual or instant clock."""
        return self._simulator.call(self._simulator.running.until_idle(DEFAULT_SANDBOX))[1]


class SinkHandle:
    """The simulator's own sink, from outside the loop."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def records(self, **filters: str | None) -> list[Record]:
        """What has come so far: filters `endpoint`, `event`, `request_id`, `verdict`."""
        return self._simulator.call(self._simulator.running.sink.read(**filters))

    def wait_for(
        self, count: int = 1, timeout: float = 10.0, **filters: str | None
    ) -> list[Record]:
        """All matching records as soon as there are `count`; raises after `timeout` seconds."""
        sink = self._simulator.running.sink
        return self._simulator.call(sink.wait_for(count, timeout, **filters))
