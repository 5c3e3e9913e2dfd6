"""Rows of a log become units: sums equal pandas', and what is wrong is refused or told."""

from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from experiments.analyze.reading.logunits import BEFORE, SEGMENT, TABLE, LogUnits, build_units
from experiments.analyze.reading.source import frame_source
from experiments.analyze.settings import LogSpec
from simulator.errors import DataError

METRICS = (
    {"name": "gmv", "value": "revenue", "where": "event = 'purchase'"},
    {"name": "views", "where": "event = 'view'"},
    {"name": "ctr", "where": "event = 'click'", "over": "views"},
)


def events(n: int = 4_000, units: int = 600, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    unit = rng.integers(0, units, n)
    return pd.DataFrame(
        {
            "unit": unit,
            "arm": np.where(unit % 3 == 0, "B", "A"),
            "event": rng.choice(["view", "click", "purchase"], n, p=[0.8, 0.15, 0.05]),
            "revenue": rng.lognormal(3, 1, n),
            "at": pd.Timestamp("2025-03-01") + pd.to_timedelta(rng.uniform(0, 9e5, n), unit="s"),
            "device": np.where(unit % 5 == 0, "phone", "desktop"),
            "age": (unit % 60).astype(float),
        }
    )


def built(frame: Any, **settings: Any) -> tuple[LogUnits, pd.DataFrame]:
    spec = LogSpec(**({"path": "-", "metrics": METRICS} | settings))
    with duckdb.connect() as connection:
        units = build_units(connection, frame_source(connection, frame), spec)
        return units, connection.execute(f"SELECT * FROM {TABLE} ORDER BY unit").df()


def test_sums_are_those_of_pandas() -> None:
    frame = events()
    units, table = built(frame, segments=["device"], covariates=["age"], time="at")
    by = frame.groupby("unit")
    bought = frame[frame["event"] == "purchase"].groupby("unit")["revenue"].sum()
    wanted = bought.reindex(table["unit"]).fillna(0.0).to_numpy()
    np.testing.assert_allclose(table["gmv"], wanted, rtol=1e-12)
    seen = (frame["event"] == "view").groupby(frame["unit"]).sum()
    np.testing.assert_array_equal(table["views"], seen)
    assert (table[SEGMENT + "device"] == by["device"].first()).all()
    first = (by["at"].min() - pd.Timestamp(0)).dt.total_seconds()
    np.testing.assert_allclose(table["first_at"], first, atol=1e-3)
    assert units.arms == ("A", "B")
    assert (table["arm"] == np.where(table["unit"] % 3 == 0, "B", "A")).all()
    assert units.remarks == ()
    assert units.before == ()


def test_a_table_of_units_is_taken_as_it_is() -> None:
    frame = pd.DataFrame(
        {"who": ["x", "y", "z"], "arm": ["A", "B", "B"], "gmv": [1.0, 2.0, 4.0], "old": [0, 3, 5]}
    )
    units, table = built(
        frame,
        rows="units",
        unit="who",
        metrics=[{"name": "gmv", "value": "gmv", "before": "old"}],
    )
    assert table["gmv"].tolist() == [1.0, 2.0, 4.0]
    assert table[BEFORE + "gmv"].tolist() == [0.0, 3.0, 5.0]
    assert units.before == ("gmv",)


def assigned_file(tmp_path: Any, frame: pd.DataFrame, at: pd.Timestamp) -> str:
    table = frame.groupby("unit", as_index=False)["arm"].first().assign(at=at)
    table.to_parquet(tmp_path / "assigned.parquet")
    return str(tmp_path / "assigned.parquet")


def test_events_before_their_assignment_are_the_time_before(tmp_path: Any) -> None:
    frame, middle = events(), pd.Timestamp("2025-03-05")
    path = assigned_file(tmp_path, frame, middle)
    units, table = built(frame.drop(columns="arm"), arm=None, assignments=path, time="at")
    assert units.before == ("gmv", "views", "ctr")
    counts = frame[frame["event"] == "view"].groupby(["unit", frame["at"] >= middle]).size()
    counts = counts.unstack(fill_value=0).reindex(table["unit"]).fillna(0)
    np.testing.assert_array_equal(table["views"], counts[True])
    np.testing.assert_array_equal(table[BEFORE + "views"], counts[False])


def test_units_that_never_came_count_with_zeros_and_strangers_are_left_out(tmp_path: Any) -> None:
    frame = events()
    path = assigned_file(tmp_path, events(), pd.Timestamp("2025-01-01"))
    kept = frame[(frame["unit"] != 0) & (frame["unit"] != 1)].drop(columns="arm")
    stranger = kept.iloc[:3].assign(unit=10_000)
    units, table = built(pd.concat([kept, stranger]), arm=None, assignments=path, time="at")
    assert table["views"][:2].tolist() == [0, 0]
    assert len(table) == frame["unit"].nunique()
    said = " ".join(units.remarks)
    assert "3 rows of the data frame are of units that nobody assigned" in said
    assert "2 of 600 assigned units have no row; they count with zeros" in said


def test_units_in_two_arms_are_left_out_and_told() -> None:
    frame = events()
    frame.loc[frame.index[frame["unit"] == 3][:1], "arm"] = "A"
    units, table = built(frame)
    assert 3 not in set(table["unit"])
    assert units.remarks == ("1 of 600 units are in several arms and were left out",)


def test_many_units_in_two_arms_come_first_with_an_alarm() -> None:
    frame = events()
    moved = frame["unit"] < 20
    frame.loc[moved, "arm"] = np.random.default_rng(0).choice(["A", "B"], moved.sum())
    units, _ = built(frame)
    assert "more than one in a hundred" in units.remarks[0]


def test_repeated_events_are_counted_once() -> None:
    frame = events().assign(id=lambda rows: np.arange(len(rows)))
    twice = pd.concat([frame, frame.iloc[:50]])
    _, once = built(frame)
    units, table = built(twice, event="id")
    np.testing.assert_array_equal(table["views"], once["views"])
    assert units.remarks == ("50 rows repeat the id of an event and were left out",)


def test_arms_come_control_first_with_their_planned_shares() -> None:
    units, table = built(events(), control="B", arms={"A": 2 / 3, "B": 1 / 3})
    assert units.arms == ("B", "A")
    assert units.expected == {"B": 1 / 3, "A": 2 / 3}
    assert (table["arm"] == np.where(table["unit"] % 3 == 0, "B", "A")).all()


def spoiled(**columns: Any) -> pd.DataFrame:
    return events().assign(**columns)


@pytest.mark.parametrize(
    ("frame", "settings", "wanted"),
    [
        (spoiled(arm="A"), {}, r"arm == 'A' alone, must be two arms or more"),
        (spoiled(arm=None), {}, r"no unit with an arm"),
        (
            events(),
            {"arms": {"A": 0.5, "C": 0.5}},
            r"arm == 'B' of 200 units, must be one of: A, C",
        ),
        (events(), {"arms": {"A": 0.4, "B": 0.3, "C": 0.3}}, r"arms.C == no unit"),
        (events(), {"control": "Z"}, r"control == 'Z', must be one of: A, B"),
        (events(), {"unit": "user"}, r"unit == 'user', must be a column of the data frame"),
        (events(), {"rows": "units"}, r"unit '.*' == \d+ rows, must be in one"),
        (
            spoiled(revenue=lambda rows: rows["revenue"].where(rows.index != 7)),
            {"metrics": [{"name": "gmv", "value": "revenue"}]},
            r"metrics.gmv of 1 rows == nothing, must be a number \(missing = 'zero'",
        ),
        (
            spoiled(revenue=lambda rows: rows["revenue"].where(rows.index != 7, np.inf)),
            {"metrics": [{"name": "gmv", "value": "revenue"}]},
            r"metrics.gmv of 1 units == no finite number",
        ),
        (
            events(),
            {"metrics": [{"name": "gmv", "value": "revenu"}]},
            r"metrics == .*revenu.*, must be SQL of numbers",
        ),
        (
            events(),
            {"metrics": [{"name": "gmv", "value": "event"}]},
            r"metrics == .*, must be SQL of numbers over the columns",
        ),
        (
            spoiled(unit=lambda rows: rows["unit"].where(rows.index > 4).astype("Int64")),
            {},
            r"unit of 5 of 4,000 rows == nothing that can be read",
        ),
        (
            spoiled(at=lambda rows: rows["at"].where(rows.index > 4)),
            {"time": "at"},
            r"at of 5 of 4,000 rows == nothing that can be read",
        ),
        (spoiled(at="soon"), {"time": "at"}, r"at of 4,000 of 4,000 rows == nothing"),
    ],
)
def test_what_no_number_can_be_told_from_is_refused(
    frame: pd.DataFrame, settings: dict[str, Any], wanted: str
) -> None:
    with pytest.raises(DataError, match=wanted):
        built(frame, **settings)


def test_missing_numbers_may_be_taken_as_zeros_and_are_counted() -> None:
    frame = spoiled(revenue=lambda rows: rows["revenue"].where(rows.index != 7))
    units, _ = built(frame, missing="zero", metrics=[{"name": "gmv", "value": "revenue"}])
    assert units.remarks == ("gmv is missing in 1 rows, taken as 0",)


def test_a_segment_that_changes_within_a_unit_is_told() -> None:
    frame = events()
    frame.loc[frame.index[frame["unit"] == 4][:1], "device"] = "phone"
    units, _ = built(frame, segments=["device"])
    assert "1 units have several values of device" in units.remarks[0]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"metrics": [{"name": "a"}, {"name": "a"}]}, r"metrics.name == 'a' 2 times"),
        ({"metrics": [{"name": "a", "over": "b"}]}, r"metrics.a.over == 'b', must be one of: a"),
        ({"arms": {"A": 0.5, "B": 0.4}}, r"shares that sum to 0.9, must sum to 1"),
        ({"arm": None}, r"arm == none, must be a column where there are no assignments"),
        (
            {"metrics": [{"name": "a", "role": "primary"}, {"name": "b", "role": "primary"}]},
            r"metrics.role == primary for a, b, must be for one",
        ),
        ({"metrics": [{"name": "a", "margin": 0.1}]}, r"metrics.a.margin == 0.1, must be of a"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], wanted: str) -> None:
    with pytest.raises(ValidationError, match=wanted):
        LogSpec(**({"path": "-", "metrics": METRICS} | settings))
