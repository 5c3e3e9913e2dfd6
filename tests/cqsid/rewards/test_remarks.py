import numpy as np
import pytest
import torch

from cqsid.rewards.registry import RewardMix, build_mix
from cqsid.rewards.remarks import Remarker, component, keeping
from cqsid.rewards.trl import from_trl
from simulator.errors import ContractError
from tests.cqsid.rewards.test_trl import VOCABULARY, logged, sampled, shop

TALKING = {"type": "custom", "object": "tests.cqsid.rewards.test_remarks:talking"}


def lengths(completions, log_metric, log_extra, **_):
    """A function of TRL's that logs all it can."""
    log_metric("accuracy", 0.25)
    log_metric("accuracy", np.float32(0.75))
    log_extra("letters", [len(text) for text in completions])
    log_extra("said", list(completions))
    return [float(len(text)) for text in completions]


def talking(logged, samples, shop):
    return from_trl(lengths, VOCABULARY)(logged, samples, shop)


def test_what_a_function_of_trl_logs_is_kept_by_component():
    mix = build_mix(RewardMix(components=(TALKING, TALKING)), shop())
    samples = sampled([4, 9], 3)
    with keeping() as kept:
        values_BG = mix.parts(logged().rows(np.array([4, 9])), samples)[0]
    assert set(kept.metrics) == {"custom/accuracy", "custom_2/accuracy"}
    assert kept.metrics["custom/accuracy"] == [0.25, 0.75]
    assert kept.columns["custom/letters"] == values_BG.ravel().tolist()
    assert all(text.startswith("<a_") for text in kept.columns["custom_2/said"])
    assert kept.means() == pytest.approx(
        {
            "custom/letters": values_BG.mean(),
            "custom_2/letters": values_BG.mean(),
            "custom/accuracy": 0.5,
            "custom_2/accuracy": 0.5,
        }
    )


def test_where_nobody_keeps_it_nothing_is_kept_and_nothing_breaks():
    talking(logged(), sampled(range(12), 2), shop())
    with keeping() as kept:
        pass
    Remarker("f", 1).log_metric("late", 1.0)
    assert kept.means() == {}


def test_a_block_within_a_block_has_remarks_of_its_own():
    remarker = Remarker("f", 1)
    with keeping() as outer, component("one"):
        remarker.log_metric("a", 1)
        with keeping() as inner, component("two"):
            remarker.log_metric("a", torch.tensor(3.0))
        remarker.log_extra("b", np.array([2]))
    assert outer.means() == {"one/a": 1.0, "one/b": 2.0}
    assert inner.means() == {"two/a": 3.0}


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (lambda on: on.log_metric("a", "0.5"), r"f: log_metric\('a', '0.5'\), must be a name and"),
        (lambda on: on.log_metric("a", None), r"log_metric\('a', None\), must be .* a finite"),
        (lambda on: on.log_metric("a", float("nan")), r"log_metric\('a', nan\), must be"),
        (lambda on: on.log_metric("a", [1.0, 2.0]), r"log_metric\('a', \[1.0, 2.0\]\), must be"),
        (lambda on: on.log_metric(3, 1.0), r"log_metric\(3, 1.0\), must be a name"),
        (lambda on: on.log_extra("a", [1.0]), r"log_extra\('a', 1 values\), must be .* 2 values"),
        (lambda on: on.log_extra("a", "xy"), r"log_extra\('a', str\), must be a name and 2"),
        (lambda on: on.log_extra("a", 1.0), r"log_extra\('a', float\), must be a name and 2"),
        (lambda on: on.log_extra("a", [1.0, float("inf")]), r"log_extra\('a'\) has inf, must"),
    ],
)
def test_what_is_no_number_is_refused(log, message):
    with keeping() as kept, pytest.raises(ContractError, match=message):
        log(Remarker("f", 2))
    assert kept.means() == {}


def test_a_function_that_logs_no_number_is_refused_by_its_name():
    def wordy(completions, log_metric, **_):
        log_metric("mood", "good")
        return [0.0] * len(completions)

    with pytest.raises(ContractError, match=r"wordy: log_metric\('mood', 'good'\)"):
        from_trl(wordy, VOCABULARY)(logged(), sampled(range(12), 2), shop())
