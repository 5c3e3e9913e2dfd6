"""Past experiments: what comes of them, and tables that cannot be used."""

import pandas as pd
import pytest

from experiments.cli import run_command
from experiments.inference.intervals.student import reach
from experiments.records.reading import read_record, row_of
from experiments.records.truth import Truths
from experiments.records.validity import Validity, Verdict
from experiments.validate.past.compare import compare_past
from experiments.validate.past.table import read_past
from simulator.errors import DataError
from tests.experiments.validate.past.test_agreement import experiments


def frame(rows):
    return pd.DataFrame(
        {
            "test": [row.test for row in rows],
            "change": ["more recall"] * len(rows),
            "estimate": [row.estimate for row in rows],
            "standard_error": [row.error for row in rows],
            "simulated": [row.simulated for row in rows],
            "simulated_standard_error": [row.simulated_error for row in rows],
        }
    )


def written(folder, rows):
    path = folder / "past.csv"
    (rows if isinstance(rows, pd.DataFrame) else frame(rows)).to_csv(path, index=False)
    return path


def verdicts(path):
    found = compare_past(path, 0.95)
    return {check.fact: check.verdict for check in found.checks}, found


def test_a_simulator_that_is_right_passes(tmp_path):
    told, found = verdicts(written(tmp_path, experiments(1, count=120, noise=0.2)))
    assert told["signs_that_agree"] is Verdict.PASS
    assert told["correlation"] is Verdict.PASS
    assert told["calibration_slope"] is Verdict.PASS
    assert len(found.tests) == 120
    assert sum(row.agree for row in found.tests) / 120 == found.checks[0].found.estimate


def test_one_that_exaggerates_is_warned_of_and_one_of_other_signs_fails(tmp_path):
    told, _ = verdicts(written(tmp_path, experiments(2, true=0.3, noise=0.1)))
    assert told["calibration_slope"] is Verdict.WARN
    told, _ = verdicts(written(tmp_path, experiments(3, true=-1.0, noise=0.2)))
    assert {told[fact] for fact in ("signs_that_agree", "correlation", "calibration_slope")} == {
        Verdict.FAIL
    }


def test_a_table_in_per_cent_is_suspected(tmp_path):
    rows = frame(experiments(4, noise=0.2))
    rows[["estimate", "standard_error"]] *= 100
    _, found = verdicts(written(tmp_path, rows))
    assert "is one of the two in per cent" in row_of(found.checks, fact="calibration_slope").note


def spoiled(column, value):
    rows = frame(experiments(5, count=8)).astype({column: object})
    rows.loc[3, column] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (spoiled("estimate", "1.2 %"), "row 4: estimate == '1.2 %', must be a number"),
        (spoiled("standard_error", 0), "row 4: standard_error == 0, must be > 0"),
        (spoiled("simulated", None), "row 4: simulated == None, must be a number"),
        (spoiled("simulated_standard_error", -1), "simulated_standard_error == -1, must be > 0"),
        (spoiled("test", "t1"), "test == 't1' in rows 2 and 4, must be one row for each"),
        (spoiled("test", " "), "row 4: test == '', must be a name"),
        (frame(experiments(6, count=4)), r"rows == 4, must be >= 5 past experiments"),
        (frame(experiments(6)).drop(columns="standard_error"), "must have standard_error"),
        (
            frame(experiments(6)).drop(columns="simulated"),
            "must have simulated and simulated_standard",
        ),
        (frame(experiments(6)).rename(columns={"change": "lift"}), "column 'lift' is not known"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_place(tmp_path, rows, told):
    with pytest.raises(DataError, match=told):
        read_past(written(tmp_path, rows))


def test_a_file_that_is_no_table_is_refused(tmp_path):
    with pytest.raises(DataError, match="must be a CSV or Parquet file"):
        read_past(tmp_path / "nothing.csv")


def test_the_simulated_effect_may_be_that_of_a_finished_run(small_run, tmp_path):
    rows = frame(experiments(7, count=6))[["test", "estimate", "standard_error"]]
    truth = next(row for row in read_record(Truths, small_run).truth if row.relative.ends)
    rows["run"], rows["metric"] = str(small_run), truth.metric
    (first, *_) = read_past(written(tmp_path, rows))
    assert first.simulated == truth.relative.estimate
    low, high = truth.relative.ends
    wide = reach(1.0, truth.freedom, confidence=0.95)  # Student's: of few worlds far above 1.96
    assert first.simulated_error == pytest.approx((high - low) / 2 / float(wide))
    rows["metric"] = "clix"
    with pytest.raises(DataError, match=r"metric == 'clix', must be one of .*orders"):
        read_past(written(tmp_path, rows))


def test_the_command_tells_of_past_experiments(small_run, tmp_path, capsys):
    path, out = written(tmp_path, experiments(8)), tmp_path / "out"
    run_command(
        ["validate", str(small_run), "--out", str(out), "--experiments", str(path), "--audit", "0"]
    )
    assert "Calibration slope" in capsys.readouterr().out
    assert len(read_record(Validity, out).past) == 50
    page = (out / "validity.html").read_text()
    assert "Effects found and simulated" in page
    assert "77 % of 50 tests" in page
