"""What a section leaves open is filled in before anything is checked, and nothing else is."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from experiments.config.defaults import with_defaults

ARMS = [
    {"name": "control", "channels": ["lexical"]},
    {"name": "both", "channels": ["lexical", "cqsid"]},
]
CHANNELS = {"lexical": {"type": "lexical"}, "cqsid": {"type": "cqsid"}}
LAB = {"rewards": {"log": {}}, "algorithms": {"grpo": {}}}


def filled(**sections: Any) -> dict[str, Any]:
    return with_defaults({"arms": ARMS, "channels": CHANNELS, **sections})


def test_the_first_arm_is_the_control_and_the_last_one_is_measured() -> None:
    found = filled()
    assert found["control"] == "control"
    assert found["attribution"] == {"arm": "both"}
    assert "reward_lab" not in found


def test_a_lab_gets_the_last_arm_and_its_only_generative_channel() -> None:
    assert filled(reward_lab=LAB)["reward_lab"] == {**LAB, "arm": "both", "channel": "cqsid"}
    assert filled(reward_lab={"rewards": {"log": {}}})["reward_lab"] == {"rewards": {"log": {}}}


def test_a_lab_of_several_generative_channels_must_name_one() -> None:
    two = [{"name": "two", "channels": ["cqsid", "other"]}]
    channels = {**CHANNELS, "other": {"type": "cqsid"}}
    lab = with_defaults({"arms": two, "channels": channels, "reward_lab": LAB})["reward_lab"]
    assert lab == {**LAB, "arm": "two"}


def test_what_is_named_stays() -> None:
    own = {**LAB, "arm": "control", "channel": "mine"}
    found = filled(control="both", attribution={"arm": "control", "seeds": 2}, reward_lab=own)
    assert found["control"] == "both"
    assert found["attribution"] == {"arm": "control", "seeds": 2}
    assert found["reward_lab"] == own


def test_settings_that_are_read_are_not_changed() -> None:
    lab = dict(LAB)
    filled(reward_lab=lab)
    assert lab == LAB


odd = st.none() | st.integers() | st.text(max_size=2) | st.lists(st.lists(st.none(), max_size=1))
tables = st.dictionaries(
    st.sampled_from(["name", "channels", "arm", "type", "rewards", "policies", "cqsid"]), odd
)


@given(arms=odd | st.lists(odd | tables), channels=odd | tables, sections=odd | tables)
def test_what_has_not_the_form_of_settings_is_left_to_the_check(
    arms: Any, channels: Any, sections: Any
) -> None:
    raw = {"arms": arms, "channels": channels, "reward_lab": sections, "attribution": sections}
    found = with_defaults(raw)
    assert {key: found[key] for key in ("arms", "channels")} == {"arms": arms, "channels": channels}


@pytest.mark.parametrize("raw", [None, [], {}, {"arms": []}, {"arms": {"name": "a"}}])
def test_without_arms_nothing_is_filled_in(raw: Any) -> None:
    assert with_defaults(raw) == raw
