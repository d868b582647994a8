"""The wiring: store, sandboxes, workers, API, control, sink and server, from one configuration."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

import preview_sim
from preview_sim import provider
from preview_sim.api import Guard, build_api, build_control
from preview_sim.delivery import Sender
from preview_sim.domain.errors import ControlRefused, ServiceUnavailable, UsageError
from preview_sim.domain.reading import Readings
from preview_sim.domain.run import PreviewRequest, Search
from preview_sim.domain.scenario import ProviderPlan
from preview_sim.engine import Sandbox, open_sandbox
from preview_sim.engine.sandbox import DEFAULT_CLOCK, DEFAULT_SEED, Settings
from preview_sim.library import Library, default_world, load_world
from preview_sim.simulator.clock import make_clock, start_of, wall_seconds
from preview_sim.simulator.config import Config
from preview_sim.simulator.server import Server, bind, url_of
from preview_sim.simulator.worker import Event, RunningWorker, StillWorker, make_worker
from preview_sim.sink import Sink, Subscription
from preview_sim.spec import document_bytes
from preview_sim.store import Queries, open_sqlite, runs, worlds
from preview_sim.store.worlds import WebhookRow

DEFAULT_SANDBOX = "default"

#: Where a clock stands after a command, and what happened on the way.
Moved = tuple[int, list[Event]]

#: Whoever waits for the ready line is told first.
_WARM_UP_AFTER_S = 0.1

#: Runs of which the sink can still ask what they were asked for.
_RUNS_KNOWN = 50_000


class SandboxHost:
    """A sandbox with its clock and its worker, as the API needs them."""

    def __init__(self, sandbox: Sandbox, worker: RunningWorker | StillWorker) -> None:
        self.sandbox = sandbox
        self.worker = worker
        self._known: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def now(self) -> int:
        return self.worker.clock.now()

    def accepted(self, request_id: str, request: PreviewRequest, scenario: str, due: int) -> None:
        if request.webhook_id is not None:
            self._known[request_id] = (request.limit, scenario)
            if len(self._known) > _RUNS_KNOWN:
                self._known.popitem(last=False)
        self.worker.work_is_due(due)

    def know(self, unsettled: Iterable[tuple[str, int, str]]) -> None:
        """Runs that an earlier life of this database has accepted: id, limit, scenario."""
        self._known.update((id_, (limit, scenario)) for id_, limit, scenario in unsettled)

    def subscription(
        self, webhook: WebhookRow, request_id: str | None = None
    ) -> Subscription | None:
        """What the sink may know of a webhook, or of one run alone; None if the run is unknown."""
        limit, scenario = self._known.get(request_id or "", (None, self.sandbox.scenario))
        if request_id is not None and limit is None:
            return None
        readings = self.sandbox.readings_of(scenario)
        return Subscription(
            secret=webhook.secret,
            profile=readings["signature"],
            events=webhook.events,
            event_label=readings["event-label"],
            delivery_id=readings["delivery-id"],
            limit=limit,
            of_run=None if request_id else partial(self.subscription, webhook),
        )

    async def settled(self) -> None:
        await self.worker.settled()


class Running:
    """A simulator that runs: what the API and the control side ask for, and where it is."""

    def __init__(self, base_url: str, host: SandboxHost, sink: Sink, readings: Readings) -> None:
        self.base_url = base_url
        self.control_url = f"{base_url}/_sim"
        self.sink_url = f"{base_url}/_sink"
        self.sink = sink
        self.readings = readings
        self._host = host
        self._moves: set[asyncio.Task[Moved]] = set()
        self._stopping = False
        self._worker: asyncio.Task[None] | None = None

    def of_key(self, key: str | None) -> SandboxHost:  # noqa: ARG002 - one sandbox, so far
        return self._host

    def sandbox(self, id_: str) -> Sandbox | None:
        return self._host.sandbox if id_ == self._host.sandbox.id else None

    def watch(self, worker: asyncio.Task[None]) -> None:
        """Whose end `health` has to tell."""
        self._worker = worker

    def health(self) -> dict[str, Any]:
        """`failing` when the work goes on no more; `workFailures` counts what was tried again."""
        failures = self._host.worker.failures
        ended = self._worker is not None and self._worker.done()
        manual = self._host.sandbox.clock == "manual"
        return {
            "status": "failing" if ended and not manual else "ok",
            "version": preview_sim.__version__,
            "workFailures": failures,
        }

    def request_of(self, scenario: str) -> Mapping[str, Any]:
        """What a scenario's file suggests to ask for."""
        return self._host.sandbox.library.get(scenario).request

    async def advance(self, id_: str, by: int) -> Moved:
        return await self._move(self._still(id_).advance(by))

    async def advance_to_next(self, id_: str) -> Moved:
        return await self._move(self._still(id_).advance_to_next())

    async def until_idle(self, id_: str) -> Moved:
        return await self._move(self._still(id_).until_idle())

    def stop(self) -> None:
        """End what may wait for long: clock commands and the sink's long polls."""
        self._stopping = True
        self.sink.close()
        for move in self._moves:
            move.cancel()

    async def _move(self, command: Coroutine[Any, Any, Moved]) -> Moved:
        """A clock command, which lasts as long as receivers do, or until the simulator stops."""
        move = asyncio.create_task(command)
        self._moves.add(move)
        try:
            return await move
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            raise ServiceUnavailable("The simulator stops; the clock was not moved on.") from None
        finally:
            self._moves.discard(move)

    def _still(self, id_: str) -> StillWorker:
        assert id_ == self._host.sandbox.id
        worker = self._host.worker
        if isinstance(worker, StillWorker):
            return worker
        raise UsageError(
            f"The clock of this sandbox is {self._host.sandbox.clock} and moves by itself. "
            "Start with --clock manual to move it yourself."
        )


@contextlib.asynccontextmanager
async def running(config: Config) -> AsyncIterator[Running]:
    """A simulator that serves until the block ends; UsageError says what is wrong with `config`."""
    library = Library(config.scenarios, provider.known_locale)
    world = load_world(config.world) if config.world else default_world()
    settings = Settings(
        config.scenario, config.readings, config.seed, config.clock, config.self_check
    )
    async with contextlib.AsyncExitStack() as stack:
        store = open_sqlite(config.db, config.durability)
        stack.push_async_callback(store.close)
        start = start_of(config.clock or world.clock or DEFAULT_CLOCK)
        sandbox = await open_sandbox(DEFAULT_SANDBOX, store, library, world, settings, start)
        bound = bind(config.host, config.port)
        stack.callback(bound.close)
        base_url = url_of(config.host, bound)
        sender = Sender(wall_seconds, f"preview-sim/{preview_sim.__version__}")
        stack.push_async_callback(sender.close)
        clock = make_clock(sandbox.clock, sandbox.opened_at)
        host = SandboxHost(sandbox, make_worker(sandbox, sender, base_url, clock))
        sink = Sink(wall=wall_seconds)
        await _introduce(sink, host)
        simulator = Running(base_url, host, sink, sandbox.readings)
        guard = Guard.of(config.host, bound.getsockname()[1], config.admin_token)
        app = _Front(
            build_api(simulator), build_control(simulator, guard), sink.app(refuse_by(guard))
        )
        server = Server(app, bound)
        serving = await server.start()
        working = [
            asyncio.create_task(host.worker.run()),
            asyncio.create_task(_warm_up(sender)),
        ]
        simulator.watch(working[0])
        try:
            yield simulator
        finally:
            simulator.stop()
            server.stop()
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            await serving


async def _warm_up(sender: Sender) -> None:
    """Load what the first run and the first delivery would otherwise wait for."""

    def load() -> None:
        sender.warm_up()
        provider.page(DEFAULT_SEED, Search("", "", ""), 1, ProviderPlan())

    await asyncio.sleep(_WARM_UP_AFTER_S)
    await asyncio.to_thread(load)


async def _introduce(sink: Sink, host: SandboxHost) -> None:
    """Tell our own sink the secrets and readings of the webhooks that lead to it."""
    sandbox = host.sandbox

    async def body(q: Queries) -> tuple[list[WebhookRow], list[tuple[str, int, str]]]:
        return await worlds.webhooks(q, sandbox.id), await runs.unsettled(q, sandbox.id)

    webhooks, unsettled = await sandbox.store.read(body)
    host.know(unsettled)
    for webhook in webhooks:
        sandbox_id, _, endpoint = webhook.url.removeprefix("/_sink/in/").partition("/")
        known = host.subscription(webhook)
        if webhook.url.startswith("/_sink/in/") and known:
            sink.expect(sandbox_id, endpoint, known)


def refuse_by(guard: Guard) -> Callable[[Request], Response | None]:
    """The guard as the sink takes it: a refusal, or None."""

    def refuse(request: Request) -> Response | None:
        try:
            guard.check(request)
        except ControlRefused as error:
            said = {"code": error.code, "message": error.message}
            return JSONResponse({"error": said}, status_code=403)
        return None

    return refuse


class _Front:
    """One server, three applications: `/_sim`, `/_sink`, and the API everywhere else."""

    def __init__(self, api: ASGIApp, control: ASGIApp, sink: ASGIApp) -> None:
        self._api = api
        self._mounted = {"_sim": control, "_sink": sink}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # By the path as it was sent: `/_sim%2Fhealth` is one segment, and nobody's.
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        if raw.startswith(b"/_"):
            name = raw[1:].partition(b"/")[0].decode("latin-1")
            if name in self._mounted:
                inside = {**scope, "root_path": f"/{name}"}
                await self._mounted[name](inside, receive, send)
                return
        if raw == b"/openapi.json" and scope["method"] in ("GET", "HEAD"):
            await Response(document_bytes(), media_type="application/json")(scope, receive, send)
            return
        await self._api(scope, receive, send)
