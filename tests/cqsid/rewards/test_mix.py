import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from cqsid.rewards.mix import scaled
from cqsid.rewards.registry import RewardMix, build_mix
from simulator.errors import ConfigError, ContractError
from tests.cqsid.rewards.shops import everything, groups, hand_logged, hand_shop

PLUGINS = "tests.cqsid.rewards.plugins"
COVERAGE, PREFIX = {"type": "coverage"}, {"type": "prefix"}
VALID_BG = np.ones((3, 6), np.bool_)


def _mix(*components, **parts):
    return build_mix(RewardMix(components=components), hand_shop(**parts), "rewards.mine")


def _custom(name, **settings):
    return {"type": "custom", "object": f"{PLUGINS}:{name}", **settings}


def _asked(*components):
    return _mix(*components)(hand_logged(), everything())


def test_components_are_weighted_and_summed():
    both = _asked({**COVERAGE, "weight": 2.0}, {**PREFIX, "weight": -0.5})
    np.testing.assert_allclose(both, 2 * _asked(COVERAGE) - 0.5 * _asked(PREFIX), atol=1e-6)
    assert both.dtype == np.float32


def test_raw_parts_are_neither_scaled_nor_weighted():
    spec = {**COVERAGE, "weight": 3.0, "scale": "group", "clip": (0.0, 0.1)}
    mix = _mix(COVERAGE, spec)
    parts_CBG = mix.parts(hand_logged(), everything())
    assert parts_CBG.shape == (2, 3, 6)
    np.testing.assert_array_equal(parts_CBG[0], parts_CBG[1])
    np.testing.assert_array_equal(mix.weight_C, np.float32([1, 3]))
    assert mix.weight_C.dtype == np.float32


def test_places_that_do_not_count_can_be_hidden_from_rewards_of_whole_groups():
    mix, samples = _mix({"type": "diversity"}), groups([0, 1], [0, 1], [0, 2])
    valid_BG = np.array([[True, True], [True, False], [True, True]])
    assert mix.parts(hand_logged(), samples).tolist() == [[[0.5, 0.5], [0.5, 0.5], [1, 1]]]
    hidden = mix.parts(hand_logged(), samples, valid_BG)
    assert hidden.tolist() == [[[0.5, 0.5], [1, 0], [1, 1]]]


def test_every_component_has_a_name_of_its_own():
    assert _mix(COVERAGE, PREFIX, COVERAGE, COVERAGE).names == (
        "coverage",
        "prefix",
        "coverage_2",
        "coverage_3",
    )


@pytest.mark.parametrize("scale", ["none", "group", "batch"])
def test_each_component_has_its_scale(scale):
    mix = _mix({**COVERAGE, "scale": scale}, PREFIX)
    parts_CBG = mix.parts(hand_logged(), everything())
    found = mix.scaled(parts_CBG, VALID_BG)
    np.testing.assert_allclose(found[0], scaled(parts_CBG[0], VALID_BG, scale), atol=1e-6)
    np.testing.assert_array_equal(found[1], parts_CBG[1])


def test_scaling_by_hand():
    values_BG = np.array([[1, 3, 100], [5, 5, 5]], np.float32)
    valid_BG = np.array([[True, True, False], [True, True, True]])
    group = scaled(values_BG, valid_BG, "group")
    np.testing.assert_allclose(group[:, :2], [[-1, 1], [0, 0]])
    five = np.array([1, 3, 5, 5, 5])
    batch = scaled(values_BG, valid_BG, "batch")[valid_BG]
    np.testing.assert_allclose(batch, (five - five.mean()) / five.std())


@given(
    values_BG=arrays(np.float32, (3, 4), elements=st.floats(-100, 100, width=32)),
    valid_BG=arrays(np.bool_, (3, 4)),
    noise=st.floats(-1e6, 1e6, width=32),
)
def test_places_that_do_not_count_change_nothing_and_get_nothing(values_BG, valid_BG, noise):
    mix = _mix(*({**COVERAGE, "scale": scale} for scale in ("none", "group", "batch")))
    told = [
        mix.scaled(np.stack([np.where(valid_BG, values_BG, fill)] * 3).astype(np.float32), valid_BG)
        for fill in (0, noise)
    ]
    np.testing.assert_array_equal(*told)
    assert not told[0][:, ~valid_BG].any()


@given(values_BG=arrays(np.float32, (3, 4), elements=st.floats(-10, 10, width=16)))
def test_scaled_groups_have_mean_0_and_variance_1_or_tie(values_BG):
    out_BG = scaled(values_BG, np.ones((3, 4), np.bool_), "group")
    tied_B = np.ptp(values_BG, axis=1) <= 1e-5 * np.abs(values_BG).max(axis=1)
    np.testing.assert_allclose(out_BG.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(out_BG[~tied_B].std(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_the_size_of_values_does_not_decide_whether_they_tie(size):
    valid_BG = np.ones((1, 3), np.bool_)
    spread = np.array([[1, 2, 3]], np.float32) * np.float32(size)
    tied = np.full((1, 3), 0.1, np.float32) * np.float32(size)
    tied[0, 1] = np.nextafter(tied[0, 0], np.float32(np.inf))  # no more than rounding
    np.testing.assert_allclose(scaled(spread, valid_BG, "group").std(), 1)
    assert not scaled(tied, valid_BG, "group").any()


def test_values_are_clipped_after_scaling_and_before_the_weight():
    clipped = _asked({**PREFIX, "clip": (0.2, 0.6), "weight": 10})
    np.testing.assert_allclose(clipped, 10 * np.clip(_asked(PREFIX), 0.2, 0.6), rtol=1e-6)
    twice = _mix({**PREFIX, "scale": "group", "clip": (-0.5, 0.5)})
    parts_CBG = twice.parts(hand_logged(), everything())
    wanted = np.clip(scaled(parts_CBG[0], VALID_BG, "group"), -0.5, 0.5)
    np.testing.assert_allclose(twice.scaled(parts_CBG, VALID_BG)[0], wanted, rtol=1e-6)


def test_rewards_of_codes_are_weighted():
    levels_BGL = _mix({**PREFIX, "weight": 4.0}).levels(hand_logged(), everything())
    assert (
        levels_BGL[0].tolist()
        == [[2, 2], [2, 2], [2, 0], [2, 0], [0, 0], [0, 0]][:2] + [[0, 0]] * 4
    )
    assert levels_BGL.dtype == np.float32


def test_rewards_of_whole_ids_count_at_the_last_code():
    mix = _mix(PREFIX, {**COVERAGE, "weight": 2.0, "clip": (0.1, 1.0)})
    logged, samples = hand_logged(), everything()
    alone = _mix(PREFIX).levels(logged, samples)
    whole_BG = _asked({**COVERAGE, "weight": 2.0, "clip": (0.1, 1.0)})
    found = mix.levels(logged, samples)
    np.testing.assert_allclose(found[..., 0], alone[..., 0])
    np.testing.assert_allclose(found[..., 1], alone[..., 1] + whole_BG, rtol=1e-6)
    known = mix.scaled(mix.parts(logged, samples), VALID_BG)
    np.testing.assert_array_equal(mix.levels(logged, samples, known), found)


def test_there_are_no_rewards_of_codes_without_a_component_that_gives_them():
    assert _mix(COVERAGE).levels(hand_logged(), everything()) is None


def test_a_users_rewards_of_codes_count_too():
    levels_BGL = _mix(_custom("PerCode", weight=3.0)).levels(hand_logged(), everything())
    assert (levels_BGL == 1.5).all()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "transposed",
            r"rewards.mine.components\[1\] \(custom\): shape == \(6, 3\), must be \(3, 6\)",
        ),
        ("undefined", r"\[1\] \(custom\): values\[1, 2\] == nan, must be finite"),
        (
            "failing",
            r"\[1\] \(custom\): raised KeyError\('no such thing'\) \(.*, line \d+\)",
        ),
    ],
)
def test_a_reward_that_breaks_its_contract_is_told_with_its_place(name, told):
    with pytest.raises(ContractError, match=told):
        _asked(COVERAGE, _custom(name))


def test_rewards_of_codes_are_checked_as_well():
    mix = _mix(_custom("WrongLevels"))
    with pytest.raises(ContractError, match=r"shape == \(3, 6\), must be \(3, 6, 2\)"):
        mix.levels(hand_logged(), everything())


def test_what_the_house_itself_refuses_stays_a_clear_message():
    with pytest.raises(ConfigError, match="oracle == None"):
        _mix(_custom("constant", oracle=True), oracle=None)
