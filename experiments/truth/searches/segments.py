"""The true effect by part of the requests: rows of truth.json.

What a page brings in expectation (`simulator.following.walk`) counts for the part of its own
request. So the effects in all parts of a cut, each times its share of control's total, add up to
the whole effect, but for requests that belong to no part of the cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.inference.intervals.crossed import growth
from experiments.inference.metrics import METRICS, Metric
from experiments.inference.worldtotals import Floats
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.metrics import Contrast
from experiments.records.truth import SegmentLift
from experiments.truth.categories import Columns, Worlds, shared
from experiments.truth.files import BESIDE, OWN, by_category, by_part
from experiments.truth.searches.sorting import PARTS
from simulator.following.split import SPLIT

_TOLD = (METRICS["orders"], METRICS["gmv"])
_EVERY = [number for number, (cut, _) in enumerate(PARTS) if cut == "query"]


def segment_lifts(
    control_logs: Sequence[Path],
    treatment_logs: Sequence[Path],
    contrast: Contrast,
    *,
    confidence: float,
) -> list[SegmentLift]:
    """The effect on orders and money in each part; none where the worlds were not followed so.

    Args:
        control_logs: the world with everybody in control, one log for each seed.
        treatment_logs: its twin with everybody in treatment, in the same order.
        contrast: names of control and treatment.
        confidence: level of the intervals, which hold what those of the whole effect hold.
    """
    logs = (*control_logs, *treatment_logs)
    if not all((log.parent / by_part(OWN)).is_file() for log in logs):
        return []
    control, treatment = (
        [_Split.read(log, OWN) for log in each] for each in (control_logs, treatment_logs)
    )
    beside = None
    if len(control) == 1 and (treatment_logs[0].parent / by_part(BESIDE)).is_file():
        beside = _Split.read(treatment_logs[0], BESIDE)
    whole = {  # every request has a frequency
        name: sum(_total([each.of(part) for each in control], name) for part in _EVERY)
        for name in SPLIT
    }
    rows = []
    for number, (cut, part) in enumerate(PARTS):
        base, top = ([each.of(number) for each in splits] for splits in (control, treatment))
        other = beside.of(number) if beside is not None else None
        who_U = np.unique(np.concatenate([each.who_N for each in (*base, *top)]))
        for metric in _TOLD:
            found = _relative(metric, who_U, base, top, other, confidence)
            share = _over(_total(base, metric.numerator), whole[metric.numerator])
            asked = _over(_total(base, "requests"), whole["requests"])
            rows.append(
                SegmentLift(metric.name, contrast, cut, part, asked, share, found, len(who_U))
            )
    return rows


@dataclass(frozen=True)
class _Split:
    """What a world brings in some parts, by shopper and by category.

    Attributes:
        part_N, who_N, brought: part, shopper and `SPLIT` of each row; shoppers ascend in a part.
        part_G, by_category: part and `SPLIT` of each category.
    """

    part_N: NDArray[np.int64]
    who_N: NDArray[np.int64]
    brought: Columns
    part_G: NDArray[np.int64]
    by_category: Columns

    @classmethod
    def read(cls, log: Path, file: str) -> "_Split":
        """Of all parts, from the files beside a world's log."""
        by_who, by_group = (
            pq.read_table(log.parent / name) for name in (by_part(file), by_category(by_part(file)))
        )
        keys = (by_who["part"], by_who["shopper"], by_group["part"])
        part_N, who_N, part_G = (column.to_numpy() for column in keys)
        brought, grouped = (
            {name: table[name].to_numpy() for name in SPLIT} for table in (by_who, by_group)
        )
        return cls(part_N, who_N, brought, part_G, grouped)

    def of(self, part: int) -> "_Split":
        """Of one part."""
        in_N, in_G = self.part_N == part, self.part_G == part
        brought = {name: column[in_N] for name, column in self.brought.items()}
        grouped = {name: column[in_G] for name, column in self.by_category.items()}
        return _Split(self.part_N[in_N], self.who_N[in_N], brought, self.part_G[in_G], grouped)

    def laid(self, who_U: NDArray[np.int64]) -> dict[str, Floats]:
        """(U,) `SPLIT` of these shoppers, of one part; 0 of those who have none."""
        out = {name: np.zeros(len(who_U)) for name in SPLIT}
        at_N = np.searchsorted(who_U, self.who_N)
        for name, column in self.brought.items():
            out[name][at_N] = column
        return out


def _total(splits: Sequence[_Split], name: str) -> float:
    return sum(float(each.brought[name].sum()) for each in splits)


def _over(part: float, whole: float) -> Number:
    return part / whole if whole > 0 else None


def _relative(
    metric: Metric,
    who_U: NDArray[np.int64],
    control: Sequence[_Split],
    treatment: Sequence[_Split],
    beside: _Split | None,
    confidence: float,
) -> Interval:
    """The relative effect in one part.

    Args:
        who_U: the shoppers of the part.
        control, treatment: what their worlds bring in the part, one for each seed.
        beside: what control's pages bring in the only world of the treatment.
    """
    name = metric.numerator
    base, top = ([each.laid(who_U) for each in splits] for splits in (control, treatment))
    base_SU, top_SU = (np.stack([each[name] for each in world]) for world in (base, top))
    if base_SU.sum() <= 0 or top_SU.sum() <= 0:
        return UNKNOWN
    luck = None
    if len(control) == 1:
        shoppers = Worlds(base[0], top[0], beside.laid(who_U) if beside is not None else None)
        grouped = (control[0].by_category, treatment[0].by_category)
        categories = Worlds(*grouped, beside.by_category if beside is not None else None)
        luck = shared(metric, shoppers, np.ones(len(who_U)), categories)
    ones_SU = np.ones_like(base_SU)
    pair = top_SU, ones_SU, base_SU, ones_SU
    return growth(*pair, confidence=confidence, shared=luck).interval
