"""Were the arms alike before the experiment began?

Shoppers are drawn into arms whatever they did before, so their histories differ by chance alone. A
difference that chance hardly ever makes says that the drawing, or the log, is broken. It is the
same comparison as of the experiment's own period, told of the period before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tea_tasting.aggr import Aggregates

from experiments.inference.estimates import estimate
from experiments.inference.metrics import Ratio
from experiments.inference.reduction.adjustment import IMBALANCE_ALARM
from experiments.inference.reduction.cuped import Before
from experiments.records.metrics import Contrast, Estimate


@dataclass(frozen=True)
class Balance:
    """One metric before the experiment, compared between two arms.

    Attributes:
        metric: of which it is the history.
        history: the comparison; its p-value is of arms that are alike.
        alarm: whether chance hardly ever sets them so far apart.
        reason: why it cannot be told; "" where it can.
    """

    metric: str
    history: Estimate
    alarm: bool
    reason: str


def balance(
    metrics: Sequence[Ratio], contrasts: Sequence[Contrast], arms: Mapping[str, Aggregates]
) -> tuple[Balance, ...]:
    """Compare the histories of every metric in every contrast.

    Args:
        metrics: of the experiment.
        contrasts: (control, treatment) names of arms.
        arms: statistics by arm, with covariates, as `Units.aggregates` gives them.
    """
    found = []
    for contrast in contrasts:
        for metric in metrics:
            history, reason = estimate(Before(metric), contrast, arms)
            known = history.p_value is not None
            found.append(Balance(metric.name, history, alarming(history), "" if known else reason))
    return tuple(found)


def alarming(history: Estimate) -> bool:
    """Whether the arms' histories differ by more than chance."""
    if history.p_value is not None:
        return history.p_value < IMBALANCE_ALARM
    constant = min(history.n_control, history.n_treatment) > 1  # one value in each arm
    return constant and history.effect.estimate not in (None, 0.0)


def without_history(metrics: Sequence[Ratio], arms: Mapping[str, Aggregates]) -> tuple[str, ...]:
    """Arms whose shoppers did nothing at all before, while those of another arm did something.

    Few shoppers with a history may hide it from a test; yet nothing at all, in every metric, is a
    period that was not logged rather than chance.

    Args:
        metrics: whose columns tell what was done.
        arms: statistics by arm, with covariates.
    """
    columns = sorted({column for metric in metrics for column in Before(metric).columns})
    silent = {
        name: not any(arm.mean(column) for column in columns)
        for name, arm in arms.items()
        if arm.count()
    }
    return tuple(name for name, none in silent.items() if none and not all(silent.values()))


def warnings(rows: Sequence[Balance], silent: Sequence[str]) -> tuple[str, ...]:
    """What a reader must know, in plain sentences.

    Args:
        rows: as `balance` gives them.
        silent: as `without_history` gives them.
    """
    told = [
        f"arm {arm} has no history at all while another has: the arms cannot be compared before "
        "the experiment, nor adjusted by it"
        for arm in silent
    ]
    for row in rows:
        control, treatment = row.history.contrast
        if row.alarm and not {control, treatment} & set(silent):
            told.append(
                f"{row.metric} differed between {treatment} and {control} before the experiment "
                f"(p below {IMBALANCE_ALARM:g}): something other than chance chose who is in an arm"
            )
    return tuple(told)
