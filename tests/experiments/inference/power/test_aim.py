import pytest

from experiments.inference.power.aim import Aim
from simulator.errors import ConfigError


def test_the_level_is_shared_among_comparisons_and_one_sided_tests_have_one_tail():
    assert Aim().false_positives == pytest.approx(0.05, rel=1e-14)
    assert Aim(comparisons=4).tail == pytest.approx(0.05 / 8, rel=1e-14)
    one_sided = Aim(0.9, comparisons=2, one_sided=True)
    assert one_sided.false_positives == one_sided.tail == pytest.approx(0.025, rel=1e-14)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"confidence": 1.0}, "confidence == 1.0, must be > 0.5 and < 1"),
        ({"confidence": 0.5}, "confidence == 0.5, must be > 0.5"),
        ({"power": 1.0}, "power == 1.0, must be > 0.05 .the chance of a false positive. and < 1"),
        ({"power": 0.05}, "power == 0.05, must be > 0.05"),
        ({"power": 0.02, "one_sided": True}, "must be > 0.025"),
        ({"comparisons": 0}, "comparisons == 0, must be 1 to 1,000"),
        ({"power": float("nan")}, "power == nan, must be"),
    ],
)
def test_an_aim_that_cannot_be_is_refused(options, wanted):
    with pytest.raises(ConfigError, match=wanted):
        Aim(**options)
