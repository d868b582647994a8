"""README.md keeps its word: what it says exists, and what it shows can be pasted."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator

import click
import httpx
import pytest
from standardwebhooks import WebhookVerificationError

from preview_sim.api import Guard, build_control
from preview_sim.cli import cli
from preview_sim.domain.errors import FileError
from preview_sim.domain.signature import PROFILES, sign
from preview_sim.harness.example import EXAMPLE_REQUEST
from preview_sim.harness.judge import against_contract, against_expectation
from preview_sim.harness.play import Player
from preview_sim.library import Library, load_scenario, load_world
from preview_sim.simulator.clock import wall_seconds
from preview_sim.sink import Sink
from preview_sim.spec import load_contract

SERVED_AT = "http://127.0.0.1:8080"


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, object]]:
    """Each command by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(every_command(cli))


def options_of(command: str) -> list[str]:
    return [
        next(name for name in parameter.opts if name.startswith("--"))
        for parameter in COMMANDS[command].params
        if isinstance(parameter, click.Option)
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_told(readme, command):
    group, _, last = command.rpartition(" ")
    told = [f"`{last} ", f"`{last}`"] if group else []
    assert any(words in readme for words in (f"preview-sim {command}", *told))


@pytest.mark.parametrize("option", options_of("serve"))
def test_every_option_of_serve_is_told(readme, option):
    assert re.search(rf"`[^`]*{option}\b[^`]*`", readme)


@pytest.mark.parametrize("option", options_of("sink"))
def test_every_option_of_the_sink_is_told_here_or_by_its_help(readme, option):
    context = click.Context(COMMANDS["sink"], info_name="preview-sim sink")
    assert option in readme + COMMANDS["sink"].get_help(context)


def test_it_tells_of_no_command_and_no_option_that_there_is_not(readme):
    commands = set(re.findall(r"preview-sim ([a-z][a-z-]*)", readme))
    assert commands <= {command.split()[0] for command in COMMANDS}
    known = {option for command in COMMANDS for option in options_of(command)}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", readme)) <= known


def control_routes() -> list[str]:
    routes = build_control(None, Guard.of("127.0.0.1", 1, None)).routes
    return [route.path.replace("{id}", "default") for route in routes]


def sink_routes() -> list[str]:
    inbox, short, asked = Sink(wall=lambda: 0.0).app().routes
    assert inbox.path.startswith(short.path[:4])
    return [short.path.partition("{")[0], *(route.path for route in asked.app.routes)]


@pytest.mark.parametrize("path", control_routes())
def test_every_route_of_the_control_side_is_told(readme, path):
    stem = path.replace("{request_id}", "{requestId}")
    assert re.search(rf"(GET|POST) {re.escape(stem)}\b|{re.escape(stem)}`", readme)


@pytest.mark.parametrize("path", sink_routes())
def test_every_route_of_the_sink_is_told(readme, path):
    assert re.search(rf"`[^`]*{re.escape(path)}", readme)


@pytest.mark.parametrize("path", [one.path for one in load_contract().operations.values()])
def test_every_operation_of_the_api_is_shown(readme, path):
    assert re.search(path.replace("{requestId}", "[^/ ]+") + r"\b", readme)


def paste(line: str) -> tuple[int, dict]:
    """The status and the answer of a curl line, by curl itself if it is there."""
    if shutil.which("curl") and shutil.which("bash"):
        script = "curl() { command curl --noproxy '*' -w '\\n%{http_code}' \"$@\"; }\n" + line
        done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
        assert done.stderr == b""
        answer, _, status = done.stdout.rpartition(b"\n")
        return int(status), json.loads(answer)
    method, url, headers, body = taken_apart(line)
    answer = httpx.request(method, url, headers=headers, content=body, trust_env=False)
    return answer.status_code, answer.json()


def taken_apart(line: str) -> tuple[str, str, dict[str, str], bytes | None]:
    words = iter(shlex.split(line, comments=True)[1:])
    method, url, headers, body = "GET", "", {}, None
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            method, body = "POST", next(words).encode()
        elif word == "-X":
            method = next(words)
        elif not word.startswith("-"):
            url = word
    return method, url, headers, body


def curl_lines(blocks) -> list[str]:
    joined = "\n".join(blocks("sh")).replace("\\\n", " ")
    # a quoted body may stand on several lines
    return re.findall(r"^curl (?:'[^']*'|[^'\n])*", joined, re.MULTILINE)


def test_the_walk_from_a_start_to_its_webhook_goes_as_shown(simulate, blocks):
    start, poll, wait = curl_lines(blocks)[:3]
    simulator = simulate(clock="instant")

    def here(line: str) -> str:
        return line.replace(SERVED_AT, simulator.base_url)

    status, accepted = paste(here(start))
    assert status == 202
    request_id = accepted["requestId"]
    status, results = paste(here(poll).replace("req_…", request_id))
    assert (status, results["status"], len(results["candidates"])) == (200, "completed", 20)
    status, waited = paste(here(wait).replace("req_…", request_id))
    assert (status, [one["verdict"] for one in waited["records"]]) == (200, ["pass"])


def test_the_answer_to_the_start_is_the_one_that_comes(simulate, blocks):
    [shown] = map(json.loads, blocks("json"))
    _, came = paste(curl_lines(blocks)[0].replace(SERVED_AT, simulate(clock="real").base_url))
    assert list(came) == list(shown)
    for key in came.keys() - {"createdAt"}:
        pattern = re.escape(str(shown[key])).replace("…", ".*")
        assert re.fullmatch(pattern, str(came[key])), key
    assert len(came["createdAt"]) == len(shown["createdAt"])


def test_every_body_that_is_shown_fits_the_contract(blocks):
    [operation] = [one for one in load_contract().operations.values() if one.method == "POST"]
    posts = [line for line in curl_lines(blocks) if "/sourcing/preview " in line]
    assert posts
    for line in posts:
        assert operation.request_errors(json.loads(taken_apart(line)[3])) == []


def test_a_scenario_is_chosen_in_the_two_ways_that_are_shown(simulate, blocks):
    simulator = simulate()
    ways = [line for line in curl_lines(blocks) if line.startswith("curl … ")]
    chosen = []
    for line in ways:
        headers = {"Authorization": f"Bearer {simulator.api_key}"} | taken_apart(line)[2]
        answer = httpx.post(
            f"{simulator.base_url}/sourcing/preview",
            json=dict(EXAMPLE_REQUEST),
            headers=headers,
            trust_env=False,
        )
        assert answer.status_code == 202
        chosen.append(answer.headers["X-Sim-Scenario"])
    name = "provider-fails-on-page-3"
    assert chosen == [f"{name}; via=header", f"{name}; via=key"]


def test_the_clock_moves_as_shown(simulate, blocks):
    [line] = [line for line in curl_lines(blocks) if "/clock" in line]
    simulator = simulate(clock="manual")
    status, moved = paste(line.replace(SERVED_AT, simulator.base_url))
    assert (status, moved["now"]) == (200, "2025-01-01T00:00:15.000Z")
    for other in re.findall(r"\{\"(?:to|until)\":\"\w+\"\}", line):
        answer = httpx.post(
            f"{simulator.base_url}/_sim/sandboxes/default/clock",
            json=json.loads(other),
            trust_env=False,
        )
        assert answer.status_code == 200


@pytest.fixture
def own_folder(blocks, tmp_path):
    [text] = [block for block in blocks("yaml") if "sim: 1" in block]
    folder = tmp_path / "my-scenarios"
    folder.mkdir()
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_scenario_of_ones_own_loads_and_does_what_it_expects(simulate, own_folder):
    scenario = Library(own_folder).get("dies-on-page-2")
    simulator = simulate(scenarios=own_folder, scenario="dies-on-page-2")
    request = {**EXAMPLE_REQUEST, **scenario.request}
    with Player(simulator.base_url, simulator.api_key) as player:
        played = player.play(request)
    found = [
        *against_contract(played, request["limit"]),
        *against_expectation(played, scenario.expect, exact_time=True),
    ]
    assert [finding for finding in found if not finding.ok] == []
    assert {"status", "ledger.held", "pages"} <= {finding.what for finding in found}


def test_a_mistake_in_it_is_told_as_shown(readme, blocks):
    [shown] = re.findall(r"`(my-scenarios/a\.yaml:[^`]*)`", readme)
    [text] = [block for block in blocks("yaml") if "sim: 1" in block]
    mistaken = text.replace("total:", "totl:")
    assert mistaken != text
    with pytest.raises(FileError) as caught:
        load_scenario(mistaken, "my-scenarios/a.yaml")
    pattern = re.escape(shown).replace("…", ".*")
    assert re.fullmatch(pattern, caught.value.message)


def test_the_program_in_python_runs(blocks):
    [program] = [block for block in blocks("python") if "Simulator" in block]
    started = []

    def start_your_client(base_url: str, api_key: str, webhook_id: str) -> None:
        answer = httpx.post(
            f"{base_url}/sourcing/preview",
            json={**EXAMPLE_REQUEST, "limit": 60, "webhookId": webhook_id},
            headers={"Authorization": f"Bearer {api_key}"},
            trust_env=False,
        )
        started.append(answer.status_code)

    exec(compile(program, "README.md", "exec"), {"start_your_client": start_your_client})
    assert started == [202]


def test_the_table_of_companies_is_the_world_that_is_served(simulate, readme):
    simulator = simulate()
    balances = {one["companyName"]: one["granted"] for one in simulator.ledger()["accounts"]}
    rows = []
    for company in simulator.describe()["companies"]:
        hooks = [hook["id"] for hook in company["webhooks"]]
        rows.append(
            (company["name"], company["unit"], balances[company["name"]], company["apiKeys"], hooks)
        )
    told = []
    for line in re.findall(r"^\| (?:Acme|Beta|Empty) .*$", readme, re.MULTILINE):
        name, unit, balance, keys, hooks = (cell.strip() for cell in line.split("|")[1:-1])
        quoted = [re.findall(r"`([^`]+)`", cell) for cell in (keys, hooks)]
        told.append((name, unit, float(balance), *quoted))
    assert told == rows


def test_every_target_of_make_that_is_told_exists(root, readme):
    contributing = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    told = set(re.findall(r"(?:^|`)make ([a-z]+)\b", readme + contributing, re.MULTILINE))
    assert {"demo", "test"} <= told
    assert told <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_the_world_of_ones_own_loads_and_its_signature_recipe_holds(blocks, tmp_path):
    [text] = [block for block in blocks("yaml") if "companies:" in block]
    file = tmp_path / "my-world.yaml"
    file.write_text(text, encoding="utf-8")
    [company] = load_world(file).companies
    [webhook] = company.webhooks
    assert webhook.url == "http://127.0.0.1:3000/hooks"
    [recipe] = [block for block in blocks("python") if "Webhook(" in block]
    body = b'{"event":"SOURCING_COMPLETED"}'
    signed = dict(sign(PROFILES["standard"], webhook.secret, "an-id", int(wall_seconds()), body))
    names = {"secret": webhook.secret, "raw_body": body, "headers": signed}
    exec(recipe, names)
    with pytest.raises(WebhookVerificationError):
        exec(recipe, {**names, "raw_body": body + b" "})
