"""World files: the default world, what arrives in the domain, and what a mistake is told."""

import pytest

from preview_sim.domain.billing import Unit
from preview_sim.domain.errors import FileError, UsageError
from preview_sim.domain.tenancy import (
    ALL_SCOPES,
    ApiKey,
    Company,
    KeyState,
    WebhookSeed,
    World,
)
from preview_sim.domain.webhook import EVENTS, PING, SOURCING_FAILED
from preview_sim.library import default_world, load_world, world_of

ACME = "companies:\n  - name: Acme\n    unit: credits\n    balance: 1\n"
WEBHOOK = "123e4567-e89b-12d3-a456-426614174000"


def test_the_default_world_is_the_documented_one():
    assert default_world() == World(
        companies=(
            Company(
                "Acme Talent",
                Unit.CREDITS,
                1000,
                keys=(
                    ApiKey("sk_sim_acme", ALL_SCOPES),
                    ApiKey("sk_sim_acme_read", ("sourcing:read",)),
                    ApiKey("sk_sim_acme_revoked", state=KeyState.REVOKED),
                ),
                webhooks=(WebhookSeed("123e4567-e89b-12d3-a456-426614174000", EVENTS),),
            ),
            Company(
                "Beta Staffing",
                Unit.MINUTES,
                2400,
                keys=(ApiKey("sk_sim_beta"),),
                webhooks=(WebhookSeed("223e4567-e89b-12d3-a456-426614174000", EVENTS),),
            ),
            Company("Empty Purse", Unit.CREDITS, 0, keys=(ApiKey("sk_sim_empty"),)),
        )
    )


def test_every_key_arrives_in_the_domain(tmp_path):
    file = tmp_path / "world.yaml"
    file.write_text(f"""
companies:
  - name: Gamma
    unit: minutes
    balance: 0.4
    postpaid: true
    keys:
      - {{key: sk_gamma, scopes: ["read:billing"], state: expired, scenario: slow}}
    webhooks:
      - id: {WEBHOOK.upper()}
        url: https://example.com/in
        events: [sourcing.failed, PING, SOURCING_FAILED]
        secret: {"0f" * 32}
        headers: {{X-One: "1"}}
readings: {{event-label: dotted}}
seed: 3
clock: x10
""")
    assert load_world(file) == World(
        companies=(
            Company(
                "Gamma",
                Unit.MINUTES,
                24,
                postpaid=True,
                keys=(ApiKey("sk_gamma", ("read:billing",), KeyState.EXPIRED, "slow"),),
                webhooks=(
                    WebhookSeed(
                        WEBHOOK,
                        (SOURCING_FAILED, PING),
                        "https://example.com/in",
                        "0f" * 32,
                        {"X-One": "1"},
                    ),
                ),
            ),
        ),
        readings={"event-label": "dotted"},
        seed=3,
        clock="x10",
    )


@pytest.mark.parametrize(
    ("text", "line", "column", "key", "part"),
    [
        ("companies: []\n", 1, 12, "companies", "expected a list of 1 to 1000 items, got an empty"),
        ("seed: 1\n", 1, 1, "companies", "is missing; expected a list"),
        (ACME + "clok: real\n", 5, 1, "clok", "Did you mean 'clock'?"),
        (ACME + "clock: fast\n", 5, 8, "clock", "expected one of real, instant, manual, or x"),
        (ACME + "clock: x0\n", 5, 8, "clock", "got the text 'x0'"),
        (ACME + "readings: {signature: hex}\n", 5, 23, "readings.signature", "mean 'hex-body'?"),
        (ACME + "unit: credits\n", 5, 1, "unit", "Did you mean 'companies[0].unit'?"),
        (
            "companies:\n  - name: A\n    unit: credits\n",
            2,
            5,
            "companies[0].balance",
            "is missing",
        ),
        (
            "companies: [{name: A, unit: credits, balance: 0.4}]\n",
            1,
            47,
            "companies[0].balance",
            "multiple of 1 credits",
        ),
        (
            "companies: [{name: A, unit: credit, balance: 4}]\n",
            1,
            29,
            "companies[0].unit",
            "Did you mean 'credits'?",
        ),
        (ACME + "    keys: [sk_a]\n", 5, 12, "companies[0].keys[0]", "expected an API key"),
        (ACME + "    keys: [{key: a}]\n", 5, 18, "companies[0].keys[0].key", "begins with sk_"),
        (ACME + "    keys: [{key: sk_a.b}]\n", 5, 18, "companies[0].keys[0].key", "a dot would"),
        (
            ACME + "    keys: [{key: sk_a, scopes: [sourcing]}]\n",
            5,
            33,
            "companies[0].keys[0].scopes[0]",
            "expected one of sourcing:write",
        ),
        (
            ACME + "    keys: [{key: sk_a, plan: Trial}]\n",
            5,
            24,
            "companies[0].keys[0].plan",
            "does not know the key yet",
        ),
        (
            ACME + "    keys:\n      - key: sk_a\n      - key: sk_a\n",
            7,
            14,
            "companies[0].keys[1].key",
            "the key 'sk_a' stands already on line 6",
        ),
        (
            ACME + "  - {name: Acme, unit: minutes, balance: 0}\n",
            5,
            12,
            "companies[1].name",
            "the company 'Acme' stands already on line 2",
        ),
        (
            ACME + "    webhooks: [{id: 1, events: [PING]}]\n",
            5,
            21,
            "companies[0].webhooks[0].id",
            "expected a UUID such as 123e4567",
        ),
        (
            ACME + f"    webhooks: [{{id: {WEBHOOK}, events: [SOURCING_DONE]}}]\n",
            5,
            68,
            "companies[0].webhooks[0].events[0]",
            "expected one of SOURCING_COMPLETED",
        ),
        (
            ACME + f"    webhooks: [{{id: {WEBHOOK}, events: [PING], url: ftp://x}}]\n",
            5,
            80,
            "companies[0].webhooks[0].url",
            "expected an http:// or https:// URL",
        ),
        (
            ACME + f"    webhooks: [{{id: {WEBHOOK}, events: [PING], headers: {{'a b': c}}}}]\n",
            5,
            85,
            "companies[0].webhooks[0].headers.a b",
            "expected a header name",
        ),
        (
            ACME + f"    webhooks:\n      - {{id: {WEBHOOK}, events: [PING]}}\n"
            f"      - {{id: {WEBHOOK.upper()}, events: [PING]}}\n",
            7,
            14,
            "companies[0].webhooks[1].id",
            "stands already on line 6",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(text, line, column, key, part):
    with pytest.raises(FileError) as caught:
        world_of(text, "w.yaml")
    told = caught.value.details
    assert part in told["why"]
    assert (told["file"], told["key"]) == ("w.yaml", key)
    assert (told["line"], told["column"]) == (line, column)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_world(tmp_path / "missing.yaml")
