import json
import typing
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from cqsid.rewards.registry import AnyReward, RewardMix, build_mix
from cqsid.rewards.reward import Component, RewardSpec
from simulator.errors import ConfigError, ContractError
from tests.cqsid.rewards.shops import TwoChannels, everything, hand_logged, hand_shop

TYPES = typing.get_args(typing.get_args(AnyReward)[0])
PLUGINS = "tests.cqsid.rewards.plugins"


def test_rewards_are_told_apart_by_their_type():
    names = [kind.model_fields["type"].default for kind in TYPES]
    assert len(set(names)) == len(names) == 11
    for kind, name in zip(TYPES, names, strict=True):
        needed = {"custom": {"object": "a:b"}, "judge": {"judge": "one"}}.get(name, {})
        (found,) = RewardMix(components=[{"type": name, **needed}]).components
        assert type(found) is kind
        assert issubclass(kind, Component)


def test_every_setting_is_described():
    for kind in TYPES:
        for name, field in kind.model_fields.items():
            assert name == "type" or field.description, (kind, name)
        assert set(RewardSpec.model_fields) < set(kind.model_fields)


@pytest.mark.parametrize(
    "components", [[], [{"type": "luck"}], [{"type": "log", "bougth": 2}], [{"weight": 1}]]
)
def test_settings_that_say_nothing_or_nonsense_are_refused(components):
    with pytest.raises(ValidationError):
        RewardMix(components=components)


@pytest.mark.parametrize(
    ("component", "missing", "told"),
    [
        ("ranker", "ranker", "ranker == None"),
        ("ranker", "elsewhere", "elsewhere == None"),
        ("exclusivity", "elsewhere", "elsewhere == None"),
        ("oracle", "oracle", "oracle == None"),
    ],
)
def test_what_a_shop_lacks_is_told_with_the_place(component, missing, told):
    spec = RewardMix(components=[{"type": "log"}, {"type": component}])
    build_mix(spec, hand_shop(), "rewards.mine")
    with pytest.raises(ConfigError, match=rf"rewards.mine.components\[1\] \({component}\): {told}"):
        build_mix(spec, hand_shop(**{missing: None}), "rewards.mine")


def test_settings_that_do_not_fit_the_ids_are_told_with_the_place():
    spec = RewardMix(components=[{"type": "prefix", "level_weights": [1, 2, 3]}])
    with pytest.raises(ConfigError, match=r"^components\[0\] \(prefix\).level_weights == 3"):
        build_mix(spec, hand_shop())


def test_a_users_reward_that_cannot_be_imported_is_told_with_the_place():
    spec = RewardMix(components=[{"type": "custom", "object": "no_such_module:x"}])
    with pytest.raises(ContractError, match=r"rewards.a.components\[0\] \(custom\): object == 'no"):
        build_mix(spec, hand_shop(), "rewards.a")


def test_the_door_to_the_truth_is_open_to_those_alone_who_say_so():
    peeking = {"type": "custom", "object": f"{PLUGINS}:peeking"}
    spec = RewardMix(components=[peeking, {**peeking, "oracle": True}, {"type": "oracle"}])
    parts_CBG = build_mix(spec, hand_shop()).parts(hand_logged(), everything())
    assert (parts_CBG[0] == 0).all()
    assert (parts_CBG[1] == 1).all()
    assert parts_CBG[2].any()
    told = [RewardMix(components=[one]).asks_oracle for one in spec.components]
    assert told == [False, True, True]


def test_the_other_channels_are_asked_once_for_the_same_requests():
    channels = TwoChannels()
    shop = hand_shop()
    shop = replace(shop, elsewhere=replace(shop.elsewhere, pool_of=channels))
    spec = RewardMix(components=[{"type": "ranker"}, {"type": "exclusivity"}])
    mix, logged, samples = build_mix(spec, shop), hand_logged(), everything()
    first, again = mix(logged, samples), mix(logged, samples)
    assert channels.calls == 1
    np.testing.assert_array_equal(first, again)
    mix(logged.rows(np.arange(2)), everything(2))
    assert channels.calls == 2
    np.testing.assert_array_equal(mix(logged, samples), first)
    assert channels.calls == 3


def test_equal_settings_are_told_alike_and_others_not():
    def told(**settings):
        return build_mix(RewardMix(components=[{"type": "log", **settings}]), hand_shop()).told

    assert told() == told(bought=1.0)
    assert told() != told(bought=2.0)
    assert told() != told(weight=2.0)
    assert json.loads(told())["components"][0]["type"] == "log"
