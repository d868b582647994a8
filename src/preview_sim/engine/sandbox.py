"""A sandbox: the unit of isolation, with all that its use cases need at hand.

What never changes after it is opened (keys, readings, the scenario it falls back to) is kept in
memory; what does change is in the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from preview_sim.domain.errors import UnknownScenario, UsageError
from preview_sim.domain.reading import Readings
from preview_sim.domain.scenario import Scenario
from preview_sim.domain.tenancy import World
from preview_sim.library import Library
from preview_sim.store import Queries, Store, work, worlds
from preview_sim.store import runs as run_rows
from preview_sim.store.worlds import KeyRow, SandboxRow


@dataclass(frozen=True, slots=True)
class Choice:
    """The scenario of a request and how it was chosen: header, key, sandbox or default."""

    scenario: Scenario
    via: str
    label: str
    """The value of the response header `X-Sim-Scenario`."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """An open sandbox. `keys` are found by the SHA-256 of the key."""

    id: str
    seed: int
    clock: str
    opened_at: int
    """Where the clock stands, or stood when a running clock began (ms)."""
    readings: Readings
    scenario: str
    store: Store
    library: Library
    keys: Mapping[bytes, KeyRow]
    self_check: bool
    _choices: dict[tuple[str, str], Choice] = field(default_factory=dict, init=False)

    def choice(self, name: str, via: str) -> Choice:
        """The scenario of that name as chosen by `via`; UnknownScenario if there is none."""
        known = self._choices.get((name, via))
        if known is None:
            known = Choice(self.library.get(name), via, f"{name}; via={via}")
            self._choices[name, via] = known
        return known

    def seed_of(self, scenario: Scenario) -> int:
        """What the provider's people and latencies are drawn from; ids are the sandbox's own."""
        return self.seed if scenario.seed is None else scenario.seed

    def readings_of(self, scenario: str) -> Readings:
        """The readings in force for a run of that scenario."""
        return self.readings.overlaid(self.library.get(scenario).readings)


@dataclass(frozen=True, slots=True)
class Settings:
    """What whoever starts a sandbox chose; None leaves it to the world, or to what is stored."""

    scenario: str
    readings: Mapping[str, str]
    seed: int | None = None
    clock: str | None = None
    self_check: bool = False


DEFAULT_SEED = 1
DEFAULT_CLOCK = "real"


async def open_sandbox(
    id_: str, store: Store, library: Library, world: World, settings: Settings, start_ms: int
) -> Sandbox:
    """Open the sandbox `id_`, writing `world` into it if the store does not have it yet.

    `start_ms` is where a new sandbox's clock begins. UsageError if options contradict what is
    stored, or if an unfinished run follows a scenario that is not there any more.
    """

    async def body(q: Queries) -> tuple[SandboxRow, list[KeyRow], list[str]]:
        row = await worlds.sandbox(q, id_)
        if row is None:
            seed = world.seed if settings.seed is None else settings.seed
            row = SandboxRow(
                id_,
                DEFAULT_SEED if seed is None else seed,
                settings.clock or world.clock or DEFAULT_CLOCK,
                start_ms,
            )
            await worlds.create(q, row, world)
        else:
            await work.free_all(q)
        return row, await worlds.keys(q, id_), await run_rows.open_scenarios(q, id_)

    row, keys, followed = await store.transact(body)
    _check_agreement(row, settings)
    for name in (settings.scenario, *followed, *(key.scenario for key in keys if key.scenario)):
        try:
            library.get(name)
        except UnknownScenario as error:
            raise UsageError(error.message) from error
    return Sandbox(
        id=id_,
        seed=row.seed,
        clock=row.clock,
        opened_at=row.now_ms,
        readings=Readings.of({**world.readings, **settings.readings}),
        scenario=settings.scenario,
        store=store,
        library=library,
        keys={sha256(key.secret.encode()).digest(): key for key in keys},
        self_check=settings.self_check,
    )


def _check_agreement(row: SandboxRow, settings: Settings) -> None:
    for option, stored, chosen in (
        ("seed", row.seed, settings.seed),
        ("clock", row.clock, settings.clock),
    ):
        if chosen is not None and chosen != stored:
            raise UsageError(
                f"This database was made with --{option} {stored}, got --{option} {chosen}. "
                f"Leave --{option} out, or name another file with --db."
            )
