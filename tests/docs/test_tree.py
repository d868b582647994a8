"""The whole tree: links that lead somewhere, modules that say what they are, no addresses."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def files_of_ours() -> list[Path]:
    """Every file of the checkout but those that .gitignore names and what tools leave in dots."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()

    def is_ours(path: Path) -> bool:
        hidden = path.name.startswith(".") and path.name not in (".ci", ".gitignore")
        return not hidden and not any(fnmatch(path.name, one.rstrip("/")) for one in ignored)

    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(filter(is_ours, folder.iterdir())):
            yield from walk(path) if path.is_dir() else [path]

    return list(walk(ROOT))


FILES = files_of_ours()
TEXTS = {
    path.relative_to(ROOT): path.read_text(encoding="utf-8", errors="replace") for path in FILES
}
DOCUMENTS = [path for path in TEXTS if path.suffix == ".md"]
MODULES = [path for path in TEXTS if path.suffix == ".py"]

#: Whoever installs has a registry of their own. In two halves, since this file is looked at too.
ADDRESSES = (
    "--index-" + "url",
    "--extra" + "-index" + "-url",
    "find-" + "links",
    "pypi.org/" + "simple",
)


def test_the_walk_finds_the_tree():
    found = {str(path) for path in TEXTS}
    assert {"README.md", "pyproject.toml", "src/preview_sim/__init__.py", ".ci/run"} <= found
    assert not any(".venv" in path for path in found)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_file_names_a_registry(address):
    assert [str(path) for path, text in TEXTS.items() if address in text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_relative_link_leads_somewhere(document):
    links = re.findall(r"\]\(([^)\s]+)\)", TEXTS[document])
    broken = [
        link
        for link in links
        if not re.match(r"[a-z]+:|#", link)
        and not (ROOT / document.parent / link.partition("#")[0]).exists()
    ]
    assert broken == []


def test_every_module_opens_with_a_docstring():
    silent = [str(path) for path in MODULES if not ast.get_docstring(ast.parse(TEXTS[path]))]
    assert silent == []


def test_the_changelog_has_a_place_for_what_is_not_released():
    assert re.search(r"^## Unreleased$", TEXTS[Path("CHANGELOG.md")], re.MULTILINE)
