"""A whole reward lab through the command, small enough for some seconds."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.cli import run_command
from experiments.rewardlab.policies import POLICY, Policy
from experiments.rewardlab.run import bench_rewards
from experiments.stages.progress import NoProgress
from recall.storage import load
from tests.experiments.benchsuite import Bench, BenchSuite, drop, made
from tests.experiments.rewardlab.reward_runs import QUICK, lab_config, lab_toml
from tests.experiments.small_runs import log_digests, stage

pytestmark = pytest.mark.long

NAMES = [f"{reward}.{algorithm}" for reward in ("log", "oracle") for algorithm in ("grpo", "eg")]


LAB = Bench(
    command=("rewards",),
    name="rewards",
    shown="log.grpo",
    timed="seconds",
    some=("policy-log.eg-1-*", "world-oracle.grpo-0-*"),
    many=("policy-*.grpo-*", "world-*.grpo-*"),
    overrides=QUICK,
    refused=(
        ("reward_lab.arm=dens", "reward_lab.arm == 'dens', must be dense"),
        (
            "reward_lab.arm=control",
            "reward_lab.arm == 'control', must have a channel of type cqsid",
        ),
        ("reward_lab.channel=lexical", "reward_lab.channel == 'lexical', must be "),
        ("reward_lab.policies=[{reward='log', algorithm='gpo'}]", "policies.algorithm == 'gpo'"),
        ("reward_lab.rewards.log.components.0.type=lgo", "reward_lab.rewards.log.components.0"),
        ("reward_lab.algorithms.grpo.preset=gpo", "preset == 'gpo', must be one of grpo"),
        ("reward_lab.test_days=2", "reward_lab.test_days == 2, must be < 2 (history)"),
        ("reward_lab.alignment.held_out=9999", "reward_lab.alignment.held_out == 9999, must be < "),
        ("reward_lab.alignment.beam=9", "reward_lab.alignment.beam == 9, must be >= 10"),
        ("channels.cqsid.ids.codes=[3, 4, 4]", "channels.cqsid: ids.codes[0] == 3, must be >= "),
    ),
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lab_toml(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def finished(settings: Path) -> Path:
    """A finished lab; tests only read it."""
    folder = settings.with_name("run")
    assert run_command(LAB.words(settings, folder)) == 0
    trained = {f"{name}-{seed}" for name in NAMES for seed in (0, 1)}
    assert {f"policy-{name}" for name in trained} <= made(folder)
    assert {f"world-{name}-0" for name in (*trained, "sft", "control")} <= made(folder)
    assert {"sft", "sft-offline", "channel-lexical"} <= made(folder)
    # The supervised model serves; no arm is trained or lived that the lab does not need.
    assert not {"channel-cqsid", "experiment"} & made(folder)
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run", symlinks=True)


class TestBench(BenchSuite):
    bench = LAB

    def test_it_goes_on_from_its_finished_stages_to_the_same_record(
        self, settings: Path, finished: Path, copy: Path
    ) -> None:
        super().test_it_goes_on_from_its_finished_stages_to_the_same_record(
            settings, finished, copy
        )
        assert weights(copy, "policy-log.eg-1") == weights(finished, "policy-log.eg-1")


def test_a_lab_compares_every_policy(finished: Path) -> None:
    assert [row["name"] for row in LAB.record(finished)["policies"]] == ["sft", *NAMES]
    assert {row["policy"] for row in LAB.record(finished)["online"]} == set(NAMES)
    assert LAB.record(finished)["control"]


def weights(folder: Path, name: str) -> bytes:
    return (stage(folder, name) / "weights.safetensors").read_bytes()


def policy(folder: Path, name: str) -> Policy:
    found: Policy = load(stage(folder, name) / POLICY)
    return found


def test_grpo_is_known_as_a_control_and_the_others_are_compared_with_it(finished: Path) -> None:
    rows = {row["name"]: row for row in LAB.record(finished)["policies"]}
    assert [row["control"] for row in rows.values()] == [
        "grpo" if name.endswith(".grpo") else "" for name in rows
    ]
    assert rows["log.eg"]["matched"] == pytest.approx(8**0.5 / 6)
    pairs = {(row["policy"], row["against"]) for row in LAB.record(finished)["contrasts"]}
    assert ("log.eg", "log.grpo") in pairs


def test_policies_differ_by_reward_algorithm_and_seed_and_start_alike(finished: Path) -> None:
    every = {weights(finished, f"policy-{name}-{seed}") for name in NAMES for seed in (0, 1)}
    assert len(every) == 2 * len(NAMES)
    starts = [
        policy(finished, f"policy-{name}-{seed}").oracle_EV[0] for name in NAMES for seed in (0, 1)
    ]
    assert starts[0].max() > 0
    for start in starts:
        np.testing.assert_array_equal(start, starts[0])


def test_each_training_tells_its_course_and_who_asked(finished: Path) -> None:
    found = policy(finished, "policy-log.eg-1")
    assert [reading.step for reading in found.report.steps] == [1, 2, 3, 4]
    assert [each.step for each in found.report.evaluations] == [0, 2, 4]
    assert found.reward_EV.shape == found.oracle_EV.shape == (3, len(found.shopper_V))
    assert 0 < len(found.shopper_V) <= 20
    assert {len(values_B) for values_B in found.offline.values()} == {
        LAB.record(finished)["requests"]
    }


def test_a_policy_changes_its_world_and_the_rest_of_the_pair_is_the_same(finished: Path) -> None:
    digests = {name.rpartition("-")[0]: digest for name, digest in log_digests(finished).items()}
    assert digests["world-log.eg-0-0"] != digests["world-sft-0"]
    assert digests["world-control-0"] != digests["world-sft-0"]


class Killed(BaseException):
    """Stands for the end of the process."""


class KillingBar:
    """Ends the process once a training is half done."""

    def __init__(self) -> None:
        self.amount = 0.0

    def advance(self, amount: float = 1) -> None:
        self.amount += amount
        if self.amount >= 0.5:
            raise Killed


class Killing(NoProgress):
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Any:
        from contextlib import nullcontext

        return nullcontext(KillingBar()) if name == "policies" else super().stage(name)


def test_a_training_that_was_killed_goes_on_where_it_was(
    settings: Path, finished: Path, copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    drop(copy, "policy-log.grpo-0-*")
    config = lab_config(settings.parent)
    with pytest.raises(Killed):
        bench_rewards(config, copy, progress=Killing(), command="a test")
    (left,) = (copy / "stages").glob("policy-log.grpo-0-*.unfinished")
    assert (left / "alignment.safetensors").is_file()
    with caplog.at_level("INFO"):
        bench_rewards(config, copy, progress=NoProgress(), command="a test")
    assert "resumed after step 2 of 4" in caplog.text
    assert made(copy) == {"policy-log.grpo-0"}
    assert weights(copy, "policy-log.grpo-0") == weights(finished, "policy-log.grpo-0")
    assert LAB.untimed(copy) == LAB.untimed(finished)
    assert not list((copy / "stages").glob("*.unfinished"))


def test_another_reward_trains_its_policies_alone(settings: Path, copy: Path) -> None:
    more = ("reward_lab.rewards.log.components.0.clicked=0.8", "reward_lab.worlds=0")
    assert run_command([*LAB.words(settings, copy, *more), "--overwrite"]) == 0
    changed = {f"policy-log.{name}-{seed}" for name in ("grpo", "eg") for seed in (0, 1)}
    assert made(copy) == changed
    assert LAB.record(copy)["online"] == []


def test_the_users_own_reward_is_trained_with_and_its_source_is_part_of_the_key(
    settings: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ownrewards.py").write_text(
        "import numpy as np\n"
        "def constant(logged, samples, shop):\n"
        "    assert shop.oracle is None\n"
        "    return np.ones(samples.shape, np.float32)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    text = settings.read_text().replace(
        'type = "log"', 'type = "custom"\nobject = "ownrewards:constant"'
    )
    place = tmp_path / "own.toml"
    place.write_text(text)
    more = ("reward_lab.worlds=0", "reward_lab.seeds=1")
    assert run_command([*LAB.words(place, copy, *more), "--overwrite"]) == 0
    assert made(copy) == {"policy-log.grpo-0", "policy-log.eg-0"}
    assert policy_of(copy, "policy-log.grpo-0-*", "reward") == {1.0}


def policy_of(folder: Path, pattern: str, what: str) -> set[float]:
    """The values of the newest of some policies' courses."""
    newest = max((folder / "stages").glob(pattern), key=lambda path: path.stat().st_mtime)
    found: Policy = load(newest / POLICY)
    return {getattr(reading, what) for reading in found.report.steps}


def test_a_lab_needs_rewards_and_a_reward_that_can_be_made(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = settings.read_text()
    place = tmp_path / "none.toml"
    place.write_text(text[: text.index("[[reward_lab.rewards.log")])
    assert run_command(LAB.words(place, tmp_path / "run")) == 2
    assert "must have one of each at least" in capsys.readouterr().err
    own = 'type = "custom"\nobject = "tests.experiments.plugins:Nothing"'
    place.write_text(text.replace('type = "log"', own))
    assert run_command(LAB.words(place, tmp_path / "run")) == 2
    error = capsys.readouterr().err
    assert "reward_lab.rewards.log.components[0]" in error
    assert "Nothing" in error
    place.write_text(
        text.replace('type = "log"', 'type = "exclusivity"').replace(
            'channels = ["lexical", "cqsid"]', 'channels = ["cqsid"]'
        )
    )
    assert run_command(LAB.words(place, tmp_path / "run")) == 2
    assert "must be in an arm with other channels" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def breaks_late(logged: Any, samples: Any, shop: Any) -> Any:
    """Keeps the contract of a reward while it is asked of no more than a dozen requests."""
    return np.full(samples.shape, 1e30 if len(logged) > 12 else 1.0)


BROKEN = f"""
[[reward_lab.rewards.broken.components]]
type = "custom"
object = "{__name__}:breaks_late"
"""


def test_a_reward_that_breaks_takes_no_other_policy_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, folder = lab_toml(tmp_path, BROKEN), tmp_path / "run"
    short = ["--set", "reward_lab.seeds=1", "--set", "reward_lab.worlds=0"]
    assert run_command([*LAB.words(settings, folder), *short]) == 3
    told = capsys.readouterr().err
    assert "Failed: Policy broken.grpo failed and was left out: reward_lab, broken.grpo: " in told
    assert "values[0, 0] == 1e+30, must be finite, and within +-1e+09" in told
    record = LAB.record(folder)
    assert [row["name"] for row in record["policies"]] == ["sft", *NAMES]
    assert sum("broken" in warning for warning in record["warnings"]) == 2
    assert "Policy broken.grpo failed and was left out" in (folder / "rewards.html").read_text()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [row["part"] for row in manifest["failed"]] == ["policy broken.grpo", "policy broken.eg"]
