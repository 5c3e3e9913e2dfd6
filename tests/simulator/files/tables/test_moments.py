from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simulator.files.tables.moments import moments

DAY = 86_400.0


def _days(*cells: object, times: str = "auto") -> list[float]:
    found = moments(cells, times)
    assert found.bad == {}
    return (found.seconds_I / DAY).tolist()


@pytest.mark.parametrize(
    "cells",
    [
        ("2024-01-01", "2024-01-31"),
        ("20240101", "20240131"),
        (20240101, 20240131),
        (20240101.0, 20240131.0),
        ("2024-01-01T00:00:00Z", "2024-01-31T00:00:00Z"),
        ("2024-01-01 00:00:00 +0000", "2024-01-31 00:00:00 +0000"),
        ("2024-01-01 00:00:00 UTC", "2024-01-31 00:00:00 UTC"),
        ("2024-01-01T01:00:00+01:00", "2024-01-31T00:00:00Z"),
        ("20240101T000000Z", "20240131T000000Z"),
        ("2024-01-01T00:00:00.000", "2024-01-31T00:00:00.000"),
        (date(2024, 1, 1), datetime(2024, 1, 31, tzinfo=UTC)),
        (1_704_067_200, 1_706_659_200),
        ("1704067200", "1706659200"),
        (1_704_067_200.0, 1_706_659_200.0),
        (1_704_067_200_000, 1_706_659_200_000),
        (1_704_067_200_000_000, 1_706_659_200_000_000),
        (1_704_067_200_000_000_000, 1_706_659_200_000_000_000),
    ],
)
def test_moments_are_days_before_the_newest_however_they_are_written(cells):
    assert _days(*cells) == pytest.approx([-30, 0])


def test_small_numbers_are_simulated_seconds():
    assert _days(-DAY, 0, "86400", 2.5 * DAY) == [-1, 0, 1, 2.5]


def test_empty_cells_have_no_moment():
    assert np.isnan(_days("", None, "2024-01-01")[:2]).all()


@pytest.mark.parametrize(
    ("cells", "bad"),
    [
        (("2020", "2021"), {0: "is it a year, or simulated seconds?", 1: "is it a year"}),
        (("2024-01-01", "2024-01-02", "soon"), {2: "an ISO 8601 date"}),
        (("2024-01-01", "2024-01-02", "01/02/2024"), {2: "an ISO 8601 date"}),
        (("2024-01-01", "2024-01-02", "2024-13-01"), {2: "an ISO 8601 date"}),
        (("2024-01-01", "2024-01-02", "9999-12-31"), {2: "from 1900 to 2100"}),
        (("2024-01-01", "2024-01-02", "0001-01-01"), {2: "from 1900 to 2100"}),
        (("2024-01-01", "2024-01-02", True), {2: "an ISO 8601 date"}),
        (("2024-01-01", "2024-01-02", 1_704_067_200), {2: "this one reads like unix_s"}),
        ((1_704_067_200, 1_704_067_200, 5), {2: "Unix time in seconds, of 1980 to 2100"}),
        ((1, 2, float("inf")), {2: "a number of simulated seconds"}),
        ((1, 2, [3]), {2: "a number of simulated seconds"}),
    ],
)
def test_what_is_no_moment_like_the_others_is_told(cells, bad):
    found = moments(cells).bad
    assert found.keys() == bad.keys()
    assert all(bad[row] in wanted for row, wanted in found.items())


def test_the_setting_decides_where_it_is_given():
    assert _days(1_704_067_200_000, 1_706_659_200_000, times="unix_ms") == pytest.approx([-30, 0])
    assert _days(2020, times="simulated") == pytest.approx([2020 / DAY])
    assert list(moments([1_704_067_200], "unix_ms").bad) == [0]


@given(
    times=st.lists(
        st.datetimes(datetime(1981, 1, 1), datetime(2099, 1, 1)), min_size=1, max_size=6
    ),
    style=st.sampled_from(["iso", "space", "basic", "unix", "ms", "text", "date"]),
)
def test_moments_in_one_style_are_read_back(times, style):
    whole = [time.replace(microsecond=0, tzinfo=UTC) for time in times]
    if style == "date":
        whole = [time.replace(hour=0, minute=0, second=0) for time in whole]
    write = {
        "iso": lambda t: t.isoformat(),
        "space": lambda t: t.strftime("%Y-%m-%d %H:%M:%S +0000"),
        "basic": lambda t: t.strftime("%Y%m%dT%H%M%SZ"),
        "unix": lambda t: int(t.timestamp()),
        "ms": lambda t: int(t.timestamp() * 1000),
        "text": lambda t: str(int(t.timestamp())),
        "date": lambda t: t.strftime("%Y%m%d"),
    }[style]
    found = moments([write(time) for time in whole])
    assert found.bad == {}
    newest = max(whole)
    expected = [(time - newest).total_seconds() for time in whole]
    np.testing.assert_allclose(found.seconds_I, expected, atol=1e-3)
