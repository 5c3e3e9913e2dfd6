"""One policy with one seed: aligned from the supervised model, then asked the test requests."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cqsid.alignment.report import AlignmentReport, Evaluation, StepReading
from cqsid.alignment.trainer import align, load_weights, save_weights
from cqsid.learned import GenerativeChannel
from cqsid.loggers.listening import EVENTS, keep_events
from experiments.config.reward_lab import PolicySpec
from experiments.config.schema import Config
from experiments.rewardlab.lab import Folders, Lab
from experiments.rewardlab.live import Diary
from experiments.running.models import MODEL, load_saved, model_rng
from experiments.stages.executor import Advance
from experiments.stages.progress import Parts
from experiments.stages.stage import Stage
from recall.storage import save
from simulator.errors import ConfigError, ContractError, placing
from simulator.spec import Spec

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class PolicyModel:
    """What serves a policy: the supervised model with the weights that lie beside this object.

    Attributes:
        base: name of the supervised model's folder, a sibling of the policy's.
    """

    base: str

    def open_in(self, folder: Path, settings: Spec) -> GenerativeChannel:
        """The channel, from the folder that this object was read from."""
        channel: GenerativeChannel = load_saved(folder.parent / self.base / MODEL, settings)
        learned = channel.learned
        weights = load_weights(folder / WEIGHTS, learned.weights)
        channel.serve(replace(learned, weights=weights))
        return channel


POLICY = "policy.safetensors"
OFFLINE = "offline.safetensors"
ORACLE = "oracle"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SftJob:
    """The supervised model, to be asked what the policies are asked.

    Attributes:
        arm: number of the lab's arm in the config.
    """

    config: Config
    stage: Stage
    folders: Folders
    arm: int


@dataclass(frozen=True)
class PolicyJob(SftJob):
    """One policy to be trained with one seed and asked."""

    policy: PolicySpec
    seed: int


@dataclass(frozen=True)
class Policy:
    """What one training left, but for its weights.

    Attributes:
        offline: (B,) values of the test requests by measure.
        report: the course of the training.
        reward_EV, oracle_EV: mean value of the best ten ids of the V held-out requests at each
            evaluation: of the reward, and of the purchases that the simulated shopper expects.
        shopper_V: who asked them.
    """

    offline: dict[str, Floats]
    report: AlignmentReport
    reward_EV: Floats
    oracle_EV: Floats
    shopper_V: NDArray[np.integer]


def run_policy(job: PolicyJob, *, advance: Advance) -> str | None:
    """Train a policy, ask it the test requests, and finish its stage.

    Returns:
        Why its reward or its algorithm cannot be learned from; None where the stage is finished.
        What is wrong with one policy is not the others' matter.
    """
    try:
        _train(job, advance)
    except (ContractError, ConfigError) as error:
        return str(error)
    return None


def _train(job: PolicyJob, advance: Advance) -> None:
    lab = Lab(job.config, job.folders, job.arm)
    parts, diary = Parts(advance), Diary(job.stage.workspace)

    def tell(reading: StepReading, evaluation: Evaluation | None, steps: int) -> None:
        diary(reading, evaluation, steps)
        parts(reading.step / steps)

    with job.stage.write() as folder:
        with placing(f"reward_lab, {job.policy.name}"):
            held = lab.held()
            alignment = align(
                job.config.reward_lab.alignment,
                job.config.reward_lab.algorithms[job.policy.algorithm],
                lab.learned,
                lab.train(),
                held,
                *lab.rewarded(job.policy),
                seed=lab_seed(job.config, job.seed),
                personalised=lab.spec.personalised,
                probes={ORACLE: lab.probe()},
                device=lab.spec.device,
                workspace=job.stage.workspace,
                events=job.stage.workspace / EVENTS,
                name=f"{job.policy.name}-{job.seed}",
                progress=tell,
            )
        save_weights(folder / WEIGHTS, alignment.weights)
        save(folder / MODEL, PolicyModel(job.folders.sft.name))
        watched, shopper_V = alignment.watched, held.requests.shopper_B
        told = alignment.report, watched["reward"], watched[ORACLE], shopper_V
        save(folder / POLICY, Policy(lab.offline(alignment.weights), *told))
        keep_events(job.stage.workspace, folder)
    parts.finish()


def ask_sft(job: SftJob, *, advance: Advance) -> None:
    """Ask the supervised model the test requests, and finish its stage."""
    lab = Lab(job.config, job.folders, job.arm)
    with job.stage.write() as folder:
        save(folder / OFFLINE, lab.offline(lab.learned.weights))
    advance(1)


def lab_seed(config: Config, seed: int) -> int:
    """The luck of a training; policies of equal seed share it, so that they differ in no other."""
    return int(model_rng(config, f"rewards.{seed}").integers(2**31))
