"""Rankers by name, the built-in ones and the user's own."""

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from ranking.features import FeatureSet
from ranking.rankers.boosted import BoostedRanker, BoostedSpec
from ranking.rankers.learned import LearnedRanker, LearnedSpec
from ranking.rankers.ranker import MergeOrderRanker, Ranker
from simulator.plugins import Kind
from simulator.spec import Spec

RANKER: Final = Kind("a ranker", has=("name", "fit", "score"), made_with=("features",))


class RankerSpec(Spec):
    """Which ranker a funnel uses."""

    type: Literal["boosted", "learned", "merge_order", "custom"] = Field(
        "boosted", description="kind: boosted trees, a network, as merged, or your own"
    )
    boosted: BoostedSpec = Field(BoostedSpec(), description="settings of the boosted ranker")
    learned: LearnedSpec = Field(LearnedSpec(), description="settings of the learned ranker")
    provenance: bool = Field(
        False,
        description="features tell how many channels found an item, and how each ranked it",
    )
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

    @property
    def reads_pools(self) -> bool:
        """Whether it may learn from which channels found an item; otherwise none need be asked."""
        return self.type == "custom" or (self.type != "merge_order" and self.provenance)

    def code(self) -> tuple[str, ...]:
        """The module of a custom ranker."""
        return (RANKER.module(self.object),) if self.object else ()

    def check(self) -> None:
        """Find a custom ranker; it is made of the features, which need the history."""
        if self.object:
            RANKER.load(self.object)


class CommonRankerSpec(RankerSpec):
    """The ranker of all arms that name none of their own, and how they come by it."""

    training: Literal["shared", "per_arm"] = Field(
        "shared",
        description="'shared': one ranker, of what any of these arms finds, serves them all, so "
        "that a difference between them is one of recall; 'per_arm': each trains its own on what "
        "it finds, as a shop that launches a channel would, and their luck differs, too",
    )

    @model_validator(mode="after")
    def _what_arms_share_knows_no_channels(self) -> "CommonRankerSpec":
        if self.provenance and self.training == "shared":
            raise ValueError(
                "ranker.provenance == True with training 'shared', must be False (an arm without "
                "a channel would be served by what was learned with it), or training 'per_arm'"
            )
        return self


def build_ranker(spec: RankerSpec, features: FeatureSet) -> Ranker:
    """The ranker that a spec describes, not yet fitted.

    A custom object is called with the features and the options.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or is no ranker.
    """
    match spec.type:
        case "boosted":
            return BoostedRanker(features, spec.boosted)
        case "learned":
            return LearnedRanker(features, spec.learned)
        case "merge_order":
            return MergeOrderRanker()
        case "custom":
            ranker: Ranker = RANKER.make(spec.object, features, options=spec.options)
            return ranker
