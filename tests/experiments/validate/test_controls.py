"""An arm that moves what it cannot is found; two halves of one arm are alike."""

import numpy as np
import pytest

from experiments.records.reading import row_of, rows_of
from experiments.records.validity import Verdict
from experiments.validate.controls import AFTER, BEFORE, SPLITS, _p_values, controls
from tests.experiments.small_runs import table
from tests.experiments.validate.evidences import ended, evidence, log_of, spoiled

TREATMENT = 1


def judged(run, **logs):
    with evidence(run, **logs) as found:
        return list(controls(found))


@pytest.fixture(scope="module")
def checks(small_run):
    return judged(small_run)


def test_nothing_moves_that_no_arm_can_move_in_a_sound_run(checks):
    assert not ended(checks, Verdict.FAIL)
    assert not ended(checks, Verdict.UNTOLD)
    told = {check.fact for check in checks}
    assert {"assignment", "first_query_text", *BEFORE} <= told
    assert {f"control_against_control_in_{name}" for name in AFTER} <= told


def test_a_difference_is_that_of_the_means_of_all_shoppers(small_run, checks):
    visits = table(log_of(small_run, "experiment"), "sessions").groupby("shopper").size()
    assigned = table(log_of(small_run, "experiment"), "assignments")
    own = visits.reindex(assigned.unit).fillna(0).to_numpy()
    arm = assigned.arm.to_numpy()
    row = row_of(checks, fact="visits", arm="dense")
    assert row.found.estimate == pytest.approx(own[arm == 1].mean() - own[arm == 0].mean())
    assert row.found.low < row.found.estimate < row.found.high


def test_the_corrected_p_values_are_of_one_family(checks):
    family = [row for row in checks if row.fact in ("assignment", "first_query_text", *BEFORE)]
    least = min(family, key=lambda row: row.p_value)
    assert least.p_holm == pytest.approx(min(1.0, len(family) * least.p_value))


def fewer_visits(rows):
    """The treatment loses half of its sessions, as if its shoppers had known."""
    lost = (rows.arm == TREATMENT) & (np.arange(len(rows)) % 2 == 0)
    return rows[~lost]


def other_words(rows):
    """Whoever is in the treatment asks for one thing."""
    rows.loc[rows.arm == TREATMENT, "text"] = rows.text.iloc[0]


def phones(rows):
    rows.loc[rows.arm == TREATMENT, "device"] = 0


@pytest.mark.parametrize(
    ("table_name", "change", "moved"),
    [
        ("sessions", fewer_visits, {"visits", "visits_on_the_first_day"}),
        ("requests", other_words, {"first_query_text"}),
        ("requests", phones, {"phone"}),
    ],
)
def test_an_arm_that_moves_what_it_cannot_is_found(small_run, tmp_path, table_name, change, moved):
    log = spoiled(log_of(small_run, "experiment"), tmp_path / "log", table_name, change)
    failed = {fact for _, fact in ended(judged(small_run, experiment=log), Verdict.FAIL)}
    assert moved <= failed
    assert failed <= moved | {"hour_of_the_first_visit", "first_query_never_asked_before"}


def test_arms_that_were_filled_by_what_shoppers_did_before_are_found(small_run, tmp_path):
    """Those who clicked much before are in the treatment: the outcome chose the arm."""
    clicks = table(log_of(small_run, "history"), "exposures").groupby("shopper").clicked.sum()

    def change(rows):
        own = clicks.reindex(rows.unit).fillna(0).to_numpy()
        rows["arm"] = (own > np.median(own)).astype("int8")

    log = spoiled(log_of(small_run, "experiment"), tmp_path / "log", "assignments", change)
    failed = {fact for _, fact in ended(judged(small_run, experiment=log), Verdict.FAIL)}
    assert {"clicks_before", "visits_before"} <= failed


def test_an_arm_that_lost_shoppers_is_found(small_run, tmp_path):
    def change(rows):
        return rows[(rows.arm == 0) | (rows.unit % 2 == 0)]

    log = spoiled(log_of(small_run, "experiment"), tmp_path / "log", "assignments", change)
    assert ("experiment", "assignment") in ended(judged(small_run, experiment=log), Verdict.FAIL)


def test_a_sound_test_calls_one_in_twenty_random_halves():
    shopper_U = np.arange(2_000)
    value_UM = np.random.default_rng(4).lognormal(0.0, 1.0, (2_000, 2))
    p_KM = _p_values(value_UM, shopper_U)
    assert p_KM.shape == (SPLITS, 2)
    assert np.all(np.abs((p_KM < 0.05).mean(axis=0) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / SPLITS))


def test_an_outcome_that_hangs_on_one_shopper_is_found(small_run, tmp_path):
    """Welch's test never calls it, whatever the arms do: its intervals are of no use."""
    folder = log_of(small_run, "experiment")
    buyer = table(folder, "orders").query("arm == 0").request.iloc[0]

    def change(rows):
        rows.loc[rows.request == buyer, "price"] = 1e9

    log = spoiled(folder, tmp_path / "log", "orders", change)
    rows = judged(small_run, experiment=log)
    told = row_of(rows, fact="calls_among_splits_in_gmv")
    assert told.verdict is Verdict.FAIL
    assert told.found.estimate < 0.02
    sound = rows_of(rows, fact="calls_among_splits_in_clicks")
    assert sound[0].verdict is not Verdict.FAIL
