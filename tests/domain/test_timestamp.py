"""Moments and durations: what is written is what is read."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.domain.timestamp import (
    STILL_CLOCK_START_MS,
    parse_duration,
    to_iso,
    write_duration,
)


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (STILL_CLOCK_START_MS, "2025-01-01T00:00:00.000Z"),
        (STILL_CLOCK_START_MS + 1, "2025-01-01T00:00:00.001Z"),
        (STILL_CLOCK_START_MS - 1, "2024-12-31T23:59:59.999Z"),
        (STILL_CLOCK_START_MS + 59_999, "2025-01-01T00:00:59.999Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
    ],
)
def test_a_moment_is_written_with_milliseconds_and_z(moment, written):
    assert to_iso(moment) == written


@given(st.integers(0, 253_402_300_799_999))
def test_every_moment_up_to_the_year_9999_reads_back_exactly(moment):
    written = to_iso(moment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", written)
    read = datetime.fromisoformat(written)
    assert (read - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000 == pytest.approx(
        moment, abs=0.1
    )


@given(st.lists(st.integers(0, 253_402_300_799_999), max_size=20))
def test_moments_sort_as_their_texts_do(moments):
    assert [to_iso(moment) for moment in sorted(moments)] == sorted(map(to_iso, moments))


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0ms", 0),
        ("0s", 0),
        ("1ms", 1),
        ("250ms", 250),
        ("15s", 15_000),
        ("90s", 90_000),
        ("5m", 300_000),
        ("1h", 3_600_000),
        ("999999999ms", 999_999_999),
    ],
)
def test_a_duration_is_a_whole_number_and_a_unit(text, ms):
    assert parse_duration(text) == ms


@pytest.mark.parametrize(
    "text",
    ["", "15", "s", "1.5s", "-1s", "+1s", " 15s", "15s ", "15 s", "15S", "1d", "1m30s", "15s\n",
     "1e3ms", "1234567890ms", "0x10s", "१५s"],
)  # fmt: skip
def test_anything_else_is_refused_with_examples_and_what_came(text):
    with pytest.raises(
        ValueError, match="expected a duration such as 250ms, 15s, 5m or 1h"
    ) as came:
        parse_duration(text)
    assert repr(text) in str(came.value)


@given(st.integers(0, 999_999_999))
def test_a_written_duration_is_read_back(duration):
    assert parse_duration(write_duration(duration)) == duration


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0ms"), (999, "999ms"), (1_000, "1s"), (1_500, "1500ms"), (90_000, "90s"),
     (300_000, "5m"), (3_600_000, "1h"), (5_400_000, "90m")],
)  # fmt: skip
def test_a_duration_is_written_in_its_largest_whole_unit(ms, text):
    assert write_duration(ms) == text
