"""What cannot be used is said in one clear line on stderr, with exit code 2 and no traceback."""

import re
import sqlite3

import pytest

#: A refusal by a regular expression that its line must contain.
REFUSED = {
    "serve --scenario hapy": r"no scenario 'hapy'.*'happy'.*scenarios list",
    "serve --scenarios no-such-folder": r"no-such-folder is no directory",
    "serve --world no-such-file": r"no-such-file cannot be read: No such file",
    "serve --reading event-lable=upper": r"'event-lable' is no reading.*mean 'event-label'\?",
    "serve --reading event-label=uper": r"'uper' is no value of the reading event-label.*'upper'",
    "serve --reading event-label": r"Expected --reading NAME=VALUE, got 'event-label'",
    "serve --clock instnat": r"real, instant, manual or xN.*'instnat'.*mean 'instant'\?",
    "serve --clock x0": r"real, instant, manual or xN.*'x0'",
    "serve --durability disk": r"'--durability'.*'disk' is not one of 'process', 'power'",
    "serve --format yaml": r"'--format'.*'yaml' is not one of 'text', 'json'",
    "serve --port many": r"'--port'.*'many' is not a valid integer",
    "serve --port 65536": r"Expected a port of 0 to 65535, got 65536",
    "serve --port -1": r"Expected a port of 0 to 65535, got -1",
    "serve --seed one": r"'--seed'.*'one' is not a valid integer",
    "serve --seed 9223372036854775808": r"seed.*9223372036854775807.*9223372036854775808",
    "serve --db postgresql://localhost/sim": r"postgresql://… comes with a later version",
    "serve --db postgres://localhost/sim": r"postgresql://… comes with a later version",
    "serve --db no/such/folder/x.db": r"no/such/folder/x.db: cannot be opened. Does its folder",
    "serve --host 0.0.0.0": r"--host 0.0.0.0 can be reached from other machines.*--admin-token",
    "serve --host 203.0.113.7 --admin-token t": r"Cannot listen on 203.0.113.7:\d+: ",
    "serve --prot 80": r"No such option '?--prot'?.*'?--port'?",
    "serve now": r"unexpected extra argument",
    "sink --secret env:NO_SUCH_SECRET": r"environment variable NO_SUCH_SECRET, which is not set",
    "sink --profile standart": r"'standart' is no value.*standard, hex-body.*mean 'standard'\?",
    "sink --host 0.0.0.0": r"--host 0.0.0.0 can be reached from other machines.*--admin-token",
    "serv": r"No such command 'serv'; expected one of serve, demo,.*Did you mean 'serve'\?",
    "frobnicate": r"No such command 'frobnicate'; expected one of serve, demo,",
    "scenarios lst": r"No such command 'lst'.*'list'",
    "scenarios show hapy": r"no scenario 'hapy'.*'happy'",
    "scenarios show": r"Missing argument 'NAME'",
    "scenarios check": r"Missing argument 'FILES\.\.\.'",
    "scenarios list --scenarios no-such-folder": r"no-such-folder is no directory",
    "openapi --schema Candidat": r"'Candidat'.*'Candidate'",
    "openapi --schema Xyzzy": r"'Xyzzy'",
    "readings --format yaml": r"'--format'.*'yaml' is not one of 'text', 'json'",
    "demo --format yaml": r"'--format'.*'yaml' is not one of 'text', 'json'",
}


@pytest.mark.parametrize("command", REFUSED)
def test_wrong_input_is_refused_with_what_to_do(run, tmp_path, command):
    ended = run(*command.split(), cwd=tmp_path)
    assert re.search(REFUSED[command], ended.refusal())
    assert list(tmp_path.iterdir()) == [], "nothing was made"


def test_a_wrong_value_in_the_environment_is_refused_with_its_variable(run):
    said = run("serve", env={"PREVIEW_SIM_PORT": "many"}).refusal()
    assert "PREVIEW_SIM_PORT" in said
    assert "'many' is not a valid integer" in said


@pytest.mark.parametrize("command", ["serve", "sink"])
def test_a_port_in_use_is_refused(run, taken_port, command):
    said = run(command, f"--port={taken_port}").refusal()
    assert f"Port {taken_port} on 127.0.0.1 is in use." in said
    assert "--port 0" in said


def test_a_broken_scenario_is_refused_with_its_place_and_key(run, scenario_file):
    file = scenario_file("a.yaml", "provider:\n  totl: 3\n")
    said = run("serve", "--port=0", "--scenarios", str(file.parent)).refusal()
    assert said.startswith(f"preview-sim: {file}:5:3: provider.totl: unknown key; expected one of ")
    assert said.endswith("Did you mean 'total'?")


def test_a_broken_world_is_refused_with_its_place_and_key(run, tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text("companies:\n  - name: A\n    unit: euros\n    balance: 1\n")
    said = run("serve", "--port=0", "--world", str(file)).refusal()
    assert said.startswith(f"preview-sim: {file}:3:11: companies[0].unit: expected one of ")


def test_a_key_with_an_unknown_scenario_is_refused(run, world):
    file = world(keys=[{"key": "sk_sim_acme", "scenario": "hapy"}])
    assert "'happy'" in run("serve", "--port=0", "--world", str(file)).refusal()


def test_a_database_of_another_program_is_refused_and_not_touched(run, tmp_path):
    file = tmp_path / "other.db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE cheese (name TEXT)")
    connection.close()
    before = file.read_bytes()
    said = run("serve", "--port=0", f"--db={file}").refusal()
    assert f"{file}: expected a database of preview-sim, got one of another program." in said
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_no_database_is_refused_and_not_touched(run, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("buy milk\n" * 1_000)
    said = run("serve", "--port=0", f"--db={file}").refusal()
    assert f"{file}: expected a database of preview-sim, got a file that is none." in said
    assert file.read_text() == "buy milk\n" * 1_000


def test_a_database_that_another_process_holds_is_refused(run, serve, tmp_path):
    file = tmp_path / "held.db"
    first = serve(f"--db={file}")
    said = run("serve", "--port=0", f"--db={file}").refusal()
    assert f"{file}: another process holds this database." in said
    assert first.start().status_code == 202, "the one that holds it goes on"


def test_a_database_made_with_another_seed_is_refused(run, serve, tmp_path):
    file = tmp_path / "seeded.db"
    serve(f"--db={file}", "--seed=7").end()
    said = run("serve", "--port=0", f"--db={file}", "--seed=8").refusal()
    assert "made with --seed 7, got --seed 8" in said
