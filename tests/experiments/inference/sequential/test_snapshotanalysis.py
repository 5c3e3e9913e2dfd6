"""Every experiment of a table, monitored; proven on the 78 experiments of ASOS."""

import time

import duckdb
import numpy as np
import pytest

from experiments.inference.sequential.plans import UnitsPlan
from experiments.inference.sequential.snapshotanalysis import analyse_snapshots
from experiments.inference.sequential.snapshots import read_snapshots
from experiments.inference.sequential.spending import POCOCK
from experiments.records.experiment.sequential import Sequential
from experiments.records.reading import read_record, write_record
from simulator.errors import DataError
from tests.experiments.inference.sequential.test_snapshots import table, written


@pytest.fixture(scope="module")
def asos(data):
    return data / "asos_experiments" / "asos_digital_experiments.parquet"


@pytest.fixture(scope="module")
def analysed(asos):
    before = time.process_time()
    found = analyse_snapshots(asos)
    assert time.process_time() - before < 15  # seconds of processor; 2 on a quiet machine
    return found


def test_all_experiments_of_asos_are_monitored_in_seconds(analysed):
    assert len({each.experiment for each in analysed.series}) == 78
    assert len({(each.experiment, each.variant) for each in analysed.series}) == 99
    assert sum(len(each.looks) for each in analysed.series) == 24_153 - 778 - 9
    assert analysed.findings[:2] == (
        "rows left out (a mean or a variance is missing): 779",
        "rows left out (an arm has fewer than 2 units): 8",
    )


def test_counts_of_asos_that_shrink_are_told(analysed):
    assert analysed.findings[2:] == (
        "rows whose count_treatment is less than before: 8, first row 7050 (experiment 4db6c7, "
        "variant 2, metric 1, time 18.0): 633555 after 636737",
    )


def test_the_four_arms_of_asos_with_a_sample_ratio_mismatch_are_named(analysed):
    found = [(each.experiment, each.variant) for each in analysed.arms if each.mismatch]
    assert found == [("26bd38", "1"), ("530a76", "1"), ("834947", "1"), ("a68bf4", "1")]
    told = [each for each in analysed.arms if each.ratio is not None]
    assert len(told) == 91
    assert {each.ratio.statistic**0.5 > 3.29 for each in told if each.mismatch} == {True}
    assert {each.ratio.statistic**0.5 > 3.29 for each in told if not each.mismatch} == {False}


def test_the_last_look_of_asos_is_that_of_plain_sql(analysed, asos):
    peer = duckdb.sql(
        "SELECT experiment_id, variant_id::VARCHAR, metric_id::VARCHAR, "
        "arg_max(mean_t - mean_c, time_since_start), "
        "arg_max(sqrt(variance_c / count_c + variance_t / count_t), time_since_start) "
        f"FROM '{asos}' WHERE variance_c IS NOT NULL AND NOT isnan(variance_c) "
        "AND NOT isnan(variance_t) AND count_c > 1 AND count_t > 1 GROUP BY ALL"
    ).fetchall()
    wanted = {tuple(ids): numbers for *ids, effect, error in peer for numbers in [(effect, error)]}
    assert len(wanted) == len(analysed.series)
    for each in analysed.series:
        last = each.looks[-1]
        effect, error = wanted[each.experiment, each.variant, each.metric]
        assert last.effect.estimate == pytest.approx(effect, rel=1e-12)
        assert last.effect.high - last.effect.low == pytest.approx(2 * 1.959964 * error, rel=1e-4)
        assert last.fraction == pytest.approx(1.0)


def test_peeking_at_asos_finds_twice_what_its_end_shows_and_the_sequence_less(analysed):
    last = [each.looks[-1] for each in analysed.series]
    ends = sum(each.effect.holds(0.0) is False for each in last)
    fixed, sequence, group = (
        sum(getattr(each, f"by_{rule}") != "untold" for each in last)
        for rule in ("fixed", "sequence", "group")
    )
    assert (len(last), ends, fixed, sequence, group) == (381, 105, 225, 105, 141)


def steps(looks, clock):
    """Increments of the score over their expected deviation: N(0, 1) with a steady effect of 0."""
    keep = [0]
    for at in range(1, len(clock)):
        if clock[at] >= 1.02 * clock[keep[-1]]:
            keep.append(at)
    score = (looks.effect_K / looks.error_K * np.sqrt(clock))[keep]
    return np.diff(score) / np.sqrt(np.diff(clock[keep]))


def test_paths_of_asos_wander_more_than_the_canonical_law_lets_them(asos):
    """What docs/sequential.md says of them: effects there change with time."""
    series = [each for each in read_snapshots(asos).series if each.looks.control.level_K[0] > 0]
    for clock, least in (("units_K", 1.8), ("precision_K", 1.3)):
        for metric, factor in (("1", 1), ("4", 1.5)):
            own = [each.looks for each in series if each.metric == metric]
            squares = np.concatenate([steps(each, getattr(each, clock)) for each in own]) ** 2
            assert np.median(squares) / 0.4549 > least * factor, (clock, metric)


def test_a_plan_of_ones_own_holds_for_its_experiment_alone(tmp_path):
    frame = table()
    frame.loc[3:, "experiment_id"] = "e2"
    found = analyse_snapshots(
        written(tmp_path, frame), plans={"e1": UnitsPlan(600, 660)}, spending=POCOCK, alpha=0.1
    )
    one, two = found.series
    assert [row.fraction for row in one.looks] == pytest.approx([1 / 6, 1 / 3, 1 / 2])
    assert [row.fraction for row in two.looks] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert (one.planned, one.clock) == (pytest.approx(4 * 600 * 660 / 1_260), "units")
    assert (found.confidence, found.spending) == (0.9, "pocock")
    assert found.peeking == ()


def test_a_metric_that_precision_is_no_clock_of_is_refused_by_its_name(tmp_path):
    frame = table(mean_c=dict.fromkeys(range(3, 6), -1.0))
    told = r"experiment e1, variant 2, metric 1: control.level_K\[-1\] == -1.0, must be > 0"
    with pytest.raises(DataError, match=told):
        analyse_snapshots(written(tmp_path, frame), clock="precision")


def test_arms_far_from_even_are_not_judged_and_empty_ones_have_no_share(tmp_path):
    frame = table(count_c=dict.fromkeys(range(6), 0), count_t=dict.fromkeys(range(3), 0))
    found = analyse_snapshots(written(tmp_path, frame))
    assert [(arm.share, arm.mismatch, arm.ratio) for arm in found.arms] == [
        *((None, None, None), (1.0, None, None)),
    ]
    assert found.series == ()


def test_the_record_survives_its_file(tmp_path):
    found = analyse_snapshots(written(tmp_path, table()), clock="precision")
    write_record(tmp_path, found)
    assert read_record(Sequential, tmp_path) == found
