"""What a channel tells of its training: while it goes on, and when it is done."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from cqsid.learned import Learned
from cqsid.settings import CqsidSpec
from cqsid.tokenizer.quality import IdQuality
from cqsid.training.loop import Course, Validation
from cqsid.training.stages import Stage, StageReport, Tell
from cqsid.training.validation import WIDTHS

_POINTS: Final = 60  # of a curve of training losses


def share_done(spec: CqsidSpec, tell: Callable[[float], None]) -> Tell:
    """Pass the progress of stages on as the share of all of them, each counted alike.

    Args:
        spec: settings; they decide which stages there are.
        tell: takes the share, which grows from 0 to 1.
    """
    personal = spec.personalised and spec.training.shopper is not None
    stages = [stage for stage in Stage if personal or stage is not Stage.SHOPPER]

    def pass_on(stage: Stage, course: Course, steps: int) -> None:
        tell((stages.index(stage) + course.step / max(steps, 1)) / len(stages))

    return pass_on


def figures(learned: Learned) -> dict[str, Any]:
    """Quality of the ids, and under `training` how each stage of the generator went."""
    quality = IdQuality.of(learned.ids, learned.signals)
    return {
        "items": quality.items,
        "ids": quality.ids,
        "sizes": list(learned.ids.sizes),
        "perplexity": list(quality.perplexity_L),
        "conditional_perplexity": list(quality.conditional_perplexity_L),
        "p99": quality.p99,
        "largest": quality.largest,
        "gini": quality.gini,
        "purity": quality.purity,
        "embedding_hit": quality.hit_rate,
        "training": [_stage(stage) for stage in learned.report.stages],
    }


def _stage(report: StageReport) -> dict[str, Any]:
    return {
        "stage": report.stage.value,
        "stopped": report.stopped.value,
        "seconds": round(report.seconds, 3),
        "distinct": report.distinct,
        "examples": report.examples,
        "steps": report.steps,
        "best": _validation(report.best) if report.best is not None else None,
        "validations": [_validation(each) for each in report.validations],
        "losses": _thinned(report.losses),
    }


def _validation(validation: Validation) -> dict[str, float]:
    rates = zip(WIDTHS, validation.hit_rates, strict=True)
    hits = {f"hit_rate_{width}": rate for width, rate in rates}
    return {"step": validation.step, "loss": validation.loss} | hits


def _thinned(losses: Sequence[float]) -> list[dict[str, float]]:
    """Mean losses of at most `_POINTS` spans of steps, each with its last step."""
    if not losses:
        return []
    ends = np.unique(np.linspace(0, len(losses), min(_POINTS, len(losses)) + 1).astype(np.int64))
    return [
        {"step": int(end), "loss": float(np.mean(losses[first:end]))}
        for first, end in pairwise(ends)
    ]
