"""What is told of an alignment: each step's figures, each evaluation's, its course and its end."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter

from cqsid.alignment.experts import present_B
from cqsid.alignment.idtask import IdTask
from cqsid.alignment.learner import Update
from cqsid.alignment.measures import distinct_B
from cqsid.alignment.objective.advantages import tied_B
from cqsid.alignment.objective.losses import divergence
from cqsid.alignment.rollout import Roller
from cqsid.alignment.settings import AlgorithmSpec, AlignmentSpec, StopSpec
from cqsid.rewards.logged import Logged
from cqsid.tokenizer.ids import pack
from simulator.catalogue.catalog import Ints


class Ended(StrEnum):
    """Why an alignment ended."""

    FINISHED = "finished"  # all its steps were taken
    RECALL = "recall"  # item recall at 200 had fallen too far
    DIVERGENCE = "divergence"  # too far from the supervised model


@dataclass(frozen=True)
class StepReading:
    """One rollout batch.

    "Generated ids" are those of the policy that stayed in their group: where experts take the place
    of the worst, the figures are of the others.

    Attributes:
        step: steps taken, this one included.
        loss: of the last optimiser step on this batch.
        reward: mean reward of the generated ids.
        parts: mean of each reward's own values over the generated ids, by name.
        expert_reward: mean reward of the experts; None without any.
        tied: share of groups whose rewards tie.
        present: share of groups in which the policy itself generated the id of a clicked item.
        entropy_L: mean entropy of the policy at each code of the generated ids (nats).
        first_codes: mean distinct first codes of a request's generated ids.
        distinct: mean distinct ids of a request's generated ids, over their number.
        kl: estimated divergence from the supervised model, summed over an id's codes (nats).
        clipped: share of codes whose ratio was clipped.
        gradient: norm of the gradient before clipping.
        seconds: since the start, in earlier attempts too.
        logged: means of what the rewards logged beside their values, by component and name: numbers
            by TRL's `log_metric`, and of `log_extra` over all ids of the batch.
    """

    step: int
    loss: float
    reward: float
    parts: dict[str, float]
    expert_reward: float | None
    tied: float
    present: float
    entropy_L: tuple[float, ...]
    first_codes: float
    distinct: float
    kl: float
    clipped: float
    gradient: float
    seconds: float
    logged: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """The policy on held-out requests, by beam search as in service.

    Attributes:
        step: steps taken; 0 is the supervised model.
        hit_rates: share of clicked items covered by the ids of the beam, at 1, 10, 100.
        recall: share of clicked items among the first 200 items of the beam.
        entropy_L: mean entropy at each code along the best ten ids (nats).
        first_codes: mean distinct first codes of the best ten ids.
        kl: divergence from the supervised model over each level's codes, averaged over the best
            ten ids and summed over levels (nats).
        reward: mean reward of the best ten ids.
        probes: mean value of the best ten ids under rewards that are only watched, by name;
            "oracle" where the simulated shopper can be asked.
    """

    step: int
    hit_rates: tuple[float, ...]
    recall: float
    entropy_L: tuple[float, ...]
    first_codes: float
    kl: float
    reward: float
    probes: dict[str, float]


@dataclass(frozen=True)
class AlignmentReport:
    """What came of an alignment.

    Attributes:
        ended: why it ended.
        kept: step whose weights were kept.
        steps: one for each rollout batch.
        evaluations: in the order of the steps; the first is the supervised model's.
        seconds: time spent, in earlier attempts too.
    """

    ended: Ended
    kept: int
    steps: tuple[StepReading, ...]
    evaluations: tuple[Evaluation, ...]
    seconds: float

    @property
    def untaught(self) -> bool:
        """Whether the rewards of all groups tied at every step, so that nothing was learned."""
        return bool(self.steps) and all(step.tied == 1 for step in self.steps)


Bools = NDArray[np.bool_]


def step_reading(
    step: int, roller: Roller[IdTask], logged: Logged, update: Update, seconds: float
) -> StepReading:
    """Read off a step what `StepReading` tells.

    All of it is of the groups that were learned from: where experts replaced the worst generated
    ids, those are not in it, and reward and presence are of the ids that stayed. Codes that were
    forced count as generated, but for the divergence. A mean over nothing is 0.

    Args:
        step: steps taken, this one included.
        roller: how ties and the divergence are told, the names of the rewards, the id table.
        logged: the requests.
        update: what the step did.
        seconds: since the start.
    """
    rollout, loss, ids = update.rollout, update.loss, roller.task.shop.ids
    group, generated_BG = rollout.group, rollout.group.generated_BG
    expert_BG = group.valid_BG & group.expert_BG
    first_codes, distinct = _variety(group.samples.codes_BGL, generated_BG, ids.sizes)
    total, valid = torch.from_numpy(rollout.total_BG), torch.from_numpy(group.valid_BG)
    counted_BGL = generated_BG[..., None] & group.free_BGL
    return StepReading(
        step=step,
        loss=float(loss.total.detach()),
        reward=_mean(rollout.total_BG, generated_BG),
        parts={
            name: _mean(part_BG, generated_BG)
            for name, part_BG in zip(roller.task.mix.names, rollout.parts_CBG, strict=True)
        },
        expert_reward=_mean(rollout.total_BG, expert_BG) if expert_BG.any() else None,
        tied=float(tied_B(total, valid, roller.spec.tie).double().mean()),
        present=float(present_B(group.samples, generated_BG, logged, ids).mean()),
        entropy_L=tuple(
            _mean(each_BG, generated_BG)
            for each_BG in np.moveaxis(update.scores.entropy_BGL.double().cpu().numpy(), 2, 0)
        ),
        first_codes=first_codes,
        distinct=distinct,
        kl=_divergence(update, counted_BGL, roller.spec) / max(int(generated_BG.sum()), 1),
        clipped=float(loss.clipped),
        gradient=update.gradient,
        seconds=seconds,
        logged=rollout.logged,
    )


def _mean(values_BG: NDArray[np.floating], counted_BG: Bools) -> float:
    """Over the counted places."""
    kept = values_BG[counted_BG]
    return float(kept.mean(dtype=np.float64)) if len(kept) else 0.0


def _variety(codes_BGL: Ints, generated_BG: Bools, sizes: tuple[int, ...]) -> tuple[float, float]:
    """Mean distinct first codes of a request's ids, and distinct ids over their number."""
    number_B = generated_BG.sum(axis=1)
    some_B = number_B > 0
    if not some_B.any():
        return 0.0, 0.0
    key_BG = pack(codes_BGL.reshape(-1, codes_BGL.shape[2]), sizes).reshape(generated_BG.shape)
    first_B = distinct_B(codes_BGL[:, :, 0], generated_BG)[some_B]
    share_B = distinct_B(key_BG, generated_BG)[some_B] / number_B[some_B]
    return float(first_B.mean()), float(share_B.mean())


def _divergence(update: Update, counted_BGL: Bools, spec: AlgorithmSpec) -> float:
    """The estimates of all counted codes, summed; of codes that either model rules out, none."""
    scores = (update.scores, update.reference)
    policy_BGL, held_BGL = (each.logp_BGL.detach().double().cpu() for each in scores)
    finite_BGL = policy_BGL.isfinite() & held_BGL.isfinite()
    kept_BGL = torch.from_numpy(counted_BGL) & finite_BGL
    kl_BGL = divergence(policy_BGL, held_BGL, spec.kl_estimator)
    return float(kl_BGL[kept_BGL].sum())


Watched = dict[str, NDArray[np.float64]]


@dataclass
class Course:
    """The course of an alignment. All of it is in a checkpoint.

    Attributes:
        steps, evaluations: what was told so far.
        watched: (V,) values on the held-out requests at each evaluation, by name.
        beyond: evaluations in a row that were beyond a limit.
        kept: step of the weights to keep.
        ended: why it ended; None: it has not.
        seconds: time spent, in earlier attempts too.
    """

    steps: list[StepReading] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)
    beyond: int = 0
    kept: int = 0
    ended: Ended | None = None
    seconds: float = 0.0

    @property
    def step(self) -> int:
        """Steps taken."""
        return len(self.steps)

    def add(self, evaluation: Evaluation, watched: Watched, spec: AlignmentSpec) -> bool:
        """Take note of an evaluation; whether its weights are now the ones to keep."""
        self.evaluations.append(evaluation)
        self.watched.append(watched)
        limit = beyond(evaluation, self.evaluations[0], spec.stop)
        self.beyond = self.beyond + 1 if limit else 0
        if limit and self.beyond >= spec.stop.patience:
            self.ended = limit
        if limit or (spec.keep == "best" and not self._best(evaluation)):
            return False
        self.kept = evaluation.step
        return True

    def _best(self, evaluation: Evaluation) -> bool:
        """Whether it finds more at 10 than the one that is kept now, or is the first."""
        kept = [each for each in self.evaluations[:-1] if each.step == self.kept]
        return not kept or evaluation.hit_rates[1] > kept[-1].hit_rates[1]

    def facts(self) -> dict[str, Any]:
        """All but the arrays, for a checkpoint."""
        facts = asdict(self)
        del facts["watched"]
        return facts

    def arrays(self) -> Watched:
        """The watched values, (E, V) by name."""
        names = self.watched[0] if self.watched else {}
        return {name: np.stack([each[name] for each in self.watched]) for name in names}

    def report(self) -> AlignmentReport:
        """What came of it, once it has ended."""
        ended = self.ended or Ended.FINISHED
        steps, evaluations = tuple(self.steps), tuple(self.evaluations)
        return AlignmentReport(ended, self.kept, steps, evaluations, self.seconds)

    @staticmethod
    def of(facts: dict[str, Any], arrays: Watched) -> "Course":
        """Back from a checkpoint."""
        steps = TypeAdapter(list[StepReading]).validate_python(facts["steps"])
        evaluations = TypeAdapter(list[Evaluation]).validate_python(facts["evaluations"])
        watched = [
            {name: values_EV[at] for name, values_EV in arrays.items()}
            for at in range(len(evaluations))
        ]
        ended = Ended(facts["ended"]) if facts["ended"] else None
        parts = {"steps": steps, "evaluations": evaluations, "watched": watched, "ended": ended}
        return Course(**{**facts, **parts})


def beyond(evaluation: Evaluation, start: Evaluation, spec: StopSpec) -> Ended | None:
    """Which limit an evaluation has passed, if any."""
    if evaluation.recall < (1 - spec.recall_drop) * start.recall:
        return Ended.RECALL
    return Ended.DIVERGENCE if evaluation.kl > spec.kl else None
