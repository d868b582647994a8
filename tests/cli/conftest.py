"""The command line as its users have it: real processes, their streams, their exit codes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

#: Much longer than anything here takes: whoever waits so long has found a bug.
PATIENCE_S = 30.0

ACME = "sk_sim_acme"
LAST_LINE = "Ctrl-C stops."

COMMAND = (sys.executable, "-W", "error", "-m", "preview_sim.cli")


@dataclass(frozen=True)
class Ended:
    """A process that is over: its exit code, and what it still had to say."""

    code: int
    out: str
    err: str
    took_s: float = 0.0

    def refusal(self) -> str:
        """The one message of a process that did nothing: exit code 2, and no traceback."""
        assert self.code == 2, self
        assert self.out == ""
        said = [
            line
            for line in self.err.splitlines()
            if line and not line.startswith(("Usage: ", "Try '"))
        ]
        assert len(said) == 1, self.err
        assert said[0].startswith(("preview-sim: ", "Error: ")), self.err
        return said[0]


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Ours without what would change the commands, and with `more`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PREVIEW_SIM_") and not name.lower().endswith("_proxy")
    }
    return {**kept, **more}


def run_command(
    *options: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(
        [*COMMAND, *options],
        capture_output=True,
        check=False,
        cwd=cwd,
        encoding="utf-8",
        env=environment(env or {}),
        timeout=PATIENCE_S,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


class Serving:
    """`serve` or `sink` as a program of its own; `said` is what it printed when it was ready."""

    def __init__(self, command: tuple[str, ...], env: Mapping[str, str]) -> None:
        self.popen = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment(env),
        )
        self.said = self._announcement()
        self.ready = json.loads(self.said) if self.said.startswith("{") else {}
        self.http = httpx.Client(
            base_url=self.ready.get("baseUrl", ""), trust_env=False, timeout=PATIENCE_S
        )

    def _announcement(self) -> str:
        lines: list[str] = []
        while not (lines and (lines[0].startswith("{") or lines[-1].strip() == LAST_LINE)):
            line = self.popen.stdout.readline()
            if not line:
                out, err = self.popen.communicate()
                raise AssertionError(f"it ended with {self.popen.returncode}: {lines}{out}{err}")
            lines.append(line)
        return "".join(lines)

    def start(self, scenario: str | None = None, key: str = ACME, **more) -> httpx.Response:
        """Start a run."""
        body = {"title": "Nurse", "jobDescription": "Night shifts.", "location": "Brno", **more}
        headers = {"Authorization": f"Bearer {key}"}
        if scenario is not None:
            headers["X-Sim-Scenario"] = scenario
        return self.http.post("/sourcing/preview", json=body, headers=headers)

    def end(self, number: signal.Signals = signal.SIGTERM) -> Ended:
        """Send a signal and wait for the end."""
        began = time.monotonic()  # noqa: TID251 - how long an end takes is what is tested
        self.popen.send_signal(number)
        out, err = self.popen.communicate(timeout=PATIENCE_S)
        took_s = time.monotonic() - began  # noqa: TID251 - as above
        return Ended(self.popen.returncode, out, err, took_s)

    def discard(self) -> None:
        self.http.close()
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.communicate()


@pytest.fixture(scope="session")
def run() -> Callable[..., Ended]:
    """Runs a command to its end: `run("scenarios", "list", env={…})`."""
    return run_command


@pytest.fixture
def starts() -> Iterator[Callable[..., Serving]]:
    """Starts any command that serves; what is left of it at the end of the test is killed."""
    started: list[Serving] = []

    def start(*command: str, env: Mapping[str, str] | None = None) -> Serving:
        started.append(Serving(command, env or {}))
        return started[-1]

    yield start
    for process in started:
        process.discard()


@pytest.fixture
def serve(starts) -> Callable[..., Serving]:
    """Starts `serve` on a free port, as JSON unless told."""
    return lambda *options, form="json", env=None: starts(
        *COMMAND, "serve", "--port=0", f"--format={form}", *options, env=env
    )


@pytest.fixture
def sink(starts) -> Callable[..., Serving]:
    """Starts `sink` on a free port, as JSON unless told."""
    return lambda *options, form="json", env=None: starts(
        *COMMAND, "sink", "--port=0", f"--format={form}", *options, env=env
    )


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture
def world(tmp_path) -> Callable[..., Path]:
    """Writes a world file of one company."""

    def written(**company) -> Path:
        named = {"name": "Own Ltd", "unit": "credits", "balance": 100, "keys": [{"key": ACME}]}
        path = tmp_path / "world.yaml"
        path.write_text(json.dumps({"companies": [{**named, **company}]}), encoding="utf-8")
        return path

    return written


@pytest.fixture
def scenario_file(tmp_path) -> Callable[..., Path]:
    """Writes a scenario into a folder of its own: `scenario_file("a.yaml", "provider: {}")`."""

    def written(file: str, rest: str = "", *, name: str = "own-one") -> Path:
        folder = tmp_path / "my-scenarios"
        folder.mkdir(exist_ok=True)
        path = folder / file
        path.write_text(f"sim: 1\nname: {name}\nsummary: Of a test.\n{rest}", encoding="utf-8")
        return path

    return written
