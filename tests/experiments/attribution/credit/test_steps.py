import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from experiments.attribution.credit.rises import STEPS, crossed_sums, step_rows
from experiments.inference.logs import EngineSpec, engine, read_manifest
from experiments.records.attribution import FUNNEL
from tests.experiments.attribution.credit.credit_cases import (
    bits,
    credited,
    events,
    hand_log,
    rewrite,
)
from tests.experiments.inference.logs import ARMS, CHANNELS, write_log


def steps(log, confidence=0.95):
    with engine(EngineSpec()) as connection:
        manifest = read_manifest(log)
        crossed = crossed_sums(connection, log, manifest)
        found = step_rows(crossed, manifest.channels, confidence=confidence)
    return {(row.arm, row.event, row.then, row.channel): row for row in found}


def test_rises_equal_a_one_sample_t_test_of_linearised_shoppers(log):
    rows = steps(log, 0.9)
    assert len(rows) == len(ARMS) * len(STEPS) * len(CHANNELS)
    for a, arm in enumerate(ARMS):
        tables = [events(log, event) for event in FUNNEL]
        tables = [table[table["arm"] == a] for table in tables]
        who = np.unique(np.concatenate([table["shopper"] for table in tables]))
        linear, shares = [], []
        for table in tables:
            place, weight = np.searchsorted(who, table["shopper"]), table["weight"].to_numpy()
            t = np.bincount(place, weight, len(who))
            found = bits(table["sources"], len(CHANNELS)) * weight[:, None]
            x = np.stack([np.bincount(place, column, len(who)) for column in found.T], axis=1)
            shares.append(x.sum(0) / t.sum())
            linear.append((x - shares[-1] * t[:, None]) / t.mean())
        for event, then in STEPS:
            rise = shares[then] - shares[event]
            peer = DescrStatsW(rise + linear[then] - linear[event])
            low, high = peer.tconfint_mean(0.1)
            p_value = peer.ttest_mean(0)[1]
            for c, channel in enumerate(CHANNELS):
                row = rows[arm, FUNNEL[event], FUNNEL[then], channel]
                np.testing.assert_allclose(
                    [row.share, row.then_share, *row.rise.numbers, row.p_value],
                    [shares[event][c], shares[then][c], rise[c], low[c], high[c], p_value[c]],
                    rtol=1e-10,
                    atol=1e-14,
                )


def test_the_shares_are_those_of_the_rule_any_touch(log):
    known = credited(log, ("any_touch",))
    for (arm, event, then, channel), row in steps(log).items():
        for name, share in ((event, row.share), (then, row.then_share)):
            wanted = known["any_touch", name, arm, "all", "", channel].share.estimate
            assert share == pytest.approx(wanted, rel=1e-12)


def test_a_channel_that_clicks_prefer_rises(tmp_path):
    log = write_log(tmp_path / "log", shoppers=600)
    rng = np.random.default_rng(3)
    rewrite(
        log,
        "exposures",
        clicked=lambda table: rng.random(len(table)) < 0.1 + 0.1 * (table["sources"] & 1),
    )
    row = steps(log)["control", "exposure", "click", "lexical"]
    assert 0 < row.rise.low < row.rise.estimate < row.rise.high
    assert row.p_value < 1e-6


def test_pairing_shoppers_narrows_the_interval(log):
    known = credited(log, ("any_touch",))
    for channel in CHANNELS:
        row = steps(log)["control", "click", "purchase", channel]
        halves = [
            (one.share.high - one.share.low) / 2
            for one in (
                known["any_touch", event, "control", "all", "", channel]
                for event in ("click", "purchase")
            )
        ]
        assert (row.rise.high - row.rise.low) / 2 < np.hypot(*halves)


def test_what_is_not_determined_is_none(tmp_path):
    seen = [{"request": n, "shopper": n, "clicked": n == 1} for n in range(4)]
    requests = [{"request": n, "shopper": n} for n in range(4)]
    rows = steps(hand_log(tmp_path / "log", requests, seen))
    row = rows["one", "exposure", "click", "a"]
    assert (row.share, row.then_share, row.rise.estimate) == (1.0, 1.0, 0.0)
    assert (row.rise.low, row.rise.high, row.p_value) == (None, None, None)
    row = rows["one", "click", "purchase", "a"]
    assert (row.share, row.then_share, row.rise.estimate, row.rise.low) == (1.0, None, None, None)
