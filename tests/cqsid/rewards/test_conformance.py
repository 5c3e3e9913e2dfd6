import numpy as np
import pytest

from cqsid.rewards.conformance import check_reward
from experiments.cli import run_command
from tests.cqsid.rewards import plugins


class Broken:
    """Sound, but for one fault."""

    def __init__(self, fault=""):
        self.fault, self.calls = fault, 0

    def __call__(self, logged, samples, shop):
        self.calls += 1
        values_BG = samples.sid_BG.astype(np.float64)
        match self.fault:
            case "shape":
                return values_BG[:, :-1]
            case "nan":
                return np.where(samples.sid_BG < 0, np.nan, 1)
            case "nobody":
                return values_BG + (1 if samples.sid_BG[0, 0] else 0)
            case "moody":
                return values_BG + self.calls
            case "batch":
                return values_BG - values_BG.mean()
            case "place":
                return values_BG + np.arange(samples.shape[1])
            case "rows":
                return values_BG + np.arange(samples.shape[0])[:, None]
            case "writes":
                samples.sid_BG[samples.sid_BG < 0] = 0
            case "writes hostile ids" if (samples.sid_BG < 0).all():
                samples.sid_BG[:] = 0
            case "writes codes":
                samples.codes_BGL[:] = 0
            case "writes the shop":
                shop.index.available_I[0] = False
            case "writes the log":
                logged.clicked.values[:] = 0
            case "clicks":
                return values_BG / logged.clicked.lengths.sum()
            case "texts":
                words = [len(text.split()) for text in _texts(logged)]
                return values_BG + [[1 / number] for number in words]
            case "alone":
                return values_BG / (samples.shape[1] - 1)
            case "raises":
                raise RuntimeError("not today")
            case "single" if len(logged) == 1:
                raise IndexError("one is too few")
        return values_BG

    def __getstate__(self):
        if self.fault == "pickle":
            raise TypeError("cannot pickle")
        return self.__dict__ | ({"fault": "batch"} if self.fault == "forgets" else {})


def _texts(logged):
    return [logged.requests.texts[text] for text in logged.requests.text_B]


FOUND = {
    "shape": r"reward().shape == (12, 5), must be (12, 6)",
    "nan": "must be finite",
    "nobody": "reward(no requests) == IndexError",
    "moody": "reward() asked twice == another answer, must be a function of its arguments",
    "batch": "reward() asked singly == another answer, must not depend on the other requests",
    "place": "reward() of ids in another order == another answer, must follow the ids",
    "rows": "must not depend on the other requests",
    "writes": "and leave what it is given as it is",
    "writes hostile ids": "reward(ids of no item) == ValueError",
    "writes codes": "and leave what it is given as it is",
    "writes the shop": "and leave what it is given as it is",
    "writes the log": "and leave what it is given as it is",
    "clicks": "reward(requests without clicks)",
    "texts": "reward() == ZeroDivisionError",
    "alone": "reward(a group of one id)",
    "raises": "reward() == RuntimeError('not today') (tests/cqsid/rewards/test_con",
    "single": "reward() asked singly == IndexError('one is too few') (tests/cqsid",
    "pickle": "pickle == TypeError('cannot pickle') (tests/cqsid",
    "forgets": "pickle == another answer",
}


def test_a_sound_reward_of_a_user_passes():
    assert check_reward(Broken) == []
    assert check_reward(plugins.constant) == []
    assert check_reward(plugins.constant, {"height": 3}) == []
    assert check_reward(plugins.PerCode) == []


@pytest.mark.parametrize("fault", FOUND)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_a_broken_promise_is_named(fault):
    findings = [str(finding) for finding in check_reward(Broken, {"fault": fault})]
    assert any(FOUND[fault] in finding for finding in findings), findings


def test_rewards_of_codes_are_checked_too():
    (finding,) = check_reward(plugins.WrongLevels)
    assert "shape == (12, 6), must be (12, 6, 3)" in str(finding)


@pytest.mark.parametrize("made_by", [plugins.Uncallable, plugins.Refusing, plugins.short])
def test_what_makes_no_reward_is_named(made_by):
    (finding,) = check_reward(made_by)
    assert str(finding).startswith(f"reward == {made_by.__name__}")
    assert "be made" in str(finding)


def test_the_command_tells_what_it_found(capsys):
    here = "tests.cqsid.rewards.plugins"
    assert run_command(["check", "reward", f"{here}:constant"]) == 0
    assert "constant keeps the contract of a reward" in capsys.readouterr().out
    assert run_command(["check", "reward", f"{here}:transposed"]) == 2
    error = capsys.readouterr().err
    assert "breaks the contract of a reward" in error
    assert "shape == (6, 12), must be (12, 6)" in error
    assert run_command(["check", "reward", "nonsense"]) == 2
    assert "must be MODULE:OBJECT" in capsys.readouterr().err
