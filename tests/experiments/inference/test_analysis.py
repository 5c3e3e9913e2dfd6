import math
from dataclasses import asdict

import numpy as np
import pyarrow.parquet as pq
import pytest

from experiments.inference.analysis import analyse, unestimated
from experiments.inference.metrics import METRICS
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Estimate, Metrics, Retrieval
from experiments.records.reading import read_record, write_record
from experiments.truth.table import truth_table
from simulator.errors import ConfigError, DataError
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import read, sums

HALVES = {"control": 0.5, "treatment": 0.5}


def analysed(log, history=None, **options):
    return analyse(log, history, **{"name": "x", "arms": HALVES, "control": "control"} | options)


@pytest.fixture(scope="module")
def content(log, history):
    return analysed(log, history, retrieval=[Retrieval("lexical", 1, 0, 0.5, 0.5, 1.0)])


def test_every_metric_is_estimated_plain_and_adjusted(content):
    rows = [(row.metric, row.cuped) for row in content.estimates]
    assert rows == [(metric, cuped) for metric in METRICS for cuped in (False, True)]


def test_without_a_history_nothing_is_adjusted(log):
    assert not any(row.cuped for row in analysed(log).estimates)


def test_every_arm_is_compared_with_control(tmp_path):
    arms = {"a": 0.2, "b": 0.5, "c": 0.3}
    log = write_log(tmp_path / "log", arms=tuple(arms), shares=tuple(arms.values()))
    found = analysed(log, arms=arms, control="b", metrics=(METRICS["gmv"],))
    assert [row.contrast for row in found.estimates] == [("b", "a"), ("b", "c")]
    assert found.srm[0].p_value > 1e-3


def test_the_last_day_equals_the_estimate(content):
    whole = {r.metric: r.effect.numbers for r in content.estimates if not r.cuped}
    last = {r.metric: r.effect.numbers for r in content.daily if r.day == 2}
    assert set(last) == {"gmv", "orders", "uctcvr", "ctr"}
    for metric, numbers in last.items():
        assert numbers == pytest.approx(whole[metric])


def test_the_funnel_counts_what_the_log_holds(content, log):
    counts = {r.stage: r.count for r in content.funnel if r.arm == "treatment"}
    tables = {name: read(log, name) for name in ("requests", "exposures", "orders", "candidates")}
    rows = {name: t[t["arm"] == 1] for name, t in tables.items() if "arm" in t}
    assert counts["requests"] == len(rows["requests"])
    assert counts["merged"] == rows["requests"]["merged"].sum()
    assert counts["shown"] == len(rows["exposures"])
    assert counts["clicked"] == rows["exposures"]["clicked"].sum()
    assert counts["carted"] == rows["exposures"]["carted"].sum()
    assert counts["purchased"] == len(rows["orders"])
    traced = tables["candidates"].merge(rows["requests"][["request"]])
    share = (traced["sources"] & 1).mean()
    assert counts["recalled:lexical"] == round(share * counts["merged"])


def test_latency_and_endings_equal_plain_ones(content, log):
    requests, sessions = read(log, "requests"), read(log, "sessions")
    own = requests[requests["arm"] == 0]["latency"].astype(float)
    row = content.latency[0]
    found = [row.mean, row.p50, row.p90, row.p99, row.max]
    wanted = [own.mean(), *np.quantile(own, [0.5, 0.9, 0.99]), own.max()]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    reasons = {r.reason: r.sessions for r in content.end_reasons if r.arm == "control"}
    assert reasons == sessions[sessions["arm"] == 0]["end_reason"].value_counts().to_dict()


def test_hours_of_the_day_equal_plain_ones_and_hold_every_request(content, log):
    requests = read(log, "requests")
    own = requests[(requests["arm"] == 1) & (requests["at"] % 86_400 // 3600 == 20)]
    (row,) = (each for each in content.hours if (each.arm, each.hour) == ("treatment", 20))
    late = own["latency"].astype(float)
    assert row.requests == len(own)
    assert (row.mean, row.p99) == pytest.approx((late.mean(), np.quantile(late, 0.99)), rel=1e-6)
    assert sum(each.requests for each in content.hours) == len(requests)
    assert content.without == ()


def test_health_agrees_with_the_table_of_shoppers(content, log):
    table = sums(log, ["shopper", "arm"]).xs(0, level="arm")
    row = content.health.requests[0]
    assert row.arm == "control"
    assert (row.requests, row.shoppers) == (table["requests"].sum(), len(table))
    wanted = table["zero_results"].sum() / table["first_pages"].sum()
    assert row.zero_result_rate == pytest.approx(wanted)
    wanted = table["clickless_sessions"].sum() / table["sessions"].sum()
    assert row.abandonment == pytest.approx(wanted)


def test_a_healthy_log_has_no_warnings(content):
    assert content.health.warnings == ()
    assert all(test.p_value > 1e-3 for test in content.srm)


def fault(arm, requests, reason="raised", detail="no such file"):
    return {
        "arm": arm, "channel": "dense", "reason": reason, "requests": requests, "detail": detail
    }  # fmt: skip


def test_a_dropped_channel_is_named_with_its_share_and_warned_of_above_a_percent(tmp_path):
    faults = (fault("treatment", 100), fault("control", 1, "deadline", ""))
    health = analysed(write_log(tmp_path / "log", faults=faults)).health
    requests = health.requests[1].requests
    assert next(row.share for row in health.dropped) == pytest.approx(100 / requests)
    (warning,) = health.warnings
    assert warning == (
        f"arm treatment: channel dense was dropped from {100 / requests:.1%} of requests "
        "(raised: no such file)"
    )


def test_a_sample_ratio_mismatch_is_the_first_warning(log):
    found = analysed(log, arms={"control": 0.6, "treatment": 0.4})
    assert found.srm[0].p_value < 1e-3
    assert found.health.warnings[0].startswith("sample ratio mismatch among assigned")


def test_shoppers_served_by_a_foreign_arm_are_warned_of(tmp_path):
    log = write_log(tmp_path / "log", shoppers=200)
    other = write_log(tmp_path / "other", shoppers=200, luck=5)
    foreign = read(log, "assignments")["arm"].to_numpy() != read(other, "assignments")["arm"]
    (log / "assignments").rename(tmp_path / "away")
    (other / "assignments").rename(log / "assignments")
    warnings = analysed(log).health.warnings
    assert (
        f"{foreign.sum()} shoppers were served by an arm that they were not assigned to" in warnings
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"clicks": 0.0}, "arm control has no clicked at all"),
        ({"orders": 0.0}, "gmv (also CUPED), treatment against control: the arms have no gmv"),
        ({"empty": 1.0}, "arm treatment has no shown at all"),
        ({"shares": (1.0, 0.0)}, "an arm has no exposed shoppers"),
        ({"shoppers": 1}, "an arm has no exposed shoppers"),
        ({"shoppers": 0}, "arm control has no requests at all"),
    ],
)
def test_a_log_without_events_is_analysed_with_nulls_and_warnings(tmp_path, options, told):
    log = write_log(tmp_path / "log", **{"shoppers": 60} | options)
    history = write_log(tmp_path / "history", shoppers=60, luck=3, arms=("bootstrap",))
    content = analysed(log, history)
    write_record(tmp_path, content)
    read_back = read_record(Metrics, tmp_path)
    assert read_back == content
    assert any(told in warning for warning in read_back.health.warnings)
    assert len(read_back.estimates) == 2 * len(METRICS)


def test_a_log_of_a_world_without_visits_is_analysed_too(tmp_path):
    log = write_log(tmp_path / "log", shoppers=50)
    for table in ("requests", "sessions", "exposures", "orders", "candidates", "assignments"):
        for shard in (log / table).iterdir():
            pq.write_table(pq.read_table(shard).slice(0, 0), shard)
    content = analysed(log, log)
    assert all(row.effect == UNKNOWN for row in content.estimates)
    assert content.srm[0].p_value is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arms": {"a": 0.5, "b": 0.5}}, "arms == a, b, must be those of the log: control, treat"),
        ({"control": "base"}, "control == 'base', must be one of: control, treatment"),
        ({"primary": "profit"}, "primary == 'profit', must be one of: gmv"),
    ],
)
def test_settings_that_do_not_fit_the_log_are_refused(log, options, message):
    with pytest.raises(ConfigError, match=message):
        analysed(log, **options)


def test_truth_stands_beside_every_unadjusted_estimate(tmp_path, content):
    worlds = {arm: [write_log(tmp_path / arm, shoppers=800, arms=(arm,), luck=4)] for arm in HALVES}
    found = truth_table(worlds, content, control="control", method="realised")
    naive = {r.metric: r.effect for r in content.estimates if not r.cuped}
    assert [row.metric for row in found.truth] == list(METRICS)
    for row in found.truth:
        assert row.effect == Interval(0.0, 0.0, 0.0)
        assert row.naive == naive[row.metric]
        assert row.bias == row.naive.estimate
        assert isinstance(row.covered, bool)


def test_truth_without_a_control_world_is_refused(content, tmp_path):
    with pytest.raises(DataError, match="must include control 'control'"):
        truth_table({"treatment": [tmp_path]}, content, control="control")


def test_all_numbers_of_an_analysis_are_finite(content):
    def numbers(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list | tuple):
            return [number for inner in value for number in numbers(inner)]
        return [value] if isinstance(value, float) else []

    found = numbers(asdict(content))
    assert all(math.isfinite(number) for number in found)
    assert len(found) > 250


def test_what_one_reason_left_out_is_told_once_whatever_it_left_out():
    def row(metric, treatment, cuped):
        return Estimate(
            metric, ("a", treatment), "shopper", 0, 0, 0, None, None, UNKNOWN, UNKNOWN, None, cuped
        )

    found = [
        (row(metric, treatment, cuped), "no orders" if metric != "ctr" else "")
        for treatment in "bcd"
        for metric in ("gmv", "ctr", "aov")
        for cuped in (False, True)
    ]
    assert unestimated(found) == (
        "gmv (also CUPED), aov (also CUPED), b, c, d against a: no orders",
    )
