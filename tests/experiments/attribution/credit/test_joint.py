import numpy as np
import pytest
from scipy import stats

from experiments.attribution.credit.rises import (
    COMPARED,
    PAIRS,
    Crossed,
    crossed_sums,
    joint_rows,
    wald,
)
from experiments.inference.logs import EngineSpec, engine, read_manifest
from experiments.records.attribution import FUNNEL
from tests.experiments.attribution.credit.credit_cases import (
    events,
    hand_log,
    plain_credits,
    rewrite,
)
from tests.experiments.inference.logs import ARMS, CHANNELS, write_log


def crossed(log):
    with engine(EngineSpec()) as connection:
        return crossed_sums(connection, log, read_manifest(log))


def plain(log, rule, arm):
    """(U, 3, 1 + C) totals and credits of each shopper in exposure, click and purchase."""
    tables = [events(log, event) for event in FUNNEL]
    tables = [table[table["arm"] == arm] for table in tables]
    who = np.unique(np.concatenate([table["shopper"] for table in tables]))
    value = np.zeros((len(who), len(FUNNEL), 1 + len(CHANNELS)))
    for e, table in enumerate(tables):
        credit = plain_credits(rule, table, len(CHANNELS))
        rows = np.column_stack([np.ones(len(table)), credit]) * table[["weight"]].to_numpy()
        np.add.at(value[:, e], np.searchsorted(who, table["shopper"]), rows)
    return value


def plain_wald(value_UEV, event, then):
    """Wald's test by the covariance of each shopper's linearised difference."""
    linear, shares = [], []
    for e in (event, then):
        total, credit = value_UEV[:, e, 0], value_UEV[:, e, 1:]
        shares.append(credit.sum(0) / total.sum())
        linear.append((credit - shares[-1] * total[:, None]) / total.mean())
    covariance = np.cov((linear[1] - linear[0]).T) / len(value_UEV)
    rank = np.linalg.matrix_rank(covariance, rtol=1e-8)
    difference = shares[1] - shares[0]
    statistic = difference @ np.linalg.pinv(covariance, rtol=1e-8) @ difference
    return statistic, rank, stats.chi2.sf(statistic, rank)


def test_tests_equal_a_plain_covariance_over_shoppers_to_nine_digits(log):
    rows = {(r.arm, r.rule, r.event, r.against): r for r in joint_rows(crossed(log))}
    assert len(rows) == len(ARMS) * len(COMPARED) * len(PAIRS)
    for a, arm in enumerate(ARMS):
        for rule in COMPARED:
            value = plain(log, rule, a)
            for event, then in PAIRS:
                row = rows[arm, rule, FUNNEL[event], FUNNEL[then]]
                np.testing.assert_allclose(
                    [row.statistic, row.freedom, row.p_value],
                    plain_wald(value, event, then),
                    rtol=1e-9,
                )


def test_shares_that_sum_to_one_have_one_degree_of_freedom_less(log):
    freedom = {row.rule: row.freedom for row in joint_rows(crossed(log))}
    assert freedom == {"any_touch": len(CHANNELS), "fractional": len(CHANNELS) - 1}


def test_a_channel_that_clicks_prefer_is_found_out(tmp_path):
    log = write_log(tmp_path / "log", shoppers=600, clicks=0.2)
    rng = np.random.default_rng(3)
    rewrite(
        log,
        "exposures",
        clicked=lambda table: rng.random(len(table)) < 0.1 + 0.1 * (table["sources"] & 1),
    )
    rows = {(row.arm, row.rule, row.event, row.against): row for row in joint_rows(crossed(log))}
    for rule in COMPARED:
        assert rows["control", rule, "exposure", "click"].p_value < 1e-6


def test_an_idle_channel_leaves_the_test(tmp_path):
    log = write_log(tmp_path / "log", shoppers=300, clicks=0.3, channels=("a", "b"))
    before = joint_rows(crossed(log))
    path = log / "manifest.json"
    path.write_text(path.read_text().replace('["a", "b"]', '["a", "b", "idle"]'))
    for one, other in zip(before, joint_rows(crossed(log)), strict=True):
        assert one.freedom == other.freedom
        assert one.statistic == pytest.approx(other.statistic, rel=1e-9)


def test_without_events_nothing_is_tested(tmp_path):
    log = hand_log(tmp_path / "log", [{"request": 1}], [{"request": 1}])
    for row in joint_rows(crossed(log)):
        assert (row.statistic, row.freedom, row.p_value) == (None, 0, None)


def test_a_difference_that_nobody_varies_in_is_not_determined():
    # every shopper: half of what they see is the channel's, and all of what they click
    value_UV = np.array([[4.0, 2, 1, 1, 0, 0], [8.0, 4, 3, 3, 0, 0], [2.0, 1, 1, 1, 0, 0]])
    one = Crossed(3.0, value_UV.sum(0), value_UV.T @ value_UV)
    (row, *_) = joint_rows({("one", "any_touch"): one})
    assert (row.statistic, row.freedom, row.p_value) == (None, 0, None)


def test_a_dependent_direction_does_not_count_towards_the_rank():
    covariance = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1e-8]])
    statistic, freedom, p_value = wald(np.array([0.5, -0.5, 1e-4]), covariance)
    assert (statistic, freedom) == (pytest.approx(0.25 + 1.0), 2)
    assert p_value == pytest.approx(stats.chi2.sf(1.25, 2))
    assert wald(np.array([0.5, 0.5, 0.0]), covariance)[0] is None


@pytest.mark.slow
@pytest.mark.parametrize("rule", COMPARED)
def test_p_values_are_uniform_where_channels_do_not_matter(rule):
    """Masks drawn apart from clicks and purchases; each shopper leans to some of them."""
    rng = np.random.default_rng(7)
    channels, shoppers, repeats = 3, 600, 1_500
    masks = np.arange(1, 1 << channels)
    credit = plain_credits(rule, {"sources": masks}, channels)
    p_values = np.zeros((repeats, len(PAIRS)))
    for repeat in range(repeats):
        leaning = rng.dirichlet(np.full(len(masks), 2.0), shoppers)
        seen = rng.multinomial(1 + rng.poisson(20, shoppers), leaning)
        clicked = rng.binomial(seen, rng.beta(2, 6, (shoppers, 1)))
        bought = rng.binomial(clicked, 0.4)
        counts = np.stack([seen, clicked, bought], axis=1)
        value = np.concatenate([counts.sum(2, keepdims=True), counts @ credit], axis=2)
        value = value.reshape(shoppers, -1)
        one = Crossed(float(shoppers), value.sum(0), value.T @ value)
        p_values[repeat] = [row.p_value for row in joint_rows({("one", rule): one})]
    for level in (0.05, 0.2):
        error = np.sqrt(level * (1 - level) / repeats)
        assert (np.abs((p_values < level).mean(0) - level) < 4 * error).all()
    assert all(stats.kstest(column, "uniform").pvalue > 1e-3 for column in p_values.T)
