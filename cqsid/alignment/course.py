"""How far an alignment has come, what it keeps of the weights, and when it is to end."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from cqsid.alignment.report import AlignmentReport, Ended, Evaluation, StepReading
from cqsid.alignment.settings import AlignmentSpec, StopSpec

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
