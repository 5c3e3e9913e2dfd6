"""What is told of an alignment: each step's figures, each evaluation's, and how it ended."""

from dataclasses import dataclass
from enum import StrEnum


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
