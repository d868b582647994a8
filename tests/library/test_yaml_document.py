"""YAML in, plain data and places out: what is text, what is not, and what is refused."""

from typing import Any

import pytest
import yaml

from preview_sim.domain.errors import FileError
from preview_sim.library import yaml_document
from preview_sim.library.shelf import shipped_folder
from preview_sim.library.yaml_document import MAX_BYTES, Document, read_document


@pytest.fixture(params=["libyaml", "pure Python"])
def _parser(request, monkeypatch):
    if request.param == "pure Python":
        monkeypatch.setattr(yaml_document, "_LOADER", yaml.SafeLoader)


def value_of(written: str) -> Any:
    return read_document(f"value: {written}\n", "f.yaml").data["value"]


def refused(text: str | bytes) -> dict[str, Any]:
    with pytest.raises(FileError) as caught:
        read_document(text, "f.yaml")
    return dict(caught.value.details)


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    "written",
    [
        *("on", "off", "yes", "no", "y", "n", "NO", "No", "On", "Yes", "True", "TRUE", "False"),
        *("~", "Null", "NULL", ".inf", "-.inf", ".nan", ".5", "5.", "1e3", "1.5e3", "+5"),
        *("1:30", "190:20:30", "017", "0o7", "0x1F", "0b1", "1_000", "00", "<<", "="),
        *("2025-01-01", "2025-01-01T00:00:00Z", "12345678901234567890", "1" * 5000),
        *("'true'", '"null"', "'12'", '"0.5"', "''"),
    ],
)
def test_what_yaml_1_1_would_make_something_else_of_stays_text(written):
    assert value_of(written) == written.strip("'\"")


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("9223372036854775807", 2**63 - 1),
        ("0.5", 0.5),
        ("-0.25", -0.25),
        ("40.0", 40),
        ("[1, [a, {b: false}], {}]", [1, ["a", {"b": False}], {}]),
        ('{"json": ["will", "do", 1.5, null]}', {"json": ["will", "do", 1.5, None]}),
    ],
)
def test_only_json_like_scalars_are_not_text(written, value):
    got = value_of(written)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize("key", ["on", "3", "1.5", "null", "true", "NO"])
def test_a_key_is_always_text(key):
    assert read_document(f"{key}: x\n", "f.yaml").data == {key: "x"}


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("text", "line", "column", "key", "why"),
    [
        ("", 1, 1, "", "empty"),
        ("# nothing here\n", 1, 1, "", "empty"),
        ("a: 1\nb: 2\na: 3\n", 3, 1, "a", "a second time; the first is on line 1"),
        ("p:\n  '3': x\n  3: y\n", 3, 3, "p.3", "a second time; the first is on line 2"),
        ("a: &x 1\n", 1, 4, "a", "anchors and aliases"),
        ("a: [1, *x]\n", 1, 8, "a[1]", "anchors and aliases"),
        ("&x a: 1\n", 1, 1, "", "anchors and aliases"),
        ("a: !!python/object:os.system x\n", 1, 4, "a", "tags such as '!!python/object:os.system'"),
        ("a: !!int '3'\n", 1, 4, "a", "tags such as '!!int'"),
        ("a: !mine {}\n", 1, 4, "a", "tags such as '!mine'"),
        ("? [a]\n: b\n", 1, 3, "", "expected a key that is text"),
        ("a: 1\n--- \nb: 2\n", 2, 1, "", "expected one document"),
        ("a:\n\tb: 1\n", 2, 1, "", "a tab; indent with spaces"),
        ("a: b: c\n", 1, 5, "", "mapping values are not allowed"),
        ("a: [1, 2\n", 2, 1, "", "while parsing a flow sequence"),
        ("a: 'x\n", 2, 1, "", "while scanning a quoted scalar"),
        ("a: 1\n b: 2\n", 2, 3, "", "mapping values are not allowed"),
        ("a: \x07\n", 1, 4, "", "U+0007 may not stand in YAML"),
        ("ä: x\nö: \ud800\n", 2, 4, "", "U+D800 may not stand in YAML"),
        (b"a: 1\nb: \xe4\n", 2, 4, "", "expected UTF-8, got the byte 0xe4"),
        ("a: x\n".encode("utf-16"), 1, 1, "", "expected UTF-8"),
        ("a: " + "[" * 40, 1, 35, "a" + "[0]" * 31, "more than 32 levels"),
        (b"#" * (MAX_BYTES + 1), 1, 1, "", "too large; expected at most 1000000 bytes"),
    ],
)
def test_what_is_not_plain_data_is_refused_at_its_place(text, line, column, key, why):
    got = refused(text)
    assert why in got["why"]
    assert (got["file"], got["key"]) == ("f.yaml", key)
    # The two parsers do not agree on where what was never closed ends.
    if "while" not in why:
        assert (got["line"], got["column"]) == (line, column)


def test_a_lone_surrogate_behind_an_escape_is_refused_by_either_parser(monkeypatch):
    assert "invalid Unicode" in refused('a: "\\ud800"\n')["why"]
    monkeypatch.setattr(yaml_document, "_LOADER", yaml.SafeLoader)
    assert "surrogate" in refused('a: "\\ud800"\n')["why"]


def test_a_byte_order_mark_and_windows_line_ends_are_fine():
    assert read_document(b"\xef\xbb\xbfa: 1\r\nb: x\r\n", "f.yaml").data == {"a": 1, "b": "x"}


def test_every_key_and_value_has_its_place():
    document = read_document("a: 1\nb:\n  - x\n  - {c: 2}\n", "f.yaml")
    assert document.place(("a",), of_key=True) == (1, 1)
    assert document.place(("a",)) == (1, 4)
    assert document.place(("b",)) == (3, 3)
    assert document.place(("b", 1, "c"), of_key=True) == (4, 6)
    assert document.place(("b", 1, "missing")) == (4, 5)


def test_an_odd_key_is_shown_quoted_and_cut():
    document = Document("f.yaml", {}, {(): ((1, 1), (1, 1))})
    assert document.error(("a", "b\nc", 2), "why").details["key"] == r"a.'b\nc'[2]"
    assert len(document.error(("k" * 1000,), "why").details["key"]) < 70


@pytest.mark.parametrize(
    "path", sorted(shipped_folder("scenarios").glob("*.yaml")), ids=lambda path: path.stem
)
def test_both_parsers_read_the_same_data_at_the_same_places(path, monkeypatch):
    fast = read_document(path.read_bytes(), "f.yaml")
    monkeypatch.setattr(yaml_document, "_LOADER", yaml.SafeLoader)
    assert read_document(path.read_bytes(), "f.yaml") == fast
