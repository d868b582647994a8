"""YAML as a person meant it: text in, plain JSON-like data and the place of every value out.

Built from parse events rather than by a YAML loader, so that nothing is guessed: `NO`, `1:30` and
`017` stay text, keys are always text, and anchors, tags and duplicate keys are refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from preview_sim.domain.errors import FileError, UsageError

#: Far above any honest file, and what a hostile one may cost.
MAX_BYTES = 1_000_000
MAX_DEPTH = 32

#: libyaml when PyYAML was built with it: ten times faster, the same events.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: All that is not text. YAML 1.1 has more words for these (`on`, `~`, `.inf`, `0o7`, `1_000`): here
#: they are text, so that where text is not expected the error shows what was written.
_WORDS = {"true": True, "false": False, "null": None, "": None}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.0{1,15})?")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")

_UNPRINTABLE = re.compile(r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file's data (dict, list, str, int, float, bool, None) and where each part of it stands.

    `places` has for every path the place of its key (in a list, of the item) and of its value.
    """

    file: str
    data: Any
    places: Mapping[Path, tuple[Place, Place]]

    def place(self, path: Path, *, of_key: bool = False) -> Place:
        """Where a value or its key stands; for what is not there, where its parent begins."""
        while path not in self.places:
            path, of_key = path[:-1], False
        key, value = self.places[path]
        return key if of_key else value

    def error(self, path: Path, why: str, *, of_key: bool = False) -> FileError:
        """The FileError that points at a value or at its key."""
        return FileError(self.file, *self.place(path, of_key=of_key), dotted(path), why)


def dotted(path: Path) -> str:
    """`provider.pages.3.error`, `companies[0].keys[1].state`."""
    said = ""
    for part in path:
        if isinstance(part, int):
            said += f"[{part}]"
        else:
            shown = part if part.isprintable() and 0 < len(part) <= 64 else shown_text(part)
            said += f".{shown}" if said else shown
    return said


def shown_text(text: str) -> str:
    """Text as an error shows it: quoted, escaped, and not without end."""
    return repr(text if len(text) <= 64 else f"{text[:64]}…")


def read_bytes(path: FilePath) -> bytes:
    """A file's bytes, one more than is allowed at most; UsageError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def read_document(text: str | bytes, file: str) -> Document:
    """Read one YAML document; FileError with the place of whatever is not plain data in it."""
    return _Builder(_decode(text, file), file).document()


def _decode(given: str | bytes, file: str) -> str:
    if len(given) > MAX_BYTES:
        why = f"the file is too large; expected at most {MAX_BYTES} bytes"
        raise FileError(file, 1, 1, "", why)
    if isinstance(given, bytes):
        try:
            text = given.decode()
        except UnicodeDecodeError as error:
            before = given[: error.start].decode()
            why = f"expected UTF-8, got the byte 0x{given[error.start]:02x}"
            raise FileError(file, *_end_of(before), "", why) from None
    else:
        text = given
    text = text.removeprefix("\ufeff")
    if found := _UNPRINTABLE.search(text):
        why = f"the character U+{ord(found[0]):04X} may not stand in YAML"
        raise FileError(file, *_end_of(text[: found.start()]), "", why)
    return text


def _end_of(before: str) -> Place:
    """The place right after `before`."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _place_of(mark: Any) -> Place:
    return mark.line + 1, mark.column + 1


class _Builder:
    """Builds one document from its events."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._source = text
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._places: dict[Path, tuple[Place, Place]] = {}

    def document(self) -> Document:
        try:
            next(self._events)  # the start of the stream
            if isinstance(next(self._events), yaml.StreamEndEvent):
                raise FileError(self._file, 1, 1, "", "the file is empty; expected a mapping")
            event = next(self._events)
            self._places[()] = (_place_of(event.start_mark),) * 2
            data = self._value(event, ())
            next(self._events)  # the end of the document
            after = next(self._events)
        except yaml.MarkedYAMLError as error:
            raise self._unparsable(error) from None
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # The last two are what the parser in pure Python makes of "\UFFFFFFFF".
            raise FileError(self._file, 1, 1, "", f"not valid YAML: {error}") from None
        if not isinstance(after, yaml.StreamEndEvent):
            place = _place_of(after.start_mark)
            raise FileError(self._file, *place, "", "expected one document in a file, got a second")
        return Document(self._file, data, self._places)

    def _value(self, event: Any, path: Path) -> Any:
        self._refuse_magic(event, path)
        if isinstance(event, yaml.ScalarEvent):
            text = self._text(event, path)
            return _resolve(text) if event.implicit[0] else text
        if len(path) >= MAX_DEPTH:
            raise self._error(event, path, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        return self._mapping(path)

    def _list(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            inner = (*path, len(items))
            self._places[inner] = (_place_of(event.start_mark),) * 2
            items.append(self._value(event, inner))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            self._refuse_magic(event, path)
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(event, path, "expected a key that is text, got a list or mapping")
            key = self._text(event, path)
            inner = (*path, key)
            if key in members:
                line, _ = self._places[inner][0]
                why = f"the key stands here a second time; the first is on line {line}"
                raise self._error(event, inner, why)
            value = next(self._events)
            self._places[inner] = (_place_of(event.start_mark), _place_of(value.start_mark))
            members[key] = self._value(value, inner)
        return members

    def _refuse_magic(self, event: Any, path: Path) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise self._error(
                event, path, "anchors and aliases (&name, *name) are not taken; write it out"
            )
        if event.tag:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            why = f"tags such as {shown_text(tag)} are not taken; expected plain data"
            raise self._error(event, path, why)

    def _text(self, event: Any, path: Path) -> str:
        text: str = event.value
        if not text.isascii() and _SURROGATE.search(text):
            raise self._error(event, path, "half a character (a lone surrogate) is not text")
        return text

    def _error(self, event: Any, path: Path, why: str) -> FileError:
        return FileError(self._file, *_place_of(event.start_mark), dotted(path), why)

    def _unparsable(self, error: yaml.MarkedYAMLError) -> FileError:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        line, column = _place_of(mark) if mark else (1, 1)
        rest = "".join(self._source.split("\n")[line - 1 : line])[column - 1 :]
        hint = " (a tab; indent with spaces)" if rest.startswith("\t") else ""
        return FileError(self._file, line, column, "", f"not valid YAML: {said}{hint}")


def _resolve(plain: str) -> Any:
    """The value of an unquoted scalar. `40.0` is the whole number 40, as JSON Schema has it."""
    if plain in _WORDS:
        return _WORDS[plain]
    if _INTEGER.fullmatch(plain):
        return int(plain.partition(".")[0])
    if _DECIMAL.fullmatch(plain):
        return float(plain)
    return plain
