"""`demo`: four acts on a real server, each judged; both forms are played once, side by side."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def demos(run):
    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip(
                ("text", "json"),
                pool.map(lambda form: run("demo", f"--format={form}"), ("text", "json")),
                strict=True,
            )
        )


def test_json_has_four_acts_that_are_all_right(demos):
    ended = demos["json"]
    assert (ended.code, ended.err) == (0, "")
    acts = json.loads(ended.out)["acts"]
    assert [act["ok"] for act in acts] == [True] * 4
    assert [act["http"] for act in acts] == [202, 202, 202, 402]
    assert [act["scenario"] for act in acts] == [
        *("happy", "exhausted-on-page-2", "provider-fails-on-page-3", "happy")
    ]
    for act in acts:
        assert act["findings"], act["title"]
        assert all(finding["ok"] for finding in act["findings"])
    assert [len(act["results"].get("candidates", ())) for act in acts] == [20, 33, 0, 0]
    assert [len(act["webhooks"]) for act in acts] == [1, 1, 1, 0]
    assert [act["accountAfter"]["charged"] for act in acts] == [1, 3, 5, 0]


def test_text_shows_the_same_acts_plainly_where_there_is_no_terminal(demos):
    ended = demos["text"]
    assert (ended.code, ended.err) == (0, "")
    for number, act in enumerate(json.loads(demos["json"].out)["acts"], 1):
        assert f"{number}. {act['title']} " in ended.out
    assert ended.out.rstrip().endswith("All 4 acts are as the contract says.")
    assert "✗" not in ended.out
    assert "\x1b" not in ended.out


def test_the_readme_shows_an_act_as_it_is(demos):
    [block] = re.findall(
        r"^```\n(3\. .*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    shown = plain(demos["text"].out)
    for line in block.splitlines():
        words = re.escape(plain(line)).replace("…", r"\S*")
        found = re.search(words, shown)
        assert found, f"{line!r} of README.md is not in what the demo shows"
        shown = shown[found.end() :]


def plain(text: str) -> str:
    """One line of words, whatever the width was."""
    return " ".join(text.replace("─", " ").split())
