"""Tables of snapshots: read in any order and form, and refused by place and value."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.inference.sequential.snapshots import SnapshotColumns, read_snapshots
from simulator.errors import DataError

COLUMNS = [*SnapshotColumns().model_dump().values()]


def table(**changes):
    """Two series of three looks; changes replace cells: column -> {row: value}."""
    rows = [
        ("e1", variant, metric, time, 100 * time, 110 * time, 1.0 + metric, 1.5, 2.0, 3.0)
        for variant, metric in ((1, 1), (2, 1))
        for time in (1, 2, 3)
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"time_since_start": float})
    for column, cells in changes.items():
        for row, value in cells.items():
            kind = float if isinstance(value, float) else object
            frame[column] = frame[column].astype(kind)
            frame.loc[row, column] = value
    return frame


def written(folder, frame, name="table.csv"):
    path = folder / name
    if name.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.parquet"])
def test_csv_and_parquet_are_read_alike(tmp_path, name):
    found = read_snapshots(written(tmp_path, table(), name))
    assert found.findings == ()
    assert [(s.experiment, s.variant, s.metric) for s in found.series] == [
        *(("e1", "1", "1"), ("e1", "2", "1")),
    ]
    looks = found.series[0].looks
    assert looks.time_K.tolist() == [1.0, 2.0, 3.0]
    assert looks.control.n_K.tolist() == [100.0, 200.0, 300.0]
    assert looks.effect_K.tolist() == [-0.5] * 3
    assert looks.treatment.error_K == pytest.approx(np.sqrt(3 / (110 * looks.time_K)))
    assert [(arm.n_control, arm.n_treatment) for arm in found.arms] == [(300, 330)] * 2


def test_rows_in_any_order_are_the_same_table_and_that_is_told(tmp_path):
    mixed = read_snapshots(written(tmp_path, table().iloc[[4, 2, 0, 5, 1, 3]], "mixed.parquet"))
    looks = {s.variant: s.looks for s in mixed.series}
    assert looks["1"].time_K.tolist() == looks["2"].time_K.tolist() == [1.0, 2.0, 3.0]
    assert looks["1"].control.n_K.tolist() == [100.0, 200.0, 300.0]
    assert mixed.findings == (
        "rows of an earlier time than the row of their series above them: 2, first row 3 "
        "(experiment e1, variant 1, metric 1, time 1.0); all were sorted",
    )


def test_rows_that_tell_no_effect_are_left_out_and_counted(tmp_path):
    frame = table(
        variance_c={0: np.nan, 1: 0.0},
        variance_t={1: 0.0},
        mean_t={4: np.nan},
        count_c={3: 1},
    )
    for name in ("table.csv", "table.parquet"):
        found = read_snapshots(written(tmp_path, frame, name))
        assert found.findings == (
            "rows left out (a mean or a variance is missing): 2",
            "rows left out (an arm has fewer than 2 units): 1",
            "rows left out (nothing varies): 1",
        )
        assert [s.looks.time_K.tolist() for s in found.series] == [[3.0], [3.0]]


def test_no_number_is_missing_as_none_is(tmp_path):
    """In Parquet NaN and NULL are two things; in CSV there are words for both."""
    frame = table(variance_c={0: np.nan}, mean_t={4: np.nan})
    path = tmp_path / "nan.parquet"
    pq.write_table(pa.table({name: frame[name].to_numpy() for name in COLUMNS}), path)
    text = tmp_path / "nan.csv"
    frame.to_csv(text, index=False, na_rep="NaN")
    for each in (path, text):
        found = read_snapshots(each)
        assert found.findings == ("rows left out (a mean or a variance is missing): 2",)


def test_a_treatment_that_tells_nothing_still_has_its_size(tmp_path):
    frame = table(variance_c=dict.fromkeys(range(3), np.nan))
    found = read_snapshots(written(tmp_path, frame))
    assert [s.variant for s in found.series] == ["2"]
    assert [arm.variant for arm in found.arms] == ["1", "2"]


def test_a_count_that_shrinks_a_little_is_told_with_place_and_values(tmp_path):
    found = read_snapshots(written(tmp_path, table(count_t={2: 218})))
    assert found.findings == (
        "rows whose count_treatment is less than before: 1, first row 3 (experiment e1, variant 1, "
        "metric 1, time 3.0): 218 after 220",
    )
    assert found.series[0].looks.treatment.n_K.tolist() == [110.0, 220.0, 218.0]


def test_dates_and_moments_are_times_in_days(tmp_path):
    days = {row: f"2024-03-0{1 + row % 3} 12:00:00" for row in range(6)}
    for name, frame in (
        ("table.csv", table(time_since_start=days)),
        (
            "table.parquet",
            table().assign(time_since_start=pd.to_datetime([*days.values()])),
        ),
    ):
        time = read_snapshots(written(tmp_path, frame, name)).series[0].looks.time_K
        assert (time - time[0]).tolist() == [0.0, 1.0, 2.0]
        assert time[0] == 19783.5


def test_columns_of_other_names_are_named_once(tmp_path):
    frame = table().rename(columns={"count_c": 'odd "name"', "metric_id": "kpi"})
    path = written(tmp_path, frame)
    columns = SnapshotColumns(count_control='odd "name"', metric="kpi")
    assert len(read_snapshots(path, columns).series) == 2
    wanted = r"columns.mean_control == 'means_c', must be a column \(the closest: 'mean_c'\)"
    with pytest.raises(DataError, match=wanted):
        read_snapshots(path, columns.model_copy(update={"mean_control": "means_c"}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"variance_c": {1: -0.1}},
            r"table.csv, row 2 \(experiment e1, variant 1, metric 1, time 2.0\): variance_c == "
            r".*-0.1.*, must be >= 0",
        ),
        ({"count_c": {1: 90.5}}, "count_c == .*90.5.*, must be a whole number, 0 or more"),
        ({"count_t": {0: -3}}, "count_t == .*-3.*, must be a whole number, 0 or more"),
        ({"count_t": {0: "many"}}, "count_t == .*many.*, must be a number"),
        ({"count_t": {0: np.nan}}, "row 1 .*count_t == .*, must be a number"),
        ({"count_c": {2: 150}}, "count_c == .*150.*, must be cumulative: at least 95% of the most"),
        ({"mean_c": {5: "x"}}, "row 6 .*: mean_c == .*x.*, must be a number"),
        ({"mean_c": {5: np.inf}}, "row 6 .*: mean_c == .*inf.*, must be a number"),
        (
            {"time_since_start": {1: 1.0}},
            "row 2 .*time_since_start == .*1.0.*, must be another time",
        ),
        ({"time_since_start": {1: np.nan}}, "time_since_start == .*, must be a number"),
        ({"experiment_id": {0: ""}}, "experiment_id == .*, must be a name"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_place_and_value(tmp_path, changes, told):
    with pytest.raises(DataError, match=told):
        read_snapshots(written(tmp_path, table(**changes)))


def test_all_that_is_wrong_is_told_at_once_and_the_rest_counted(tmp_path):
    frame = table(variance_c=dict.fromkeys(range(6), -1.0), mean_t={0: "x"})
    with pytest.raises(DataError) as caught:
        read_snapshots(written(tmp_path, frame))
    lines = str(caught.value).splitlines()
    assert sum("variance_c" in line for line in lines) == 5
    assert "(and 1 more rows like this)" in str(caught.value)
    assert "mean_t" in str(caught.value)


def test_a_path_with_quotes_is_only_a_path(tmp_path):
    folder = tmp_path / "it's; DROP"
    folder.mkdir()
    assert len(read_snapshots(written(folder, table())).series) == 2


def test_files_that_are_no_table_are_refused(tmp_path):
    with pytest.raises(DataError, match="must be an existing file"):
        read_snapshots(tmp_path / "none.csv")
    written(tmp_path, table(), "whole.parquet")
    cut = tmp_path / "cut.parquet"
    cut.write_bytes((tmp_path / "whole.parquet").read_bytes()[:-200])
    with pytest.raises(DataError, match=r"cut.parquet == unreadable .*, must be a whole table"):
        read_snapshots(cut)
    bad = tmp_path / "bad.csv.gz"
    bad.write_bytes(gzip.compress(table().to_csv(index=False).encode())[:-30])
    with pytest.raises(DataError, match=r"bad.csv.gz == unreadable"):
        read_snapshots(bad)
    (tmp_path / "head.csv").write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(DataError, match=r"head.csv == no rows, must be a table with at least one"):
        read_snapshots(tmp_path / "head.csv")
    (tmp_path / "table.json").write_text("[]")
    with pytest.raises(DataError, match=r"table.json == .json, must be Parquet or CSV"):
        read_snapshots(tmp_path / "table.json")
