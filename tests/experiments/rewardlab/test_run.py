"""A whole reward lab through the command, small enough for some seconds."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.cli import run_command
from experiments.rewardlab.policies import POLICY, Policy
from experiments.rewardlab.run import bench_rewards
from experiments.stages.progress import NoProgress
from tests.experiments.rewardlab.reward_runs import QUICK, lab_config, lab_toml
from tests.experiments.small_runs import content, log_digests, read, stage

NAMES = [f"{reward}.{algorithm}" for reward in ("log", "oracle") for algorithm in ("grpo", "eg")]


def words(place: Path, out: Path, *overrides: str) -> list[str]:
    options = [word for each in (*QUICK, *overrides) for word in ("--set", each)]
    return ["rewards", str(place), "--out", str(out), *options]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lab_toml(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def lab(settings: Path) -> Path:
    """A finished lab; tests only read it."""
    folder = settings.with_name("run")
    assert run_command(words(settings, folder)) == 0
    return folder


@pytest.fixture
def copy(lab: Path, tmp_path: Path) -> Path:
    return shutil.copytree(lab, tmp_path / "run", symlinks=True)


def made(folder: Path) -> set[str]:
    return {one["name"] for one in read(folder, "manifest")["stages"] if not one["cached"]}


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = read(folder, "rewards")
    return found


def untimed(told: Any) -> Any:
    """What is told but for how long it took."""
    if isinstance(told, dict):
        return {key: untimed(each) for key, each in told.items() if key != "seconds"}
    return [untimed(each) for each in told] if isinstance(told, list) else told


def drop(folder: Path, *patterns: str) -> None:
    for pattern in patterns:
        for found in (folder / "stages").glob(pattern):
            shutil.rmtree(found)


def weights(folder: Path, name: str) -> bytes:
    return (stage(folder, name) / "weights.safetensors").read_bytes()


def policy(folder: Path, name: str) -> Policy:
    found: Policy = pickle.loads((stage(folder, name) / POLICY).read_bytes())
    return found


def test_a_lab_trains_every_policy_and_lives_paired_worlds(
    settings: Path, lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = {f"{name}-{seed}" for name in NAMES for seed in (0, 1)}
    assert {f"policy-{name}" for name in trained} <= made(lab)
    assert {f"world-{name}-0" for name in (*trained, "sft", "control")} <= made(lab)
    assert {"sft", "sft-offline", "channel-lexical", "channel-cqsid-early"} <= made(lab)
    # The supervised model serves; no arm is trained or lived that the lab does not need.
    assert not {"channel-cqsid", "experiment"} & made(lab)
    assert [row["name"] for row in record(lab)["policies"]] == ["sft", *NAMES]
    assert {row["policy"] for row in record(lab)["online"]} == set(NAMES)
    assert record(lab)["control"]
    assert run_command([*words(settings, lab), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rewards"] == record(lab)
    assert told["report"] == str(lab / "rewards.html")
    assert "log.grpo" in (lab / "rewards.html").read_text()
    assert run_command(words(settings, lab)) == 0
    assert "log.grpo" in capsys.readouterr().out
    assert not made(lab)


def test_grpo_is_known_as_a_control_and_the_others_are_compared_with_it(lab: Path) -> None:
    rows = {row["name"]: row for row in record(lab)["policies"]}
    assert [row["control"] for row in rows.values()] == [
        "grpo" if name.endswith(".grpo") else "" for name in rows
    ]
    assert rows["log.eg"]["matched"] == pytest.approx(8**0.5 / 6)
    pairs = {(row["policy"], row["against"]) for row in record(lab)["contrasts"]}
    assert ("log.eg", "log.grpo") in pairs


def test_policies_differ_by_reward_algorithm_and_seed_and_start_alike(lab: Path) -> None:
    every = {weights(lab, f"policy-{name}-{seed}") for name in NAMES for seed in (0, 1)}
    assert len(every) == 2 * len(NAMES)
    starts = [
        policy(lab, f"policy-{name}-{seed}").oracle_EV[0] for name in NAMES for seed in (0, 1)
    ]
    assert starts[0].max() > 0
    for start in starts:
        np.testing.assert_array_equal(start, starts[0])


def test_each_training_tells_its_course_and_who_asked(lab: Path) -> None:
    found = policy(lab, "policy-log.eg-1")
    assert [reading.step for reading in found.report.steps] == [1, 2, 3, 4]
    assert [each.step for each in found.report.evaluations] == [0, 2, 4]
    assert found.reward_EV.shape == found.oracle_EV.shape == (3, len(found.shopper_V))
    assert 0 < len(found.shopper_V) <= 20
    assert {len(values_B) for values_B in found.offline.values()} == {record(lab)["requests"]}


def test_a_policy_changes_its_world_and_the_rest_of_the_pair_is_the_same(lab: Path) -> None:
    digests = {name.rpartition("-")[0]: digest for name, digest in log_digests(lab).items()}
    assert digests["world-log.eg-0-0"] != digests["world-sft-0"]
    assert digests["world-control-0"] != digests["world-sft-0"]


def test_a_lab_goes_on_from_its_finished_trainings_to_the_same_record(
    settings: Path, lab: Path, copy: Path
) -> None:
    drop(copy, "policy-log.eg-1-*", "world-oracle.grpo-0-*")
    assert run_command(words(settings, copy)) == 0
    assert made(copy) == {"policy-log.eg-1", "world-oracle.grpo-0-0"}
    assert untimed(record(copy)) == untimed(record(lab))
    assert weights(copy, "policy-log.eg-1") == weights(lab, "policy-log.eg-1")


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
    settings: Path, lab: Path, copy: Path, caplog: pytest.LogCaptureFixture
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
    assert weights(copy, "policy-log.grpo-0") == weights(lab, "policy-log.grpo-0")
    assert untimed(record(copy)) == untimed(record(lab))
    assert not list((copy / "stages").glob("*.unfinished"))


def test_two_processes_give_the_same_record(settings: Path, lab: Path, copy: Path) -> None:
    drop(copy, "policy-*.grpo-*", "world-*.grpo-*")
    assert run_command(words(settings, copy, "execution.processes=2")) == 0
    assert untimed(record(copy)) == untimed(record(lab))


def test_another_reward_trains_its_policies_alone(settings: Path, copy: Path) -> None:
    more = ("reward_lab.rewards.log.components.0.clicked=0.8", "reward_lab.worlds=0")
    assert run_command([*words(settings, copy, *more), "--overwrite"]) == 0
    changed = {f"policy-log.{name}-{seed}" for name in ("grpo", "eg") for seed in (0, 1)}
    assert made(copy) == changed
    assert record(copy)["online"] == []


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
    assert run_command([*words(place, copy, *more), "--overwrite"]) == 0
    assert made(copy) == {"policy-log.grpo-0", "policy-log.eg-0"}
    assert policy_of(copy, "policy-log.grpo-0-*", "reward") == {1.0}


def policy_of(folder: Path, pattern: str, what: str) -> set[float]:
    """The values of the newest of some policies' courses."""
    newest = max((folder / "stages").glob(pattern), key=lambda path: path.stat().st_mtime)
    found: Policy = pickle.loads((newest / POLICY).read_bytes())
    return {getattr(reading, what) for reading in found.report.steps}


REFUSED = [
    (["reward_lab.arm=dens"], "reward_lab.arm == 'dens', must be dense"),
    (["reward_lab.arm=control"], "reward_lab.arm == 'control', must have a channel of type cqsid"),
    (["reward_lab.channel=lexical"], "reward_lab.channel == 'lexical', must be "),
    (["reward_lab.policies=[{reward='log', algorithm='gpo'}]"], "policies.algorithm == 'gpo'"),
    (["reward_lab.rewards.log.components.0.type=lgo"], "reward_lab.rewards.log.components.0"),
    (["reward_lab.algorithms.grpo.preset=gpo"], "preset == 'gpo', must be one of grpo"),
    (["reward_lab.test_days=2"], "reward_lab.test_days == 2, must be < 2 (history)"),
    (["reward_lab.alignment.held_out=9999"], "reward_lab.alignment.held_out == 9999, must be < "),
    (["reward_lab.alignment.beam=9"], "reward_lab.alignment.beam == 9, must be >= 10"),
    (["channels.cqsid.ids.codes=[3, 4, 4]"], "channels.cqsid: ids.codes[0] == 3, must be >= "),
    (["seed=6"], "finished run with other settings (seed == 5, now 6)"),
]


@pytest.mark.parametrize(("overrides", "wanted"), REFUSED)
def test_what_cannot_be_tried_is_one_message_and_nothing_is_lost(
    settings: Path,
    copy: Path,
    capsys: pytest.CaptureFixture[str],
    overrides: list[str],
    wanted: str,
) -> None:
    before = content(copy)
    more = [] if overrides == ["seed=6"] else ["--overwrite"]
    assert run_command([*words(settings, copy, *overrides), *more]) == 2
    output = capsys.readouterr()
    assert wanted in output.err
    assert output.out == ""
    assert "Traceback" not in output.err
    assert before.items() <= content(copy).items()


def test_a_lab_needs_rewards_and_a_reward_that_can_be_made(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = settings.read_text()
    place = tmp_path / "none.toml"
    place.write_text(text[: text.index("[[reward_lab.rewards.log")])
    assert run_command(words(place, tmp_path / "run")) == 2
    assert "must have one of each at least" in capsys.readouterr().err
    own = 'type = "custom"\nobject = "tests.experiments.plugins:Nothing"'
    place.write_text(text.replace('type = "log"', own))
    assert run_command(words(place, tmp_path / "run")) == 2
    error = capsys.readouterr().err
    assert "reward_lab.rewards.log.components[0]" in error
    assert "Nothing" in error
    place.write_text(
        text.replace('type = "log"', 'type = "exclusivity"').replace(
            'channels = ["lexical", "cqsid"]', 'channels = ["cqsid"]'
        )
    )
    assert run_command(words(place, tmp_path / "run")) == 2
    assert "must be in an arm with other channels" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
