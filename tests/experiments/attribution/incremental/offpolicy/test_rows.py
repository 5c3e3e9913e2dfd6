import json
import shutil
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from experiments.attribution.incremental.arms import open_arm
from experiments.attribution.incremental.offpolicy.judge import TABLE, judge
from experiments.attribution.incremental.offpolicy.rows import (
    JUDGED,
    SlotTable,
    off_policy_job,
    off_policy_rows,
)
from experiments.attribution.run import attribute_run
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.offpolicy.clickweights import JudgedPages, click_slots, looked_at
from experiments.inference.offpolicy.totals import Totals
from experiments.records.attribution import AttributionRecord
from experiments.records.reading import read_record
from experiments.running.models import LOG
from experiments.stages.finished import finished_config
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from simulator.behaviour.clickmodels import PositionBased
from simulator.errors import DataError
from tests.experiments.small_runs import run, small_config, table

EXPLORING = (
    *("funnel.exploration=0.3", "truth.seeds=0", "catalog.stock_days=1e6"),
    *("shoppers.count=800", "world.days=3"),
)
STANDARD_ERRORS = 4


@contextmanager
def arm_of(folder, name):
    config = finished_config(folder, [])
    with RunFolder(folder) as opened:
        yield open_arm(config, Maker(opened, config.execution, NoProgress()), name)


@pytest.fixture(scope="module")
def exploring(tmp_path_factory):
    """A finished run that shows a third of its queries random pages."""
    return run(small_config(*EXPLORING), tmp_path_factory.mktemp("exploring") / "run")


@pytest.fixture(scope="module")
def greedy(small_run, tmp_path_factory):
    """A finished run that explores nothing."""
    folder = tmp_path_factory.mktemp("greedy") / "run"
    shutil.copytree(small_run, folder, symlinks=True)
    return folder


def judged(folder, name):
    with arm_of(folder, name) as arm:
        rows, warnings = off_policy_rows(arm, confidence=0.95)
    return {(row.event, row.estimator): row for row in rows}, warnings


def noted(folder, name):
    """The slots that the job left."""
    with arm_of(folder, name) as arm:
        off_policy_rows(arm, confidence=0.95)
        return pd.read_parquet(off_policy_job(arm).stage.path / TABLE)


@pytest.fixture(scope="module")
def own(exploring):
    return judged(exploring, "control")


def new_queries(log):
    """Requests of the control arm for the first page of a query that is new in its session."""
    requests = table(log, "requests")
    requests = requests[requests["arm"] == 0].sort_values("request")
    return requests.drop_duplicates(["session", "text"])


def error(row):
    return (row.value.high - row.value.low) / 3.92


@pytest.mark.parametrize("estimator", ["ips", "snips", "dr"])
def test_a_log_that_explores_tells_what_its_own_greedy_pages_bring(own, estimator):
    """Clicks depend on place and item alone. So does not what a choice among clicked items buys,
    but where whole pages agree that is no matter, and the truth is held against lifts."""
    rows, warnings = own
    found, truth = rows["click", estimator], rows["click", "truth"]
    assert abs(found.value.estimate - truth.value.estimate) < STANDARD_ERRORS * error(found)
    assert found.value.estimate > 0.1
    for event in JUDGED:
        found, truth = rows[event, estimator], rows[event, "truth"]
        reach = [np.log1p(row.relative.high) - np.log1p(row.relative.low) for row in (found, truth)]
        gap = np.log1p(found.relative.estimate) - np.log1p(truth.relative.estimate)
        assert abs(gap) < STANDARD_ERRORS * np.hypot(*reach) / 3.92
        assert truth.relative.estimate > 0.05  # random pages are worse
    assert found.supported == 1
    assert warnings == []


def test_the_truth_counts_the_log_as_its_requests_are(own, exploring):
    rows, _ = own
    log = exploring / "log"
    requests, exposures = new_queries(log), table(log, "exposures")
    seen = requests[(requests["shown"] == 0) | requests["request"].isin(exposures["request"])]
    assert rows["click", "truth"].requests == len(seen)
    assert rows["click", "truth"].shoppers == seen["shopper"].nunique()
    assert len(seen) < len(table(log, "requests").query("arm == 0"))


def test_the_noted_slots_are_those_of_the_log(exploring):
    slots = noted(exploring, "control")
    exposures = table(exploring / "log", "exposures")
    shown = slots[slots["item"] >= 0].merge(exposures, on=["request", "item"], validate="1:1")
    assert len(shown) == (slots["item"] >= 0).sum()
    assert (shown["slot"] == shown["position"]).all()
    assert (shown["clicked_x"] == shown["clicked_y"]).all()
    assert (shown["propensity_x"] == shown["propensity_y"]).all()


def test_judged_pages_of_the_logging_arm_are_its_greedy_ones(exploring):
    """Their propensity in the log says so, and where nothing explored they are the log's."""
    slots = noted(exploring, "control")
    requests = table(exploring / "log", "requests")[["request", "ranked"]]
    both = slots[(slots["item"] >= 0) & (slots["judged"] >= 0)].merge(requests, on="request")
    same = both["item"] == both["judged"]
    np.testing.assert_allclose(both["propensity"], 0.7 * same + 0.3 / both["ranked"], rtol=1e-6)
    assert 0.6 < same.mean() < 0.95
    assert (slots.loc[slots["judged"] >= 0, "chance"] > 0).all()
    np.testing.assert_allclose(both["chance"], 0.7 + 0.3 / both["ranked"], rtol=1e-12)
    assert (slots["item"] >= 0).eq(slots["judged"] >= 0).all()


def test_items_that_only_the_judged_arm_finds_are_not_supported(exploring):
    rows, warnings = judged(exploring, "dense")
    found = rows["click", "ips"]
    assert 0 < found.supported < 0.95
    assert rows["click", "truth"].supported is None
    assert any("of the judged slots hold an item that the log could" in each for each in warnings)
    slots = noted(exploring, "dense")
    hits = slots[slots["item"].eq(slots["judged"]) & (slots["item"] >= 0)]
    np.testing.assert_allclose(hits["chance"], hits["propensity"], rtol=1e-6)
    assert 0 < found.burden < 1
    assert (hits["bin"] == hits["judged_bin"]).all()


def test_without_exploration_the_arm_itself_gets_the_logs_own_mean_and_is_warned_of(greedy):
    rows, warnings = judged(greedy, "control")
    log = greedy / "log"
    exposures, orders = table(log, "exposures"), table(log, "orders")
    requests = new_queries(log)["request"]
    n = rows["click", "ips"].requests
    clicks = exposures[exposures["request"].isin(requests)]["clicked"].sum()
    assert rows["click", "ips"].value.estimate == pytest.approx(clicks / n, rel=1e-15)
    bought = orders[orders["request"].isin(requests)]
    assert rows["purchase", "ips"].value.estimate == pytest.approx(len(bought) / n, rel=1e-15)
    assert rows["gmv", "ips"].value.estimate == pytest.approx(
        (bought["price"] * bought["quantity"]).sum() / n
    )
    for event in JUDGED:
        values = [rows[event, name].value.estimate for name in ("ips", "snips", "dr")]
        assert values == pytest.approx([values[0]] * 3, rel=1e-9)
        assert rows[event, "ips"].relative.estimate == rows[event, "truth"].relative.estimate == 0
    assert rows["click", "ips"].largest == 1
    (told,) = (each for each in warnings if "no exploration" in each)
    assert told.startswith("off-policy: control by the log of control: the log has no exploration")


def test_without_exploration_another_arm_is_supported_only_where_both_agree(greedy):
    slots = noted(greedy, "dense")
    agree = slots["item"].eq(slots["judged"]) & (slots["item"] >= 0)
    assert slots["chance"].eq(agree).all()


def test_the_same_question_gets_the_same_bits(own, exploring):
    again, _ = judged(exploring, "control")
    assert again == own[0]
    with arm_of(exploring, "control") as arm, engine(EngineSpec(threads=1)) as connection:
        one = SlotTable(connection, off_policy_job(arm))
        totals, *_ = one.totals(one.model(arm.config.funnel.slots))
    assert float(totals.weighted_EU[0].sum() / totals.requests_U.sum()) == pytest.approx(
        again["click", "ips"].value.estimate, rel=1e-15
    )


def paged(slots, name, fill):
    """(requests, slots) one column of the noted slots."""
    _, row = np.unique(slots["request"], return_inverse=True)
    found = np.full((row.max() + 1, slots["slot"].max() + 1), fill, slots[name].dtype)
    found[row, slots["slot"]] = slots[name]
    return found


def test_click_weights_tell_what_clicks_the_same_items_get_at_other_places(greedy):
    """The world's examination is known, and in its expectation there is no luck of clicking: the
    weighted clicks of logged places are those of the judged ones, to the rounding of the log."""
    slots = noted(greedy, "dense").sort_values(["request", "slot"])
    items_PK, judged_PK = paged(slots, "item", -1), paged(slots, "judged", -1)
    expected_PK, truth_PK = paged(slots, "base_click", 0.0), paged(slots, "truth_click", 0.0)
    device_P = slots.groupby("request")["device"].first().to_numpy()
    examination_DK = PositionBased().examination(items_PK.shape[1]).astype(np.float64)[::-1]
    nothing_EPK = np.zeros((1, *items_PK.shape))
    pages = JudgedPages(
        shopper_P=np.arange(len(items_PK)),
        logged_PK=items_PK,
        judged_PK=judged_PK,
        clicked_PK=items_PK >= 0,
        outcomes_EPK=expected_PK[None],
        chance_PK=looked_at(examination_DK, device_P, items_PK),
        judged_chance_PK=looked_at(examination_DK, device_P, judged_PK),
        model_EPK=nothing_EPK,
        judged_model_EPK=nothing_EPK,
    )
    found_P = Totals.of(click_slots(pages), len(items_PK)).weighted_EU[0]
    on_page_PK = (judged_PK[:, :, None] == items_PK[:, None]).any(axis=2) & (judged_PK >= 0)
    moved_PK = on_page_PK & (judged_PK != items_PK)
    assert moved_PK.sum() > 1_000
    np.testing.assert_allclose(found_P, (truth_PK * on_page_PK).sum(axis=1), rtol=1e-5, atol=1e-6)


def test_a_log_of_another_version_is_refused(greedy, tmp_path):
    with arm_of(greedy, "dense") as arm:
        job = off_policy_job(arm)
        manifest = job.world.stage.path / LOG / "manifest.json"
        written = manifest.read_text()
        shutil.rmtree(job.stage.path, ignore_errors=True)
        try:
            manifest.write_text(json.dumps(json.loads(written) | {"digest": "other"}))
            with pytest.raises(DataError, match="digest == other, must be"):
                judge(job, advance=lambda requests: None)
            assert not job.stage.finished
        finally:
            manifest.write_text(written)


def test_a_run_tells_off_policy_estimates_where_it_is_asked_for_them(exploring):
    attribute_run(
        exploring,
        overrides=["attribution.incremental=['offpolicy']", "attribution.rules=['any_touch']"],
        progress=NoProgress(),
    )
    record = read_record(AttributionRecord, exploring)
    assert {row.estimator for row in record.off_policy} == {"ips", "snips", "dr", "truth"}
    assert {(row.arm, row.logged) for row in record.off_policy} == {("dense", "control")}
    assert record.values == ()
    assert not any("worlds" in warning for warning in record.warnings)
    report = (exploring / "report.html").read_text()
    assert 'id="offpolicy"' in report
