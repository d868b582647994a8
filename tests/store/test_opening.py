"""Files that cannot be used, and what whoever named them is told (exit code 2)."""

import asyncio
import sqlite3
import subprocess
import sys

import pytest

from preview_sim.domain.errors import StoreError, UsageError
from preview_sim.store import open_sqlite, schema

HOLD = """
import sqlite3, sys
from pathlib import Path
from preview_sim.store import open_sqlite
store = open_sqlite(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def make(file) -> None:
    async def whole():
        await open_sqlite(file).close()

    asyncio.run(whole())


def change(file, *statements: str) -> None:
    connection = sqlite3.connect(file, isolation_level=None, timeout=0)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def refusal(file) -> str:
    with pytest.raises(StoreError) as came:
        open_sqlite(file)
    assert isinstance(came.value, UsageError), "it ends the program with exit code 2"
    assert str(file) in came.value.message
    return came.value.message


def test_a_file_of_another_version_is_refused_with_both_versions(tmp_path):
    file = tmp_path / "old.db"
    make(file)
    change(file, "PRAGMA user_version = 99")
    said = refusal(file)
    assert f"expected a database of version {schema.VERSION}, got version 99" in said
    assert "name another file" in said


def test_another_program_s_database_is_refused(tmp_path):
    file = tmp_path / "theirs.db"
    change(file, "CREATE TABLE theirs (a)", "INSERT INTO theirs VALUES (1)")
    assert "expected a database of preview-sim, got one of another program" in refusal(file)


def test_another_program_s_database_is_not_touched(tmp_path):
    """The message promises it: not one byte changes, and no file appears beside it."""
    file = tmp_path / "theirs.db"
    change(file, "CREATE TABLE theirs (a)", "INSERT INTO theirs VALUES (1)")
    before = file.read_bytes()
    refusal(file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.db"]


def test_another_program_s_database_can_be_used_by_it_right_after_the_refusal(tmp_path):
    file = tmp_path / "theirs.db"
    change(file, "CREATE TABLE theirs (a)")
    with pytest.raises(StoreError) as kept:  # with its traceback, as a caller may keep it
        open_sqlite(file)
    change(file, "INSERT INTO theirs VALUES (1)")
    assert kept.value.code == "STORE_ERROR"


def test_another_program_s_mark_on_an_empty_database_is_respected(tmp_path):
    file = tmp_path / "theirs.db"
    change(file, "PRAGMA application_id = 1234")
    assert "another program" in refusal(file)


def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("these are notes, not a database\n" * 100)
    before = file.read_bytes()
    assert "got a file that is none" in refusal(file)
    assert file.read_bytes() == before


def test_a_folder_that_is_missing_is_named(tmp_path):
    file = tmp_path / "missing" / "store.db"
    assert "Does its folder exist" in refusal(file)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    assert "cannot be opened" in refusal(tmp_path)


def test_a_file_that_another_process_holds_is_refused_until_it_ends(tmp_path):
    file = tmp_path / "store.db"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        said = refusal(file)
        assert "another process holds this database" in said
        assert "--db" in said
        holder.kill()
        holder.wait()
    make(file)


def test_a_file_that_this_process_holds_is_refused_until_it_is_closed(tmp_path):
    file = tmp_path / "store.db"

    async def scene():
        store = open_sqlite(file)
        assert "holds this database" in refusal(file)
        await store.close()
        await open_sqlite(file).close()

    asyncio.run(scene())


def test_an_empty_file_becomes_a_store(tmp_path):
    file = tmp_path / "store.db"
    file.touch()
    make(file)
    make(file)
    assert file.stat().st_size > 0


def test_a_damaged_file_is_refused_and_not_read_as_empty(tmp_path):
    file = tmp_path / "store.db"
    make(file)
    file.write_bytes(file.read_bytes()[:2000])
    refusal(file)
