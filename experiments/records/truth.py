"""The rows of truth.json: true effects, from paired worlds."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from experiments.records.interval import Interval, Number
from experiments.records.metrics import Contrast
from experiments.records.reading import Record, row_of

Method = Literal["expected", "realised"]
Cut = Literal["all", "query", "wording"]
Lasting = Literal["visits", "orders", "gmv"]


@dataclass(frozen=True)
class Realised:
    """The effect as what was really clicked and bought in the paired worlds tells it.

    Attributes:
        effect: treatment minus control.
        relative: the same over control's level.
        pairing_factor: variance of the difference between independent worlds, over that between the
            paired worlds: unpaired worlds would need so many times more shoppers. Null where the
            worlds do not differ, or differ by the same for everybody.
    """

    effect: Interval
    relative: Interval
    pairing_factor: Number


@dataclass(frozen=True)
class Parts:
    """Where the effect comes from; shares of control's level that add up to the effect.

    Attributes:
        pages: other items on the pages, in the same state of shop and shoppers.
        latency: the same pages, but with the treatment's latency: shoppers wait or leave.
        state: what the treatment's earlier days have changed: memory, statistics, stock, and prices
            as the index knows them.
        lost: sales that failed because the item was gone.
    """

    pages: Interval
    latency: Interval
    state: Interval
    lost: Interval


@dataclass(frozen=True)
class Remainder:
    """What was realised beyond what was expected, paired: a test of the expectation, never added.

    Attributes:
        relative: realised minus expected effect, over control's level; 0 but for chance.
        p_value: two-sided, of a remainder of 0.
    """

    relative: Interval
    p_value: Number


@dataclass(frozen=True)
class Truth:
    """The effect on one metric of giving everybody the treatment, beside the naive estimate of it.

    Attributes:
        metric, contrast: as in `metrics.json`.
        method: "expected" where the randomness of clicking and buying is integrated out; "realised"
            where it is not, by `truth.method` or for metrics of `analysis.own`.
        control, treatment: the metric when everybody is in one arm.
        effect: the global treatment effect: treatment minus control.
        relative: the same over control's level; its interval is computed on the log scale.
        p_value: two-sided, of no effect.
        resolution: half the width of the interval of `relative`.
        parts: where the effect comes from; null for a ratio, and where only logs are known.
        realised: the same effect from what was really bought.
        remainder: realised minus expected effect; null with the method "realised".
        naive: the effect as the A/B test estimates it, without CUPED.
        bias: `naive` - `effect`: interference and chance together.
        covered: whether the interval of `naive` contains `effect`.
        power: chance that an A/B test like this run's finds a significant effect of the right sign.
        seeds: pairs of worlds, each with random draws of its own.
        trainings: number of trainings of the retrained models; with several, each pair of worlds
            has its own, and the interval includes the randomness of both.
        training_sd: standard deviation of the relative effect between pairs, each with a training
            of its own; null with one training.
        n: number of shoppers.
        freedom: degrees of freedom of the interval of `relative`, which is Student's on the log
            scale; null where the interval is of another kind, and in runs of earlier versions.
    """

    metric: str
    contrast: Contrast
    method: Method
    control: Number
    treatment: Number
    effect: Interval
    relative: Interval
    p_value: Number
    resolution: Number
    parts: Parts | None
    realised: Realised
    remainder: Remainder | None
    naive: Interval
    bias: Number
    covered: bool | None
    power: Number
    seeds: int
    trainings: int
    training_sd: Number
    n: int
    freedom: Number = None

    def pairs_for(self, resolution: float) -> int | None:
        """About how many pairs of worlds tell the effect to such a half-width of `relative`.

        Half-widths fall with the root of the number of worlds; None where there is no interval.
        """
        if self.resolution is None:
            return None
        return max(1, math.ceil(self.seeds * (self.resolution / resolution) ** 2))

    @property
    def growth(self) -> Interval:
        """`relative`, or 0 where the worlds are equal, also where control's level is 0."""
        equal = Interval(0.0, 0.0, 0.0)
        return equal if self.effect == equal else self.relative


@dataclass(frozen=True)
class Headroom:
    """What the best possible ranking and recall would add to an arm's pages, in expectation.

    Gains are relative to the pages as served, on a sample of requests. An oracle orders by what
    the shopper would really buy.

    Attributes:
        arm: the arm whose pages these are.
        event: `purchase` or `gmv`: the total that the oracle maximises, and that is counted.
        cut, part: `all` (no part); or `query` with its part `head`, `torso` or `tail`; or `wording`
            with the name of the wording.
        served: mean number of purchases (or money) that a page brings as it was served.
        kept: gain from an oracle's order of the items that reached the ranker.
        pool: gain from an oracle's order of all items that the arm's channels found.
        recall: gain from the best items of the catalogue, in the order of the arm's own ranker.
        catalogue: gain from the best items of the catalogue, in an oracle's order.
        requests, shoppers: size of the sample.
    """

    arm: str
    event: Literal["purchase", "gmv"]
    cut: Cut
    part: str
    served: float
    kept: Interval
    pool: Interval
    recall: Interval
    catalogue: Interval
    requests: int
    shoppers: int


@dataclass(frozen=True)
class Scarcity:
    """How scarce recall is in an arm: whether its channels could return all that is relevant.

    An item is relevant to a request if it matches what the shopper wants, whatever the words say:
    human grade 2 or 3 of 3, or else the wanted category and brand with at least a third of the
    wanted values.

    Attributes:
        arm: the arm whose channels these are.
        cut, part: as of `Headroom`.
        relevant: mean number of relevant items on sale, per request.
        limit: most items that one channel may return for a request.
        pressure: `relevant` over `limit`. Below 1, one channel that knew every need could return
            all relevant items, and recall is hardly a bottleneck.
        found: share of the relevant items that the channels found together.
        unseen: share of first queries whose text was never asked in the history.
        requests, shoppers: size of the sample.
    """

    arm: str
    cut: Cut
    part: str
    relevant: float
    limit: int
    pressure: Interval
    found: Interval
    unseen: Interval
    requests: int
    shoppers: int


@dataclass(frozen=True)
class SegmentLift:
    """The effect on one metric in one part of the requests: how common the text is, or its wording.

    The effects of all parts of a cut, each times its `share`, add up to the whole effect.

    Attributes:
        metric: `orders` or `gmv`.
        contrast: `[control, treatment]`, names of arms.
        cut, part: `query` with its part `head`, `torso` or `tail` (texts that make up the first,
            the second and the last third of the history's requests), or `new` (asked in no request
            of the history); or `wording` with the name of the wording.
        requests: the part's share of control's requests.
        share: the part's share of what control brings; null where it brings nothing.
        relative: treatment over control, minus 1, with the same kinds of randomness as that
            of the whole effect; many parts are looked at, and nothing corrects for that.
        shoppers: who asked such requests.
    """

    metric: str
    contrast: Contrast
    cut: Cut
    part: str
    requests: Number
    share: Number
    relative: Interval
    shoppers: int


@dataclass(frozen=True)
class Refit:
    """An A/A: an arm's pages with one of its models trained again, against those it serves.

    Attributes:
        metric: name of the metric.
        arm: the arm whose requests and other models these are: control, or a treatment where
            control does not have the model.
        model: "ranker", or the name of a channel.
        relative: effect of the other training, over the level with the training that serves.
        shoppers: shoppers who were followed with both trainings.
    """

    metric: str
    arm: str
    model: str
    relative: Interval
    shoppers: int


@dataclass(frozen=True)
class LongRun:
    """A true effect early and late in the period, where shoppers have habits.

    Of what really happened in the paired worlds.

    Attributes:
        metric: `visits`, `orders` or `gmv`, of all shoppers.
        contrast: `[control, treatment]`, names of arms.
        days: number of first days, and of last days, that are compared.
        early, late: treatment / control - 1, in the first and in the last days.
        grown: change of the effect: (1 + late) / (1 + early) - 1.
    """

    metric: Lasting
    contrast: Contrast
    days: int
    early: Interval
    late: Interval
    grown: Interval


@dataclass(frozen=True)
class Truths(Record):
    """The true effects of a run.

    Attributes:
        truth: one row for each metric and contrast; none for a metric of your own that failed.
        headroom: what perfect recall or a perfect order would add, for each arm.
        scarcity: whether the channels of each arm could return all that is relevant.
        long_run: effects early and late in the period, where shoppers have habits.
        segments: effects by how common the text is, and by its wording.
        refits: A/A comparisons of each model with another training of it: randomness that `truth`
            leaves out.
        warnings: what is wrong with the worlds, a sentence each.
    """

    FILE: ClassVar[str] = "truth.json"
    COMMAND: ClassVar[str] = "funnelab run"
    WITH: ClassVar[str] = "truth.seeds > 0"

    truth: tuple[Truth, ...]
    headroom: tuple[Headroom, ...]
    refits: tuple[Refit, ...]
    warnings: tuple[str, ...]
    scarcity: tuple[Scarcity, ...] = ()
    long_run: tuple[LongRun, ...] = ()
    segments: tuple[SegmentLift, ...] = ()

    def room(self, arm: str, event: str) -> Headroom | None:
        """The headroom of an arm over all its requests, where it was measured."""
        for row in self.headroom:
            if (row.arm, row.event, row.cut) == (arm, event, "all"):
                return row
        return None

    def scarce(self, arm: str) -> Scarcity | None:
        """How scarce recall is in an arm over all its requests, where it was measured."""
        return row_of(self.scarcity, arm=arm, cut="all")

    def of(self, metric: str, contrast: Contrast) -> Truth | None:
        """The truth of a metric in a contrast, where there is one."""
        return row_of(self.truth, metric=metric, contrast=contrast)
