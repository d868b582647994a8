"""Schemathesis in all its phases, from the document that the implementation itself publishes.

Run by its command line: only there a warning can be made a failure.
"""

import re
import subprocess
import sys
from pathlib import Path

PHASES = ("examples", "coverage", "fuzzing", "stateful")
HERE = Path(__file__).parent


def test_nothing_that_schemathesis_sends_breaks_the_contract(
    base_url: str, api_key: str, examples: int
) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{base_url}/openapi.json", "--url", base_url),
        *("--header", f"Authorization: Bearer {api_key}"),
        *("--phases", ",".join(PHASES), "--max-examples", str(examples)),
        *("--seed", "1", "--no-color"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = done.stdout.partition("SUMMARY")[2]
    for phase in PHASES:
        assert f"✅ {phase.capitalize()}" in summary, f"{phase} did not run:\n{summary}"
    found = re.search(r"(\d+) generated, (\d+) passed", summary)
    assert found, summary
    generated, passed = map(int, found.groups())
    assert generated == passed
    assert generated > 4 * examples, "fewer cases than two operations in two random phases have"
