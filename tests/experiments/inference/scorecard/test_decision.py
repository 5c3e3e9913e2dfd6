import numpy as np
import pytest
from scipy import stats

from experiments.inference.estimates import Level
from experiments.inference.scorecard.decision import Rule, judge, power_of_each, shipping
from experiments.inference.scorecard.roles import Aim, Role
from simulator.errors import ConfigError
from tests.experiments.inference.scorecard.tables import level_of, within

RULE = Rule()


def success(name="gmv", better=1):
    return Aim(name, Role.SUCCESS, better)


def guardrail(name="latency", better=-1, margin=0.1, relative=True):
    return Aim(name, Role.GUARDRAIL, better, margin, relative)


def quality(name="abandonment", better=-1):
    return Aim(name, Role.QUALITY, better)


def pair(gap, *, base=100.0, error=1.0, n=10_000):
    """Levels of control and of treatment, their difference having this standard error."""
    each = error / 2**0.5
    return Level(base, each, n), Level(base + gap, each, n)


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(7)
    return rng.gamma(2.0, 3.0, 180), rng.gamma(2.1, 3.0, 120)


def test_superiority_is_a_one_sided_welch_test(samples):
    levels = {"gmv": tuple(map(level_of, samples))}
    for better, side in ((1, "greater"), (-1, "less")):
        (found,) = judge([success(better=better)], levels, RULE)
        peer = stats.ttest_ind(samples[1], samples[0], equal_var=False, alternative=side)
        assert found.p_better == pytest.approx(peer.pvalue, rel=1e-10)
        assert found.p_worse == pytest.approx(1 - peer.pvalue, rel=1e-10)
        low = peer.confidence_interval(0.975).low if better > 0 else None
        if low is not None:
            assert found.gain.low == pytest.approx(low, rel=1e-10)


@pytest.mark.parametrize("better", [1, -1])
@pytest.mark.parametrize("relative", [True, False])
def test_non_inferiority_is_a_welch_test_against_control_worsened_by_the_margin(
    samples, better, relative
):
    aim = guardrail("m", better, 0.07, relative)
    (found,) = judge([aim], {"m": tuple(map(level_of, samples))}, RULE)
    control = samples[0] * (1 - better * 0.07) if relative else samples[0] - better * 0.07
    side = "greater" if better > 0 else "less"
    peer = stats.ttest_ind(samples[1], control, equal_var=False, alternative=side)
    assert found.p_safe == pytest.approx(peer.pvalue, rel=1e-10)


def test_a_guardrail_is_safe_where_the_bound_of_its_gain_is_within_the_margin():
    for gap in (-2.2, -1.9, 0.4):
        (found,) = judge([guardrail("m", 1, 4.0, relative=False)], {"m": pair(gap)}, RULE)
        assert found.safe == (found.gain.low > -4.0)


def test_several_success_metrics_share_alpha_and_guardrails_do_not():
    aims = [success("a"), success("b"), guardrail("c", 1), guardrail("d", 1)]
    levels = {"a": pair(2.1), "b": pair(0.0), "c": pair(-7.9), "d": pair(-7.9)}
    found = judge(aims, levels, RULE)
    assert found[0].p_better == pytest.approx(0.018, abs=1e-3)
    assert [each.better for each in found[:2]] == [False, False]
    assert [each.safe for each in found[2:]] == [True, True]
    assert judge([success("a"), *aims[2:]], levels, RULE)[0].better
    assert not judge([success("a"), *aims[2:]], levels, Rule(arms=2))[0].better


@pytest.mark.parametrize(
    ("levels", "failed", "ships", "said"),
    [
        ({}, (), True, "gmv is better"),
        ({"gmv": pair(1.0)}, (), False, "no success metric is shown to be better: gmv"),
        ({"latency": pair(9.0)}, (), False, "latency is not shown to be within its margin"),
        ({"latency": pair(20.0)}, (), False, "latency is worse by more than its margin"),
        ({"abandonment": pair(5.0)}, (), False, "abandonment is worse"),
        ({"gmv": None}, (), False, "gmv is not known: it has no estimate"),
        ({}, ("sample ratio mismatch",), False, "a check failed: sample ratio mismatch"),
    ],
)
def test_the_rule_ships_only_what_is_better_somewhere_and_worse_nowhere(
    levels, failed, ships, said
):
    aims = [success(), guardrail(), quality()]
    fair = {"gmv": pair(5.0), "latency": pair(0.0), "abandonment": pair(0.0)}
    found = shipping(judge(aims, fair | levels, RULE), failed)
    assert found.ships is ships
    assert said in found.reasons


def test_a_small_but_sure_loss_within_the_margin_still_stops_it():
    found = shipping(judge([success(), guardrail()], {"gmv": pair(5), "latency": pair(4)}, RULE))
    assert found.reasons == ("latency is worse",)


def test_what_does_no_harm_is_shipped_where_no_gain_is_asked_for():
    found = shipping(judge([guardrail()], {"latency": pair(0.0)}, RULE))
    assert (found.ships, found.reasons) == (True, ("no guardrail and no metric is worse",))


def test_what_the_data_do_not_tell_is_none_with_a_reason():
    same, alone = Level(1.0, 0.0, 50), Level(1.0, 0.3, 1)
    for levels, reason in (
        ({"m": (same, same)}, "no variation between shoppers"),
        ({"m": (alone, Level(2.0, 0.3, 9))}, "no variation between shoppers"),
        ({"m": (Level(-0.1, 0.3, 9), Level(2.0, 0.3, 9))}, "a relative margin says nothing"),
    ):
        (found,) = judge([guardrail("m", 1)], levels, RULE)
        assert reason in found.reason
        assert found.safe is None
        assert not shipping([found]).ships


@pytest.mark.parametrize(
    ("aims", "said"),
    [
        ([success(), success()], "aims == 'gmv' twice"),
        ([quality()], "no success metric and no guardrail"),
    ],
)
def test_aims_that_decide_nothing_are_refused(aims, said):
    with pytest.raises(ConfigError, match=said):
        judge(aims, {}, RULE)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"alpha": 0.5}, r"rule\.alpha"), ({"alarm": 0.0}, r"rule\.alarm"), ({"arms": 0}, "arms")],
)
def test_a_rule_that_cannot_err_is_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        Rule(**options)


def shipped(aims, gaps, times, seed, rule=RULE):
    """How often a change with these true gaps in standard errors is shipped."""
    rng = np.random.default_rng(seed)
    drawn = rng.normal(gaps, 1.0, (times, len(gaps)))
    return np.array(
        [
            shipping(
                judge(aims, {a.metric: pair(g) for a, g in zip(aims, row, strict=True)}, rule)
            ).ships
            for row in drawn
        ]
    )


def test_a_change_without_effect_is_shipped_no_more_often_than_alpha():
    aims = [success("a"), success("b"), success("c"), guardrail("d", 1, 50.0, relative=False)]
    hits = shipped(aims, [0, 0, 0, 0], 3_000, seed=1, rule=Rule(alpha=0.1, alarm=0.001))
    assert hits.mean() < 0.1 + 4 * (0.09 / len(hits)) ** 0.5
    assert within(hits, 1 - (1 - 0.1 / 3) ** 3)  # three independent chances


def test_a_change_that_breaks_one_guardrail_is_shipped_no_more_often_than_alpha():
    aims = [success("a"), *(guardrail(name, 1, 2.0, relative=False) for name in "bcd")]
    rule = Rule(alpha=0.1, alarm=1e-9)
    hits = shipped(aims, [20, -2, 20, 20], 3_000, seed=2, rule=rule)  # b lies at its margin
    assert within(hits, 0.1)
    assert shipped(aims, [20, -2, -2, -2], 2_000, seed=3, rule=rule).mean() < 0.01


def test_a_good_change_is_shipped_with_the_power_that_was_planned():
    power, rule = 0.8, Rule(alpha=0.025, alarm=1e-6)
    each = power_of_each(power, success=1, guardrails=3)
    assert each == pytest.approx(0.95)
    reach = stats.norm.isf(0.025) + stats.norm.ppf(each)
    aims = [success("a"), *(guardrail(name, 1, reach, relative=False) for name in "bcd")]
    hits = shipped(aims, [reach, 0, 0, 0], 3_000, seed=4, rule=rule)
    assert hits.mean() > power
    assert within(hits, each**4)  # independent metrics: better than the union bound
    naive = stats.norm.isf(0.025) + stats.norm.ppf(power)
    aims = [success("a"), *(guardrail(name, 1, naive, relative=False) for name in "bcd")]
    assert shipped(aims, [naive, 0, 0, 0], 3_000, seed=5, rule=rule).mean() < 0.5


def test_false_alarms_keep_to_their_rate_over_all_metrics():
    aims = [success("a"), guardrail("b", 1), quality("c", 1), quality("d", -1)]
    rng, rule = np.random.default_rng(6), Rule(alarm=0.1)
    hits = [
        any(
            each.worse
            for each in judge(
                aims, {a.metric: pair(g) for a, g in zip(aims, row, strict=True)}, rule
            )
        )
        for row in rng.normal(size=(3_000, 4))
    ]
    assert within(hits, 1 - (1 - 0.1 / 4) ** 4)


def test_what_alarms_take_away_is_asked_of_each_test():
    assert power_of_each(0.8, success=2, guardrails=4) == pytest.approx(0.96)
    assert power_of_each(0.8, success=0, guardrails=4) == pytest.approx(0.95)
    assert power_of_each(0.8, success=1, guardrails=1, alarms=0.1) == pytest.approx(0.95)
    for options in ({"power": 0.95, "alarms": 0.1}, {"power": 0.0}, {"guardrails": 0}):
        with pytest.raises(ConfigError):
            power_of_each(**{"power": 0.8, "success": 0, "guardrails": 1} | options)
