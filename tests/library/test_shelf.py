"""The library of scenarios: the user's own before the shipped ones."""

import pytest

from preview_sim.domain.errors import FileError, UnknownScenario, UsageError
from preview_sim.library import Library

OWN = "sim: 1\nname: {name}\nsummary: {summary}\n"


def write(folder, file, name, summary="My own."):
    text = OWN.format(name=name, summary=summary)
    (folder / file).write_text(text)
    return text


def test_the_shipped_scenarios_are_there_by_name():
    library = Library()
    assert library.names() == tuple(sorted(library.names()))
    assert library.get("happy").name == "happy"
    assert library.get("happy") is library.get("happy")
    assert library.text("happy").startswith("sim: 1\nname: happy\n")
    assert library.source("happy").endswith("happy.yaml")
    assert [scenario.name for scenario in library.all()] == list(library.names())


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(UnknownScenario) as caught:
        Library().get("hapy")
    assert caught.value.details == {"scenario": "hapy", "nearest": "happy"}
    with pytest.raises(UnknownScenario):
        Library().text("../happy")


def test_own_files_come_before_shipped_ones_and_may_bear_any_file_name(tmp_path):
    text = write(tmp_path, "anything.yml", "happy")
    write(tmp_path, "b.yaml", "mine")
    (tmp_path / "notes.txt").write_text("not a scenario")
    library = Library(tmp_path)
    assert library.get("happy").summary == "My own."
    assert library.text("happy") == text
    assert library.source("happy") == str(tmp_path / "anything.yml")
    assert {"mine", "slow"} <= set(library.names())


def test_a_mistake_in_an_own_file_shows_at_the_start(tmp_path):
    write(tmp_path, "a.yaml", "NOT A NAME")
    with pytest.raises(FileError) as caught:
        Library(tmp_path)
    assert caught.value.details["file"] == str(tmp_path / "a.yaml")


def test_two_own_files_of_one_name_are_refused(tmp_path):
    write(tmp_path, "a.yaml", "mine")
    write(tmp_path, "b.yaml", "mine")
    with pytest.raises(FileError) as caught:
        Library(tmp_path)
    told = caught.value.details
    assert told["file"] == str(tmp_path / "b.yaml")
    assert (told["line"], told["column"], told["key"]) == (2, 7, "name")
    assert told["why"] == f"'mine' is already the name of {tmp_path / 'a.yaml'}"


@pytest.mark.parametrize("name", ["missing", "file.yaml"])
def test_what_is_no_directory_is_a_usage_error(tmp_path, name):
    write(tmp_path, "file.yaml", "mine")
    with pytest.raises(UsageError, match="is no directory"):
        Library(tmp_path / name)


def test_an_own_file_that_cannot_be_read_is_a_usage_error(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(UsageError, match=r"folder\.yaml cannot be read"):
        Library(tmp_path)


def test_locales_are_judged_by_whoever_can(tmp_path):
    write(tmp_path, "a.yaml", "mine", "s.\nprovider: {locale: de_DE}")
    assert Library(tmp_path, {"de_DE"}.__contains__).get("mine").provider.locale == "de_DE"
    with pytest.raises(FileError, match="no locale of Faker"):
        Library(tmp_path, {"en_US"}.__contains__)
