"""Scenario and world files: YAML in, domain objects out, mistakes as file:line:column.

`load_scenario`, `load_world` and `default_world` read; `Library` finds scenarios by name;
`scenario_schema` and `world_schema` are what an editor completes and checks by.
"""

from preview_sim.library.scenario_file import KnownLocale, load_scenario
from preview_sim.library.schema import scenario_schema, world_schema
from preview_sim.library.shelf import Library
from preview_sim.library.world_file import default_world, load_world, world_of

__all__ = [
    "KnownLocale",
    "Library",
    "default_world",
    "load_scenario",
    "load_world",
    "scenario_schema",
    "world_of",
    "world_schema",
]
