"""POST accept per second beside a bare ASGI application on the same uvicorn, in one run.

Needs `wrk`. Run `python benchmarks/accept.py`; it prints the table that benchmarks/README.md keeps.
Machines are shared and noisy: trust the ratios, which come from interleaved rounds.
"""

import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
ROUNDS = 3
SECONDS = 5

REQUEST = {
    "title": "Senior Backend Engineers – FinTech",  # noqa: RUF001 - the documented example
    "jobDescription": "We are looking for a Senior Backend Engineer with 5+ years of Node.js…",
    "location": "San Francisco, CA",
    "query": "Senior Node.js engineer fintech",
    "limit": 20,
}

WORLD = """
companies:
  - name: Deep Pockets
    unit: credits
    balance: 1000000000
    keys: [{key: sk_bench}]
    webhooks:
      - {id: 123e4567-e89b-12d3-a456-426614174000, events: [SOURCING_COMPLETED, SOURCING_FAILED]}
"""

LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk_bench"
wrk.body = [==[%s]==]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(command: list[str], port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            continue
        return process
    raise SystemExit(f"{command} did not start")


def wrk(port: int, script: Path) -> tuple[float, int]:
    """Requests per second, and how many were not 2xx."""
    url = f"http://127.0.0.1:{port}/sourcing/preview"
    command = ["wrk", "-t1", "-c32", f"-d{SECONDS}s", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    assert found, said
    return float(found[1]), int(wrong[1]) if wrong else 0


def main() -> None:
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed (Debian: apt-get install wrk)")
    folder = Path(tempfile.mkdtemp())
    world = folder / "world.yaml"
    world.write_text(WORLD)
    plain, hooked = folder / "plain.lua", folder / "hooked.lua"
    plain.write_text(LUA % json.dumps(REQUEST))
    webhook = {"webhookId": "123e4567-e89b-12d3-a456-426614174000"}
    hooked.write_text(LUA % json.dumps({**REQUEST, **webhook}))
    serve = [sys.executable, "-m", "preview_sim.cli", "serve", "--world", str(world)]
    cases = {
        "bare ASGI on uvicorn": ([sys.executable, str(HERE / "bare.py")], plain),
        "accept alone (clock manual)": ([*serve, "--clock", "manual"], plain),
        "accept while runs go on (clock real)": (serve, plain),
        "the same, each with a webhook": (serve, hooked),
        "accept alone, --db FILE": ([*serve, "--clock", "manual", "--db"], plain),
    }
    rates: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(ROUNDS):
        for name, (command, script) in cases.items():
            port = free_port()
            full = [*command]
            if command[-1] == "--db":
                full.append(str(folder / f"{turn}.db"))
            full += [str(port)] if "bare.py" in command[-1] else ["--port", str(port)]
            process = start(full, port)
            try:
                rate, wrong = wrk(port, script)
                if "bare" not in name:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_sim/health") as health:
                        assert json.load(health)["status"] == "ok"
            finally:
                process.kill()
                process.wait()
            assert wrong == 0, f"{name}: {wrong} answers were no 2xx"
            rates[name].append(rate)
    ceiling = statistics.median(rates["bare ASGI on uvicorn"])
    print("| POST/s (median) | of the ceiling | server |\n|---|---|---|")
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"| {rate:,.0f} | {rate / ceiling:.2f} | {name} |")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
