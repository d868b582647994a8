"""Makes the bundle from the sources in `openapi/`: one document, no file references.

Run `python -m preview_sim.spec.bundle` after a change there; a test fails while the two differ.
A reference to a file in schemas/, responses/ or parameters/ becomes a component of the file's name;
any other file is put in place.
"""

from pathlib import Path
from typing import Any

import orjson
import yaml

from preview_sim.spec.contract import BUNDLE

SOURCES = Path(__file__).parents[3] / "openapi"

_COMPONENT_FOLDERS = ("schemas", "responses", "parameters")


def bundle(root: Path) -> dict[str, Any]:
    """The document at `root` with every file it refers to."""
    components: dict[str, dict[str, Any]] = {folder: {} for folder in _COMPONENT_FOLDERS}

    def resolve(node: Any, folder: Path) -> Any:
        if isinstance(node, list):
            return [resolve(item, folder) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if reference is None or reference.startswith("#"):
            return {key: resolve(value, folder) for key, value in node.items()}
        file = (folder / reference).resolve()
        kind, name = file.parent.name, file.stem
        if kind not in _COMPONENT_FOLDERS:
            return resolve(_read(file), file.parent)
        if name not in components[kind]:
            components[kind][name] = {}  # taken before it is filled, so that a cycle ends
            components[kind][name] = resolve(_read(file), file.parent)
        return {"$ref": f"#/components/{kind}/{name}"}

    document: dict[str, Any] = resolve(_read(root), root.parent)
    found = {kind: dict(sorted(parts.items())) for kind, parts in components.items() if parts}
    document["components"] = {**found, **document.get("components", {})}
    return document


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def write() -> bytes:
    """The bundle's bytes, the same for the same sources."""
    return orjson.dumps(bundle(SOURCES / "openapi.yaml"), option=orjson.OPT_INDENT_2) + b"\n"


if __name__ == "__main__":
    BUNDLE.write_bytes(write())
