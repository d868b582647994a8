"""The sink as a server of its own, for deliveries of the real provider or anyone else."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from preview_sim.api import Guard
from preview_sim.domain.reading import Readings
from preview_sim.simulator.clock import wall_seconds
from preview_sim.simulator.config import check_reach
from preview_sim.simulator.running import refuse_by
from preview_sim.simulator.server import Server, bind, url_of
from preview_sim.sink import Sink, Subscription


@contextlib.asynccontextmanager
async def running_sink(
    host: str,
    port: int,
    secret: str | None,
    readings: Mapping[str, str],
    admin_token: str | None,
) -> AsyncIterator[str]:
    """A sink that serves until the block ends; yields its base URL. UsageError for bad options."""
    check_reach(host, admin_token)
    chosen = Readings.of(readings)
    otherwise = Subscription(
        secret=secret,
        profile=chosen["signature"],
        event_label=chosen["event-label"],
        delivery_id=chosen["delivery-id"],
    )
    sink = Sink(wall=wall_seconds, otherwise=otherwise)
    bound = bind(host, port)
    guard = Guard.of(host, bound.getsockname()[1], admin_token)
    server = Server(sink.app(refuse_by(guard)), bound)
    serving = await server.start()
    try:
        yield url_of(host, bound)
    finally:
        sink.close()
        server.stop()
        await serving
