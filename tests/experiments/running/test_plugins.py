"""What a user plugs in is tried before a run spends time on its world."""

import sys
from types import ModuleType

import pytest

from cqsid.rewards.registry import CustomReward
from experiments.running.plugins import check_plug_ins, check_spec
from recall.classic.lexical import LexicalChannel
from recall.classic.settings import LexicalSpec
from recall.registry import CustomSpec
from simulator.calling import limit_calls, time_limit
from simulator.errors import ContractError
from tests.experiments.small_runs import small_config


def test_what_is_built_in_passes() -> None:
    check_spec("channels.lexical", LexicalSpec())


def test_a_plug_in_that_cannot_be_made_is_told_with_its_place() -> None:
    reward = CustomReward(object="tests.cqsid.rewards.plugins:Refusing")
    place = r"^reward_lab.rewards.mine.components\[0\]: .*Refusing\(\) raised ValueError"
    with pytest.raises(ContractError, match=place):
        check_spec("reward_lab.rewards.mine.components[0]", reward)


def test_a_plug_in_whose_code_no_key_could_cover_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed = ModuleType("typed_in")
    typed.Mine = LexicalChannel
    monkeypatch.setitem(sys.modules, "typed_in", typed)
    wanted = "^channels.mine: module == 'typed_in', must have a source file$"
    with pytest.raises(ContractError, match=wanted):
        check_spec("channels.mine", CustomSpec(object="typed_in:Mine"))


def test_the_time_of_a_call_is_limited_from_the_first_check_on() -> None:
    before = time_limit()
    try:
        check_plug_ins(small_config("execution.plug_in_seconds=7"))
        assert time_limit().seconds == 7
    finally:
        limit_calls(before)
