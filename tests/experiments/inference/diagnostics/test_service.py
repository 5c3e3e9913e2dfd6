import numpy as np
import pandas as pd
import pytest

from experiments.inference.analysis import analyse
from experiments.inference.diagnostics import health as diagnostics
from experiments.inference.diagnostics.service import service as of_service
from experiments.inference.intervals.student import reach, welch
from experiments.inference.logs import EngineSpec, engine, read_manifest
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import read

HALVES = {"control": 0.5, "treatment": 0.5}
REDRAWN = 400


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("service") / "log", shoppers=1_200, requests=4.0)


@pytest.fixture(scope="module")
def content(log):
    return analyse(log, None, name="x", arms=HALVES, control="control")


@pytest.fixture(scope="module")
def service(content):
    return {row.metric: row for row in content.service}


@pytest.fixture(scope="module")
def tables(log):
    names = ("requests", "sessions", "candidates", "orders")
    found = {name: read(log, name).reset_index(drop=True) for name in names}
    owner = found["requests"][["request", "arm", "shopper"]]
    found["candidates"] = found["candidates"].merge(owner)
    return found


def test_levels_are_those_of_the_funnel_of_latency_and_of_endings(content, service):
    for side, arm in (("control", "control"), ("treatment", "treatment")):
        told = {row.stage: row.per_request for row in content.funnel if row.arm == arm}
        (late,) = (row for row in content.latency if row.arm == arm)
        told |= {f"latency:{name}": getattr(late, name) for name in ("mean", "p50", "p90", "p99")}
        told |= {f"ended:{r.reason}": r.share for r in content.end_reasons if r.arm == arm}
        del told["requests"]
        assert set(told) == set(service)
        for name, value in told.items():
            assert getattr(service[name], side) == pytest.approx(value, rel=1e-3), name


def sums(frame, arm, **columns):
    """Sums of an arm's shoppers of what the frame holds of them."""
    own = frame[frame["arm"] == arm]
    return own.assign(one=1, **columns).groupby("shopper")[["one", *columns]].sum()


def halves(service, name):
    effect = service[name].effect
    return (effect.high - effect.low) / 2


def test_errors_are_those_of_the_delta_method_written_out(service, tables):
    def ratio_error(above, below):
        both = pd.concat([above, below], axis=1, keys=["above", "below"]).fillna(0.0)
        ratio = both["above"].sum() / both["below"].sum()
        rest = both["above"] - ratio * both["below"]
        return np.sqrt(len(both) * rest.var(ddof=1)) / both["below"].sum(), len(both)

    def requests(arm):
        frame = tables["requests"]
        return sums(frame, arm, late=frame["latency"].astype(float), found=frame["merged"])

    def purchased(arm):
        return ratio_error(sums(tables["orders"], arm)["one"], requests(arm)["one"])

    def late(arm):
        return ratio_error(requests(arm)["late"], requests(arm)["one"])

    def ended(arm):
        frame = tables["sessions"]
        found = sums(frame, arm, bought=(frame["end_reason"] == "bought").astype(int))
        return ratio_error(found["bought"], found["one"])

    told = {"purchased": purchased, "latency:mean": late, "ended:bought": ended}
    for name, error_of in told.items():
        (one, n_one), (two, n_two) = error_of(0), error_of(1)
        freedom = welch((one, two), (n_one - 1, n_two - 1))
        wanted = reach(np.hypot(one, two), freedom, confidence=0.95)
        assert halves(service, name) == pytest.approx(float(wanted), rel=1e-4), name


def test_errors_of_quantiles_and_of_sampled_candidates_are_those_of_redrawn_shoppers(
    service, tables
):
    rng, spread = np.random.default_rng(1), {"latency:p90": [], "recalled:dense": [], "ranked": []}
    for arm in (0, 1):
        requests = tables["requests"][tables["requests"]["arm"] == arm]
        shoppers, row_R = np.unique(requests["shopper"], return_inverse=True)
        traced = tables["candidates"][tables["candidates"]["arm"] == arm]
        row_C = np.searchsorted(shoppers, traced["shopper"])
        found_C = traced["sources"].to_numpy() >> 3 & 1
        late_R, merged_R = requests["latency"].to_numpy(float), requests["merged"].to_numpy()
        order = np.argsort(late_R)
        drawn = {name: [] for name in spread}
        for _ in range(REDRAWN):
            times_S = np.bincount(
                rng.integers(0, len(shoppers), len(shoppers)), None, len(shoppers)
            )
            weight_R, weight_C = times_S[row_R], times_S[row_C]
            below = np.cumsum(weight_R[order]) / weight_R.sum()
            drawn["latency:p90"].append(late_R[order][np.searchsorted(below, 0.9)])
            share, merged = (
                np.average(found_C, weights=weight_C),
                np.average(merged_R, weights=weight_R),
            )
            drawn["recalled:dense"].append(share * merged)
            ranked = np.average(requests["ranked"], weights=weight_R)
            drawn["ranked"].append(ranked)
        for name, values in drawn.items():
            spread[name].append(np.std(values, ddof=1))
    for name, errors in spread.items():
        wanted = 1.96 * np.hypot(*errors)
        assert halves(service, name) == pytest.approx(wanted, rel=0.15), name


def test_intervals_of_equal_arms_hold_zero_about_as_often_as_they_say(tmp_path):
    """60 logs whose arms do not differ in these; 120 intervals miss 6 times on average."""
    missed = 0
    for seed in range(60):
        log = write_log(tmp_path / str(seed), shoppers=300, requests=4.0, seed=seed)
        with engine(EngineSpec()) as connection:
            asked = connection, log, read_manifest(log)
            late, ended = diagnostics.latency(*asked), diagnostics.end_reasons(*asked)
            rows = of_service(*asked, late, ended, [tuple(HALVES)], 0.95)
        told = {row.metric: row for row in rows}
        missed += sum(told[name].p_value < 0.05 for name in ("clicked", "ended:bought"))
    assert 1 <= missed <= 13  # a binomial leaves this once in 200
