from importlib.metadata import EntryPoint, EntryPoints

import pytest

from cqsid.rewards.registry import GROUP, CustomReward
from simulator import plugins
from simulator.errors import ContractError
from tests.cqsid.rewards.plugins import Counted
from tests.cqsid.rewards.shops import everything, hand_logged, hand_shop

HERE = "tests.cqsid.rewards.plugins"


def _values(reward):
    return reward(hand_logged(), everything(), hand_shop())


@pytest.mark.parametrize("name", ["constant", "Counted"])
def test_functions_and_classes_take_options(name):
    plain = CustomReward(object=f"{HERE}:{name}")
    high = CustomReward(object=f"{HERE}:{name}", options={"height": 4})
    assert (_values(plain.made()) == 1).all()
    assert (_values(high.made()) == 4).all()
    assert (_values(high) == 4).all()


def test_a_class_is_made_once():
    reward, before = CustomReward(object=f"{HERE}:Counted").made(), Counted.made
    _values(reward), _values(reward)
    assert Counted.made == before


def test_a_built_in_reward_can_be_named_like_a_users():
    made = CustomReward(object="cqsid.rewards.of_log:LogReward", options={"invalid": -9})
    assert _values(made.made())[0, -1] == -9


def test_an_entry_point_is_found_by_its_name(monkeypatch):
    point = EntryPoint("mine", f"{HERE}:constant", GROUP)
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: EntryPoints([point]).select(group=group)
    )
    assert (_values(CustomReward(object="mine", options={"height": 3}).made()) == 3).all()
    wanted = rf"object == 'yours', must be MODULE:OBJECT or an entry point of {GROUP} \(mine\)"
    with pytest.raises(ContractError, match=wanted):
        CustomReward(object="yours").made()


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("nonsense", {}, "object == 'nonsense', must be MODULE:OBJECT or an entry point"),
        ("no_such_module:x", {}, "object == .* must name a module"),
        (f"{HERE}:missing", {}, "must name an object in"),
        (
            f"{HERE}:short",
            {},
            r"short == too many .*, must be callable with \(logged, samples, shop\)",
        ),
        (f"{HERE}:constant", {"depth": 2}, r"with options \['depth'\] == got an unexpected"),
        (f"{HERE}:Counted", {"depth": 2}, r"Counted\(\*\*{'depth': 2}\) raised TypeError"),
        (
            f"{HERE}:Refusing",
            {},
            r"raised ValueError\('not today'\) \(tests/.*, line 63\), must return a reward",
        ),
        (f"{HERE}:Uncallable", {}, r"Uncallable\(\) == Uncallable, must be callable with \(logged"),
    ],
)
def test_what_cannot_be_made_is_told_before_anything_is_trained(name, options, told):
    with pytest.raises(ContractError, match=told):
        CustomReward(object=name, options=options).made()
