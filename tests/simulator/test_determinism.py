"""The same seed and the same requests: the same bytes, in any process and on any port."""

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

ACME, BETA = "sk_sim_acme", "sk_sim_beta"
ACME_HOOK = "123e4567-e89b-12d3-a456-426614174000"
BETA_HOOK = "223e4567-e89b-12d3-a456-426614174000"
NOBODY = "req_00000000-0000-4000-8000-000000000000"
START = "/sourcing/preview"
FITS = {"title": "Nurse", "jobDescription": "Night shifts.", "location": "Bratislava, Slovakia"}
SCENARIOS = (
    "happy",
    "exactly-enough-credits",
    "exhausted-on-a-page-boundary",
    "exhausted-on-page-2",
    "insufficient-credits",
    "insufficient-minutes",
    "nobody-matches",
    "one-candidate",
    "provider-fails-on-page-1",
    "provider-fails-on-page-3",
    "provider-timeout",
    "provider-timeout-then-ok",
    "slow",
    "sparse-profiles",
    "unicode-names",
)

Asked = tuple[str, str, dict[str, str], bytes | None]


def start(key: str | None = ACME, scenario: str | None = None, headers=None, **body: Any) -> Asked:
    said = {"Content-Type": "application/json", **(headers or {})}
    if key is not None:
        said["Authorization"] = f"Bearer {key}"
    if scenario is not None:
        said["X-Sim-Scenario"] = scenario
    given = {name: value for name, value in {**FITS, **body}.items() if value is not ...}
    return "POST", START, said, json.dumps(given).encode()


def poll(request_id: str, key: str = ACME, **headers: str) -> Asked:
    path = f"{START}/{request_id}/results"
    return "GET", path, {"Authorization": f"Bearer {key}", **headers}, None


def requests() -> list[Asked]:
    """Two hundred of every kind. `{n}` in a path stands for the id of the n-th accepted run."""
    asked = [start(limit=limit, webhookId=ACME_HOOK) for limit in range(1, 101, 4)]
    for scenario in SCENARIOS:
        asked += [
            start(f"{ACME}.{scenario}", webhookId=ACME_HOOK, limit=60),
            start(BETA, scenario, webhookId=BETA_HOOK, limit=30, query=f"{scenario}?"),
        ]
    refused = [
        start(None),
        start("sk_sim_nobody"),
        start("sk_sim_acme_revoked"),
        start("sk_sim_acme_read"),
        start("sk_sim_empty"),
        start("sk_sim_empty", limit=100),
        start(webhookId=BETA_HOOK),
        start(webhookId="f" * 8 + ACME_HOOK[8:]),
        start(limit=0),
        start(limit="20"),
        start(title=...),
        start(title="", location=7, extra=None),
        start(query=None),
        start(headers={"Accept": "text/html"}),
        start(headers={"Content-Type": "text/plain"}),
        start(headers={"Content-Encoding": "gzip"}),
        start(f"{ACME}.hapy"),
        start(scenario="slwo"),
        start(jobDescription="x" * 300_000),
        (
            "POST",
            START,
            {"Authorization": f"Bearer {ACME}", "Content-Type": "application/json"},
            b"{",
        ),
        ("PUT", START, {}, None),
        ("OPTIONS", START, {}, None),
        ("DELETE", f"{START}/{NOBODY}/results", {}, None),
        ("GET", "/nowhere", {}, None),
        poll(NOBODY),
        poll("nonsense"),
        poll("{0}", BETA),
        poll("{0}", "sk_sim_nobody"),
        poll("{0}", Accept="text/html"),
    ]
    asked += refused
    for n in range(42):
        asked += [poll("{%d}" % n, BETA if n % 2 else ACME)]  # noqa: UP031 - braces
    titles = ("Zoë \u202e", "日本語", "🦀 engineer", "O'Neil \\ \" \n", "x" * 200)
    asked += [start(title=title, webhookId=ACME_HOOK, limit=21) for title in titles]
    asked += [
        ("HEAD", f"{START}/{{1}}/results", {"Authorization": f"Bearer {ACME}"}, None),
        poll("{2}", "sk_sim_acme_read"),
        poll("{3}", f"{ACME}.slow"),
    ]
    return (asked + refused + asked)[:200]


def play(client, clock: str) -> tuple[list[Any], list[Any]]:
    """Every answer, and every delivery at the sink, but for what may differ."""
    answers, accepted = [], []
    for method, path, headers, body in requests():
        filled = re.sub(r"\{(\d+)\}", lambda n: accepted[int(n[1]) % len(accepted)], path)
        answer = client.http.request(method, filled, headers=headers, content=body)
        if answer.status_code == 202 and method == "POST":
            accepted.append(answer.json()["requestId"])
            if clock == "manual":  # also what shows before anything has run
                answers.append(shown(client.poll(accepted[-1])))
        answers.append(shown(answer))
        moved = client.clock(until="idle")
        assert moved.status_code == 200, moved.text
        answers.append(moved.json())
    answers += [client.ledger(), *map(client.story, accepted)]
    deliveries = [
        (
            record["sandbox"],
            record["endpoint"],
            record["event"],
            record["deliveryId"],
            record["attempt"],
            base64.b64decode(record["bodyB64"]),
            sorted(name for name, _ in record["headers"]),
            record["verdict"],
        )
        for record in client.records()
    ]
    assert {answer[0] for answer in answers if isinstance(answer, tuple)} == {
        200, 202, 204, 400, 401, 402, 403, 404, 405, 406, 413, 415,
    }  # fmt: skip
    assert len(deliveries) > 60
    return answers, deliveries


def shown(answer) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    headers = [header for header in answer.headers.raw if header[0].lower() != b"date"]
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("clock", ["instant", "manual"])
def test_two_processes_with_the_same_seed_answer_and_send_the_same_bytes(serve, clock):
    processes = [
        serve(f"--clock={clock}", "--seed=7", "--self-check", hash_seed=hash_seed)
        for hash_seed in ("0", "12345")
    ]
    assert processes[0].ready["baseUrl"] != processes[1].ready["baseUrl"]
    with ThreadPoolExecutor(2) as pool:
        played = list(pool.map(lambda process: play(process.client, clock), processes))
    (answers, deliveries), (other_answers, other_deliveries) = played
    for one, other in zip(answers, other_answers, strict=True):
        assert one == other
    for one, other in zip(deliveries, other_deliveries, strict=True):
        assert one == other


def test_another_seed_draws_other_ids_people_and_secrets(connect):
    one, other = (connect(clock="instant", seed=seed) for seed in (1, 2))
    bodies = [client.start(limit=20).json() for client in (one, other)]
    assert bodies[0]["requestId"] != bodies[1]["requestId"]
    people = [
        {person["profileId"] for person in client.result(body["requestId"])["candidates"]}
        for client, body in zip((one, other), bodies, strict=True)
    ]
    assert people[0] & people[1] == set()
    described = [client.http.get("/_sim/sandboxes/default").json() for client in (one, other)]
    secrets = [
        company["webhooks"][0]["signingSecret"]
        for sandbox in described
        for company in sandbox["companies"][:2]
    ]
    assert len(set(secrets)) == 4
