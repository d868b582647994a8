"""The scenarios at hand: the user's own before the shipped ones, by name.

A shipped file bears its scenario's name, so it is read when first asked for; the user's directory
is read in full at the start, so that a mistake in it shows then and not in the middle of a test.
"""

from dataclasses import dataclass
from pathlib import Path

from preview_sim.domain.errors import UnknownScenario, UsageError
from preview_sim.domain.scenario import Scenario
from preview_sim.library.scenario_file import KnownLocale, load_scenario
from preview_sim.library.yaml_document import read_bytes, read_document

_PACKAGE = Path(__file__).parents[1]


def shipped_folder(name: str) -> Path:
    """A folder that comes with the package: inside it once installed, else in the checkout."""
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.is_dir() else _PACKAGE.parents[1] / name


@dataclass(frozen=True, slots=True)
class _Book:
    scenario: Scenario
    text: str
    source: str


class Library:
    """Scenarios by name.

    `own` is a directory of the user's `*.yaml` and `*.yml` files: UsageError if there is none,
    FileError if one of them cannot be used or two have the same name.
    """

    def __init__(self, own: Path | None = None, known_locale: KnownLocale | None = None) -> None:
        self._known_locale = known_locale
        self._shipped = {path.stem: path for path in shipped_folder("scenarios").glob("*.yaml")}
        self._read = {} if own is None else self._read_all(own)
        self._names = tuple(sorted({*self._shipped, *self._read}))

    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return self._names

    def get(self, name: str) -> Scenario:
        """The scenario of that name; UnknownScenario says which name is nearest."""
        return self._book(name).scenario

    def text(self, name: str) -> str:
        """The YAML that the scenario was read from."""
        return self._book(name).text

    def source(self, name: str) -> str:
        """The file that the scenario was read from."""
        return self._book(name).source

    def all(self) -> list[Scenario]:
        """Every scenario, sorted by name."""
        return [self.get(name) for name in self._names]

    def _book(self, name: str) -> _Book:
        if name not in self._read:
            if name not in self._shipped:
                raise UnknownScenario.named(name, self._names)
            self._read[name] = self._open(self._shipped[name])
        return self._read[name]

    def _open(self, path: Path) -> _Book:
        raw = read_bytes(path)
        return _Book(load_scenario(raw, str(path), self._known_locale), raw.decode(), str(path))

    def _read_all(self, own: Path) -> dict[str, _Book]:
        if not own.is_dir():
            raise UsageError(f"{own} is no directory; expected one with scenario files (*.yaml)")
        found: dict[str, _Book] = {}
        for path in sorted(path for path in own.iterdir() if path.suffix in (".yaml", ".yml")):
            book = self._open(path)
            other = found.setdefault(book.scenario.name, book)
            if other is not book:
                why = f"{book.scenario.name!r} is already the name of {other.source}"
                raise read_document(book.text, str(path)).error(("name",), why)
        return found
