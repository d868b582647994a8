"""The shipped scenarios as files: names, summaries, expectations. They are replayed elsewhere."""

import re

import pytest

from preview_sim.domain.scenario import Expectation, ProviderPlan
from preview_sim.library import Library, load_scenario
from preview_sim.library.shelf import shipped_folder

PATHS = sorted(shipped_folder("scenarios").iterdir())
SHIPPED = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@SHIPPED
def test_it_loads_and_its_name_is_its_files_name(path):
    assert path.suffix == ".yaml"
    assert load_scenario(path.read_bytes(), path.name).name == path.stem


@SHIPPED
def test_its_summary_is_one_sentence(path):
    summary = load_scenario(path.read_bytes(), path.name).summary
    assert re.fullmatch(r"[A-Z](?:[^.!?]|\.(?=\S))+\.", summary), summary


@SHIPPED
def test_it_is_tagged_and_says_what_a_replay_must_see(path):
    scenario = load_scenario(path.read_bytes(), path.name)
    expect = scenario.expect
    assert scenario.tags
    assert expect.ledger is not None
    assert None not in (expect.http, expect.pages, expect.webhooks)
    if expect.http == 202:
        assert expect.status is not None
        assert expect.elapsed is not None
    else:
        assert expect == Expectation(
            http=expect.http,
            error_code=expect.error_code,
            ledger=expect.ledger,
            pages=(),
            webhooks=(),
        )
    assert (expect.error_code is None) == (expect.status == "completed")


@SHIPPED
def test_its_ledger_agrees_with_its_pages(path):
    expect = load_scenario(path.read_bytes(), path.name).expect
    charged = [page for page in expect.pages if page != "failed"]
    assert expect.ledger.charged == len(charged)
    assert expect.ledger.held == expect.ledger.charged + expect.ledger.released


def test_happy_is_what_a_scenario_is_that_says_nothing():
    assert Library().get("happy").provider == ProviderPlan()
