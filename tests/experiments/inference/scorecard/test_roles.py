import pytest

from experiments.inference.estimates import Level
from experiments.inference.scorecard.roles import Aim, Role
from simulator.errors import ConfigError

CONTROL = Level(10.0, 0.5, 100)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"role": Role.SUCCESS, "better": 0}, "better == 0, must be 1 or -1"),
        ({"role": Role.GUARDRAIL}, "must be there: it is a guardrail"),
        ({"role": Role.SUCCESS, "margin": 0.1}, "must be left out: only a guardrail has one"),
        ({"role": Role.GUARDRAIL, "margin": 0.0}, "must be > 0 and finite"),
        ({"role": Role.GUARDRAIL, "margin": float("nan")}, "must be > 0 and finite"),
        ({"role": Role.GUARDRAIL, "margin": 1.0}, "must be < 1: a share of control's"),
    ],
)
def test_an_aim_that_says_nothing_is_refused(options, said):
    with pytest.raises(ConfigError, match=r"aims\.gmv\.") as raised:
        Aim("gmv", **options)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("better", "relative", "wanted"),
    [
        (1, True, Level(9.0, 0.45, 100)),
        (-1, True, Level(11.0, 0.55, 100)),
        (1, False, Level(9.9, 0.5, 100)),
        (-1, False, Level(10.1, 0.5, 100)),
    ],
)
def test_the_worst_that_is_put_up_with_lies_a_margin_away_from_control(better, relative, wanted):
    aim = Aim("m", Role.GUARDRAIL, better, 0.1, relative)
    found = aim.worst(CONTROL)
    assert (found.mean, found.error, found.n) == pytest.approx(
        (wanted.mean, wanted.error, wanted.n)
    )


def test_a_latency_may_more_than_double_if_the_margin_says_so():
    assert Aim("latency", Role.GUARDRAIL, -1, 1.5).worst(CONTROL).mean == 25.0
