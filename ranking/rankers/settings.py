"""Settings of rankers."""

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from simulator.plugins import Kind
from simulator.spec import Spec


class ValuedSpec(Spec):
    """What rankers learn from, and what a place on the page is worth."""

    price_power: float = Field(
        0.0,
        ge=0,
        description="power of the price in an item's value: 0 ranks for purchases, 1 for GMV",
    )
    held_out: float = Field(0.15, gt=0, lt=1, description="share of requests held out")
    positions: int = Field(60, gt=1, description="places on a page with an effect of their own")
    position_bias: bool = Field(True, description="keep the effect of position and device apart")


class NetworkSpec(ValuedSpec):
    """The learned ranker's network and how it is trained."""

    hidden: tuple[int, int] = Field((32, 16), description="units of the two hidden layers")
    epochs: int = Field(30, gt=0, description="most passes over the examples")
    patience: int = Field(4, gt=0, description="passes without gain before stopping")
    batch: int = Field(1024, gt=0, description="exposures in a step")
    learning_rate: float = Field(0.01, gt=0, description="step size of Adam")
    weight_decay: float = Field(1e-4, ge=0, description="decoupled weight decay per step")


class BoostedSpec(ValuedSpec):
    """The boosted ranker's trees, how they are grown and what a place on the page is worth."""

    trees: int = Field(200, gt=0, description="most trees")
    depth: int = Field(5, gt=0, le=8, description="deepest path of a tree (questions)")
    learning_rate: float = Field(0.1, gt=0, le=1, description="share of each tree that counts")
    leaf_exposures: int = Field(50, gt=0, description="fewest exposures in a leaf")
    penalty: float = Field(1.0, ge=0, description="L2 penalty on leaves")
    patience: int = Field(15, gt=0, description="trees without gain before stopping")

    def parameters(self) -> dict[str, Any]:
        """Those of LightGBM: one thread, so that sums have one order."""
        return {
            "objective": "binary",
            "metric": "binary_logloss",
            "max_depth": self.depth,
            "num_leaves": 2**self.depth,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.leaf_exposures,
            "lambda_l2": self.penalty,
            "max_bin": 63,
            "use_missing": False,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }


class LearnedSpec(NetworkSpec):
    """The learned ranker: its network, its training and what a place on the page is worth."""


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
    judge: str = Field(
        "", description="name of a judge whose expected grade is a feature; empty: none"
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

    @model_validator(mode="after")
    def _only_who_learns_reads_a_judge(self) -> "RankerSpec":
        if self.judge and self.type == "merge_order":
            raise ValueError(
                f"ranker.judge == {self.judge!r} with type 'merge_order', must be empty: it reads "
                "no features"
            )
        return self

    @property
    def reads_pools(self) -> bool:
        """Whether it may learn from which channels found an item; otherwise none need be asked."""
        return self.type == "custom" or (self.type != "merge_order" and self.provenance)

    @property
    def settles(self) -> bool:
        """Whether several trainings may take from one what luck has no part in."""
        return self.type == "boosted"

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
