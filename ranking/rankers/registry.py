"""Rankers by name, the built-in ones and the user's own."""

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from ranking.features import FeatureSet
from ranking.rankers.learned import LearnedRanker, LearnedSpec
from ranking.rankers.ranker import MergeOrderRanker, Ranker
from simulator.plugins import Kind
from simulator.spec import Spec

RANKER: Final = Kind("a ranker", has=("name", "fit", "score"), made_with=("features",))


class RankerSpec(Spec):
    """Which ranker a funnel uses."""

    type: Literal["learned", "merge_order", "custom"] = Field("learned", description="kind")
    learned: LearnedSpec = Field(LearnedSpec(), description="settings of the learned ranker")
    object: str = Field(
        "", description='class or function that makes a custom ranker, "module:Class"'
    )
    options: dict[str, Any] = Field({}, description="keyword arguments given to it")

    @model_validator(mode="after")
    def _custom_has_an_object(self) -> "RankerSpec":
        if (self.type == "custom") != bool(self.object):
            raise ValueError(
                f"ranker.object == {self.object!r} with type {self.type!r}, "
                "must be MODULE:OBJECT where the type is 'custom' and empty elsewhere"
            )
        return self

    def code(self) -> tuple[str, ...]:
        """The module of a custom ranker."""
        return (RANKER.module(self.object),) if self.object else ()

    def check(self) -> None:
        """Find a custom ranker; it is made of the features, which need the history."""
        if self.object:
            RANKER.load(self.object)


def build_ranker(spec: RankerSpec, features: FeatureSet) -> Ranker:
    """The ranker that a spec describes, not yet fitted.

    A custom object is called with the features and the options.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or is no ranker.
    """
    match spec.type:
        case "learned":
            return LearnedRanker(features, spec.learned)
        case "merge_order":
            return MergeOrderRanker()
        case "custom":
            ranker: Ranker = RANKER.make(spec.object, features, options=spec.options)
            return ranker
