"""Judges by name, the built-in ones and the user's own."""

from ranking.judges.entities import EntityJudge
from ranking.judges.joined import JoinedJudge
from ranking.judges.logistic import LogisticJudge
from ranking.judges.settings import JUDGE, JudgeSpec
from recall.judge import Judge


def build_judge(name: str, spec: JudgeSpec) -> Judge:
    """The judge that a spec describes, not yet fitted.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or is no judge.
    """
    if spec.type == "logistic":
        return LogisticJudge(name)
    if spec.type == "entities":
        if spec.logic == "none":
            return JoinedJudge(name, spec.pretraining)
        return EntityJudge(name, spec.logic, spec.pretraining)
    judge: Judge = JUDGE.make(spec.object, options=spec.options)
    return judge
