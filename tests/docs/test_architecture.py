"""ARCHITECTURE.md tells what is there: the rooms, and the life of a run."""

import re

import pytest

from preview_sim.domain.run import TRANSITIONS


@pytest.fixture(scope="module")
def fence(root):
    """The lines of the fenced block under a heading."""
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")

    def under(heading: str) -> list[str]:
        found = re.search(rf"^## {heading}\n.*?^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        assert found, f"there is no block under {heading!r}"
        return found[1].splitlines()

    return under


def test_the_life_of_a_run_is_the_table_in_the_code(fence):
    assert fence("The life of a run") == [
        f"{before.value} --{event.value}--> {after.value}"
        for (before, event), after in TRANSITIONS.items()
    ]


def test_every_room_is_a_package_or_a_module_and_every_one_is_told(root, fence):
    source = root / "src" / "preview_sim"
    there = {path.parent.name for path in source.glob("*/__init__.py")} | {
        path.stem for path in source.glob("*.py") if not path.stem.startswith("__")
    }
    told = [line.split()[0] for line in fence("Rooms")]
    assert len(told) == len(set(told))
    assert set(told) == there


def test_the_rooms_stand_in_the_order_of_the_layers(root, fence):
    pyproject = (root / "pyproject.toml").read_text(encoding="utf-8")
    [layers] = re.findall(r"^layers = \[\n(.*?)^\]$", pyproject, re.DOTALL | re.MULTILINE)
    rank = {
        room: number
        for number, line in enumerate(layers.splitlines())
        for room in re.findall(r"\w+", line)
    }
    ranks = [rank[line.split()[0]] for line in fence("Rooms")]
    assert ranks == sorted(ranks)
