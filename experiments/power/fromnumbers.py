"""A plan from numbers: a mean, a variance, and how many units a day brings."""

from experiments.inference.metrics import MEANINGS, METRICS
from experiments.inference.power.pilot import PLAIN, Pilot
from experiments.power.asked import DAYS, MOST_DAYS, Asked
from experiments.power.plan import Plan, design_of
from experiments.records.experiment.power import PowerRecord
from simulator.errors import ConfigError

_NOBODY_RETURNS = (
    "Each day brings new shoppers, none of whom come back, as numbers tell nothing of that. Where "
    "they do, give a log: later days then bring fewer new shoppers, and each of them does more."
)
_NO_DAYS = "Days: `--units-per-day` was not given, so only the units that are needed are known."


def plan_numbers(asked: Asked) -> PowerRecord:
    """The plan of a test by numbers alone.

    Raises:
        ConfigError: numbers that cannot be, or too few of them.
        DataError: a relative effect of a mean that is not above 0.
    """
    assert asked.mean is not None
    metric, mean = asked.metric or "metric", asked.mean
    variance = _variance(asked, metric, mean)
    if asked.units_per_day is not None and asked.units_per_day <= 0:
        raise ConfigError(f"--units-per-day == {asked.units_per_day:g}, must be > 0")
    shares = asked.shares or (0.5, 0.5)
    aim = asked.aim(0.95, len(shares))
    better = MEANINGS[metric].better if metric in MEANINGS else 1
    design = design_of(asked, aim, shares, better=better, level=mean)
    explained = {PLAIN: 0.0}
    if asked.reduction is not None:
        explained["given"] = asked.reduction
    days, per_day, warnings, missing = asked.days or DAYS, asked.units_per_day, [], []
    if per_day is None:
        if asked.days is not None:
            raise ConfigError(f"--days == {asked.days} without --units-per-day, must be with it")
        if asked.effect is None and asked.margin is None:
            raise ConfigError("--effect == none, must be there where --units-per-day is not")
        missing.append(_NO_DAYS)
    else:
        warnings.append(_NOBODY_RETURNS)
    pilot = Pilot.steady(per_day or 0.0, mean, variance, explained, MOST_DAYS if per_day else 1)
    names = ["control", *(f"treatment {at}" for at in range(1, len(shares)))]
    arms = dict(zip(names if len(shares) > 2 else ["control", "treatment"], shares, strict=True))
    plan = Plan(
        asked=asked,
        name=metric,
        source="numbers",
        metric=metric,
        design=design,
        arms=arms,
        pilot=pilot.with_traffic(asked.traffic),
        days=days if per_day else 1,
    )
    return plan.record(warnings=warnings, missing=missing)


def _variance(asked: Asked, metric: str, mean: float) -> float:
    """The variance of a unit; of a share of shoppers it follows from the mean."""
    known = METRICS.get(metric)
    binary = known is not None and known.denominator is None and MEANINGS[metric].kind == "share"
    if binary and not 0 < mean < 1:
        raise ConfigError(f"--mean == {mean:g} of a share, must be > 0 and < 1")
    if asked.variance is None and binary:
        return mean * (1 - mean)
    if asked.variance is None:
        raise ConfigError("--variance == none, must be there: of one unit's value")
    if asked.variance <= 0:
        raise ConfigError(f"--variance == {asked.variance:g}, must be > 0: units must differ")
    return asked.variance
