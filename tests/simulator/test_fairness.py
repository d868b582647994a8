"""A receiver that hangs holds up its own deliveries and nobody else's (contract 6.6, 5.6)."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx

ACME = "123e4567-e89b-12d3-a456-426614174000"
BETA = "223e4567-e89b-12d3-a456-426614174000"
HANGING = 70  # more than all the attempts that may be in the air at once


def start(client, key, webhook):
    body = {"title": "a", "jobDescription": "b", "location": "c", "webhookId": webhook}
    answer = client.post(
        "/sourcing/preview",
        json=body,
        headers={"Authorization": f"Bearer {key}", "X-Sim-Scenario": "one-candidate"},
    )
    assert answer.status_code == 202
    return answer.json()["requestId"]


def test_a_company_s_hanging_receiver_does_not_hold_up_another_s_deliveries(simulate, tmp_path):
    with socket.create_server(("127.0.0.1", 0), backlog=256) as silent:
        events = ["SOURCING_COMPLETED"]
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        world = {
            "companies": [
                {
                    "name": "Slow",
                    "unit": "credits",
                    "balance": 1000,
                    "keys": [{"key": "sk_slow"}],
                    "webhooks": [{"id": ACME, "events": events, "url": url}],
                },
                {
                    "name": "Quick",
                    "unit": "credits",
                    "balance": 1000,
                    "keys": [{"key": "sk_quick"}],
                    "webhooks": [{"id": BETA, "events": events}],
                },
            ]
        }
        file = tmp_path / "world.yaml"
        file.write_text(json.dumps(world))
        simulator = simulate(clock="x20", world=file)
        with httpx.Client(base_url=simulator.base_url, trust_env=False, timeout=20) as client:
            with ThreadPoolExecutor(8) as pool:
                slow = list(pool.map(lambda _: start(client, "sk_slow", ACME), range(HANGING)))
            assert len(set(slow)) == HANGING
            quick = [start(client, "sk_quick", BETA) for _ in range(20)]
        # Every attempt at the silent receiver lasts 30 s of real time; these do not wait for one.
        records = simulator.sink.wait_for(20, 15.0, endpoint=BETA)
    assert {record.request_id for record in records} == set(quick)
