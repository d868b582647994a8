"""Scenario files: what a right one becomes, and what a wrong one is told."""

import json

import pytest

from preview_sim.domain.billing import Unit
from preview_sim.domain.errors import FileError
from preview_sim.domain.run import Outcome
from preview_sim.domain.scenario import (
    OK,
    TIMEOUT,
    AccountPlan,
    AttemptPlan,
    Expectation,
    Latency,
    LedgerExpectation,
    PagePlan,
    ProviderPlan,
    Scenario,
)
from preview_sim.domain.tenancy import KeyState
from preview_sim.library import load_scenario

HEAD = "sim: 1\nname: broken\nsummary: It is broken.\n"


def test_the_shortest_scenario_is_the_happy_case_under_another_name():
    assert load_scenario(HEAD, "f.yaml") == Scenario("broken", "It is broken.")


def test_every_key_arrives_in_the_domain():
    text = """
sim: 1
name: everything
summary: Every key is used.
tags: [one, two]
seed: 7
request: {title: NO, jobDescription: d, location: l, query: q, limit: 60, webhookId: w}
account: {balance: 0.8, unit: minutes, postpaid: true, key: revoked}
provider:
  total: 99
  latency: {min: 50ms, max: 2s}
  timeout: 5s
  retries: 3
  announces_end: false
  locale: de_DE
  sparse: 0.25
  unicode: true
  pages:
    1: {count: 5, latency: 1s, attempts: [ok, timeout, malformed, 429]}
    2: {error: 503}
    3: {hang: true, sparse: 1}
    4: {malformed: true}
    5: {duplicate_of: 2}
readings: {empty-page: free, signature: none}
expect:
  http: 202
  status: failed
  errorCode: AGENT_ERROR
  candidates: 0
  ledger: {held: 1.2, charged: 0.4, released: 0.8}
  pages: [ok, empty, failed]
  webhooks: []
  polls: [processing, failed]
  elapsed: 5m
"""
    assert load_scenario(text, "f.yaml") == Scenario(
        name="everything",
        summary="Every key is used.",
        tags=("one", "two"),
        seed=7,
        request={
            "title": "NO",
            "jobDescription": "d",
            "location": "l",
            "query": "q",
            "limit": 60,
            "webhookId": "w",
        },
        account=AccountPlan(Unit.MINUTES, 48, postpaid=True, key_state=KeyState.REVOKED),
        provider=ProviderPlan(
            total=99,
            latency=Latency(50, 2000),
            timeout=5000,
            retries=3,
            announces_end=False,
            locale="de_DE",
            sparse=0.25,
            unicode=True,
            pages={
                1: PagePlan(
                    count=5,
                    latency=Latency(1000, 1000),
                    attempts=(
                        OK,
                        TIMEOUT,
                        AttemptPlan(Outcome.MALFORMED),
                        AttemptPlan(Outcome.ERROR, 429),
                    ),
                ),
                2: PagePlan(always=AttemptPlan(Outcome.ERROR, 503)),
                3: PagePlan(always=TIMEOUT, sparse=1),
                4: PagePlan(always=AttemptPlan(Outcome.MALFORMED)),
                5: PagePlan(duplicate_of=2),
            },
        ),
        readings={"empty-page": "free", "signature": "none"},
        expect=Expectation(
            http=202,
            status="failed",
            error_code="AGENT_ERROR",
            candidates=0,
            ledger=LedgerExpectation(1.2, 0.4, 0.8),
            pages=("ok", "empty", "failed"),
            webhooks=(),
            polls=("processing", "failed"),
            elapsed=Latency(300_000, 300_000),
        ),
    )


def test_a_balance_counts_credits_unless_told():
    assert load_scenario(HEAD + "account: {balance: 5}\n", "f.yaml").account == AccountPlan(
        Unit.CREDITS, 5
    )


def test_json_will_do_as_well():
    given = {"sim": 1, "name": "json", "summary": "In JSON – “as it is”.", "seed": 3}
    assert load_scenario(json.dumps(given, ensure_ascii=False), "inline").seed == 3


def test_without_a_judge_of_locales_any_that_looks_like_one_is_taken():
    assert load_scenario(HEAD + "provider: {locale: xx_XX}\n", "f").provider.locale == "xx_XX"


BROKEN = [
    # text, line, column, key, parts of why
    ("- a\n", 1, 1, "", ["expected a preview-sim scenario", "got a list of 1"]),
    ("happy\n", 1, 1, "", ["got the text 'happy'"]),
    # Required keys.
    ("name: x\nsummary: s\n", 1, 1, "sim", ["is missing; expected 1"]),
    ("sim: 1\nsummary: s\n", 1, 1, "name", ["is missing; expected a name of a-z"]),
    ("sim: 1\nname: x\n", 1, 1, "summary", ["is missing; expected text of 1 to 300 characters"]),
    ("sim: 2\nname: x\nsummary: s\n", 1, 6, "sim", ["expected 1, the format", "got 2"]),
    ("sim: true\nname: x\nsummary: s\n", 1, 6, "sim", ["got true"]),
    # Unknown keys; a missing required key is then not worth saying.
    ("sim: 1\nnmae: x\nsummary: s\n", 2, 1, "nmae", ["unknown key", "Did you mean 'name'?"]),
    (HEAD + "Provider: {}\n", 4, 1, "Provider", ["Did you mean 'provider'?"]),
    (
        HEAD + "provider:\n  pages:\n    3: {eror: 503}\n",
        6,
        9,
        "provider.pages.3.eror",
        ["unknown key; expected one of count, latency, error,", "Did you mean 'error'?"],
    ),
    (HEAD + "total: 5\n", 4, 1, "total", ["Did you mean 'provider.total'?"]),
    (HEAD + "limit: 5\n", 4, 1, "limit", ["Did you mean 'request.limit'?"]),
    (HEAD + "sumary: x\n", 4, 1, "sumary", ["unknown key; expected one of sim, name, summary"]),
    (HEAD + "expect: {error: X}\n", 4, 10, "expect.error", ["or 'errorCode'?"]),
    (HEAD + "provider: {pages: {6: {}}}\n", 4, 20, "provider.pages.6", ["one of 1, 2, 3, 4, 5"]),
    (HEAD + "readings: {empty_page: free}\n", 4, 12, "readings.empty_page", ["'empty-page'?"]),
    (HEAD + "<<: {a: b}\n", 4, 1, "<<", ["unknown key"]),
    # Keys of a later version are not guessed at.
    (HEAD + "api: {preview: []}\n", 4, 1, "api", ["does not know the key yet"]),
    (HEAD + "results: {}\n", 4, 1, "results", ["does not know the key yet"]),
    (HEAD + "webhook: {}\n", 4, 1, "webhook", ["does not know the key yet"]),
    (HEAD + "match: {}\n", 4, 1, "match", ["does not know the key yet"]),
    (HEAD + "account: {plan: Trial}\n", 4, 11, "account.plan", ["does not know the key yet"]),
    # Types, with what YAML 1.1 would have made of them.
    (HEAD + "provider:\n", 4, 10, "provider", ["expected a mapping", "got nothing"]),
    (HEAD + "tags: one\n", 4, 7, "tags", ["expected a list", "got the text 'one'"]),
    (HEAD + "tags: [One]\n", 4, 8, "tags[0]", ["expected a tag of a-z"]),
    (HEAD + "request: {title: 12}\n", 4, 18, "request.title", ["got 12; put it in quotes"]),
    (HEAD + "request: {title: true}\n", 4, 18, "request.title", ["got true; put it in quotes"]),
    (HEAD + "provider: {unicode: yes}\n", 4, 21, "provider.unicode", ["expected true or false"]),
    (HEAD + "provider: {total: 017}\n", 4, 19, "provider.total", ["got the text '017'"]),
    (HEAD + "provider: {total: 1_000}\n", 4, 19, "provider.total", ["got the text '1_000'"]),
    (HEAD + "provider: {sparse: .inf}\n", 4, 20, "provider.sparse", ["got the text '.inf'"]),
    (HEAD + "provider: {latency: 1:30}\n", 4, 21, "provider.latency", ["got the text '1:30'"]),
    (HEAD + "provider: {latency: 200}\n", 4, 21, "provider.latency", ["such as 250ms", "got 200"]),
    (HEAD + "provider: {timeout: 15 s}\n", 4, 21, "provider.timeout", ["got the text '15 s'"]),
    (HEAD + "provider: {locale: no-NO}\n", 4, 20, "provider.locale", ["a Faker locale such as"]),
    (HEAD + "seed: ~\n", 4, 7, "seed", ["expected a whole number from 0", "got the text '~'"]),
    (HEAD + "seed: 1.5\n", 4, 7, "seed", ["got 1.5"]),
    ("sim: 1\nname: NO\nsummary: s\n", 2, 7, "name", ["expected a name of a-z", "'NO'"]),
    ('sim: 1\nname: "x\\n"\nsummary: s\n', 2, 7, "name", ["is not accepted"]),
    # Values out of range or of no known word.
    (HEAD + "request: {limit: 101}\n", 4, 18, "request.limit", ["from 1 to 100, got 101"]),
    (HEAD + "request: {limit: 0}\n", 4, 18, "request.limit", ["from 1 to 100, got 0"]),
    (HEAD + "provider: {total: -1}\n", 4, 19, "provider.total", ["from 0 to 1000000, got -1"]),
    (HEAD + "provider: {sparse: 1.5}\n", 4, 20, "provider.sparse", ["from 0 to 1, got 1.5"]),
    (HEAD + "account: {key: revokd}\n", 4, 16, "account.key", ["Did you mean 'revoked'?"]),
    (HEAD + "account: {balance: 1, unit: euro}\n", 4, 29, "account.unit", ["credits, minutes"]),
    (HEAD + "readings: {signature: nome}\n", 4, 23, "readings.signature", ["mean 'none'?"]),
    (HEAD + "expect: {status: faild}\n", 4, 18, "expect.status", ["Did you mean 'failed'?"]),
    (
        HEAD + "expect: {webhooks: [SOURCING_FAIL]}\n",
        4,
        21,
        "expect.webhooks[0]",
        ["Did you mean 'SOURCING_FAILED'?"],
    ),
    (HEAD + "expect: {http: 99}\n", 4, 16, "expect.http", ["from 100 to 599, got 99"]),
    (
        HEAD + "provider: {pages: {1: {error: 200}}}\n",
        4,
        31,
        "provider.pages.1.error",
        ["expected an HTTP status from 400 to 599, got 200"],
    ),
    (
        HEAD + "provider: {pages: {1: {attempts: [timout]}}}\n",
        4,
        35,
        "provider.pages.1.attempts[0]",
        ["expected ok, timeout, malformed or an HTTP status", "Did you mean 'timeout'?"],
    ),
    (HEAD + "provider: {pages: {1: {hang: false}}}\n", 4, 30, "provider.pages.1.hang", ["true ("]),
    # Values that exclude each other or can never happen.
    (
        HEAD + "provider:\n  pages:\n    1:\n      hang: true\n      error: 503\n",
        8,
        7,
        "provider.pages.1.error",
        ["excludes hang on line 7"],
    ),
    (
        HEAD + "provider: {pages: {1: {attempts: [ok], malformed: true}}}\n",
        4,
        40,
        "provider.pages.1.malformed",
        ["excludes attempts on line 4"],
    ),
    (
        HEAD + "provider: {pages: {1: {attempts: [500, 500, 500, ok]}}}\n",
        4,
        50,
        "provider.pages.1.attempts[3]",
        ["asked at most 3 times"],
    ),
    (
        HEAD + "provider: {pages: {2: {duplicate_of: 2}}}\n",
        4,
        38,
        "provider.pages.2.duplicate_of",
        ["an earlier page than 2, got 2"],
    ),
    (
        HEAD + "provider: {pages: {2: {duplicate_of: 5}}}\n",
        4,
        38,
        "provider.pages.2.duplicate_of",
        ["an earlier page than 2, got 5"],
    ),
    (
        HEAD + "provider: {latency: {min: 2s, max: 1s}}\n",
        4,
        27,
        "provider.latency.min",
        ["at most max, 1s, got 2s"],
    ),
    (HEAD + "provider: {latency: {min: 2s}}\n", 4, 21, "provider.latency.max", ["is missing"]),
    (HEAD + "provider: {timeout: 0s}\n", 4, 21, "provider.timeout", ["more than 0ms"]),
    (HEAD + "provider: {timeout: 25h}\n", 4, 21, "provider.timeout", ["at most 24h, got 25h"]),
    (HEAD + "provider: {locale: xx_XX}\n", 4, 20, "provider.locale", ["no locale of Faker"]),
    (HEAD + "account: {balance: 0.5}\n", 4, 20, "account.balance", ["multiple of 1 credits"]),
    (
        HEAD + "account: {balance: 0.25, unit: minutes}\n",
        4,
        20,
        "account.balance",
        ["multiple of 0.1 minutes"],
    ),
    (HEAD + "account: {unit: minutes}\n", 4, 11, "account.unit", ["expected balance beside it"]),
    (HEAD + "account: {postpaid: true}\n", 4, 11, "account.postpaid", ["balance beside it"]),
    (
        HEAD + "expect: {ledger: {held: 3, charged: 1, released: 1}}\n",
        4,
        18,
        "expect.ledger",
        ["held = charged + released, got 3 and 2"],
    ),
    (
        HEAD + "expect: {elapsed: {min: 2s, max: 1s}}\n",
        4,
        25,
        "expect.elapsed.min",
        ["at most max"],
    ),
]


@pytest.mark.parametrize(
    ("text", "line", "column", "key", "parts"),
    BROKEN,
    ids=[f"{key}: {parts[0]}" for _, _, _, key, parts in BROKEN],
)
def test_a_mistake_is_told_with_its_place_what_came_and_what_was_expected(
    text, line, column, key, parts
):
    with pytest.raises(FileError) as caught:
        load_scenario(text, "dir/f.yaml", known_locale={"en_US"}.__contains__)
    told = caught.value.details
    assert (told["file"], told["key"]) == ("dir/f.yaml", key)
    assert (told["line"], told["column"]) == (line, column)
    for part in parts:
        assert part in told["why"]
    assert caught.value.message.startswith(f"dir/f.yaml:{line}:{column}: ")
