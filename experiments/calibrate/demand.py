"""`funnelab calibrate-market`: settings of demand from a log, and the TOML file that sets them."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.calibrate.arrivals import activity, hours, weekend
from experiments.calibrate.baskets import price_moves, repeat_quantity
from experiments.records.calibration import CalibratedSetting, Calibration
from experiments.records.files import storing
from experiments.records.interval import Interval
from experiments.records.reading import write_record
from experiments.validate.ownlog.cleaning import OwnLog, own_log
from experiments.validate.ownlog.settings import read_own_log
from experiments.validate.ownlog.tables import DAY
from simulator.errors import DataError
from simulator.living.sessions import IDLE_SECONDS

MARKET = "market.toml"
_WHOLE = ("shoppers.count",)
_MISSING = (
    "world.behavior.basket_cost, outside and click_cost, queries and wordings have no likelihood "
    "of their own: they are as they were.",
    "shoppers.budget_sigma and price_sensitivity are told by what was shown and not bought: they "
    "are as they were.",
)
_NO_RESULTS = (
    "Without `[results]` there are no visits: arrivals are told by orders, of which those made "
    "days after their visit flatten the profile of the day, and shoppers.visits_per_week, "
    "activity_sigma and count are not told."
)


def calibrate(log: Path, out: Path, *, confidence: float = 0.95) -> Calibration:
    """Fit what a log tells of demand; writes market.toml and calibration.json.

    Args:
        log: the TOML file that describes the log, see `experiments.validate.ownlog.settings`.
        out: folder of the results.
        confidence: level of the intervals.

    Raises:
        ConfigError, DataError: a log that cannot be read, or tells nothing of demand.
        StoreError: a folder that cannot be written.
    """
    theirs = own_log(read_own_log(log), None)
    missing = list(_MISSING)
    rows: list[CalibratedSetting] = []
    for fit in (_arrivals, _activity, _baskets):
        try:
            rows += fit(theirs, confidence)
        except DataError as error:
            missing.append(f"{error}.")
    if theirs.results is None:
        missing.append(_NO_RESULTS)
    if not rows:
        raise DataError(f"{log} == {'; '.join(missing)}, must tell something of demand")
    record = Calibration(
        confidence=confidence,
        first_day=theirs.first_day,
        days=theirs.days,
        settings=tuple(rows),
        findings=theirs.findings,
        missing=tuple(missing),
    )
    with storing(out):
        out.mkdir(parents=True, exist_ok=True)
        (out / MARKET).write_text(market_toml(record), encoding="utf-8")
    write_record(out, record)
    return record


def market_toml(record: Calibration) -> str:
    """The settings as TOML, each with its interval behind it."""
    head = (
        f"# Demand by the likelihood of a log: {record.days} days from {record.first_day} on.\n"
        f"# Behind each value is its {100 * record.confidence:g} % interval.\n"
    )
    sections: dict[str, list[str]] = {}
    for row in record.settings:
        section, _, key = row.setting.rpartition(".")
        whole = row.setting in _WHOLE
        told = [_number(each, whole) for each in row.value.numbers]
        sections.setdefault(section, []).append(f"{key} = {told[0]}  # {told[1]} to {told[2]}")
    return head + "".join(
        f"\n[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items()
    )


def _number(value: float | None, whole: bool) -> str:
    if value is None:
        return "unbounded"
    return str(round(value)) if whole else f"{value:.6g}" if value % 1 else f"{value:.1f}"


def visits(theirs: OwnLog) -> tuple[NDArray[np.float64], NDArray[np.int64], bool]:
    """Starts of visits (seconds since the midnight before the first day), whose they are, and
    whether they are visits: of a log without results they are orders.

    A visit ends when nothing was asked for half an hour.
    """
    results = theirs.results
    if results is None or not len(results):
        orders = theirs.sales.orders
        return orders.at_O, orders.shopper_O, False
    shopper = pd.factorize(results["shopper"].astype("string"))[0].astype(np.int64)
    at = results["at"].to_numpy().astype(np.float64) - _day_number(theirs.first_day) * DAY
    order = np.lexsort((at, shopper))
    shopper, at = shopper[order], at[order]
    begins = np.r_[True, (np.diff(shopper) != 0) | (np.diff(at) > IDLE_SECONDS)]
    return at[begins], shopper[begins], True


def _day_number(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


def _arrivals(theirs: OwnLog, confidence: float) -> Iterator[CalibratedSetting]:
    at_V, shopper_V, _ = visits(theirs)
    weekday = date.fromisoformat(theirs.first_day).weekday()
    peak, ratio = hours(at_V, shopper_V, confidence=confidence)
    law = "cardioid law of the hour, errors over shoppers"
    yield CalibratedSetting("world.arrivals.peak_hour", peak, law, len(at_V))
    yield CalibratedSetting("world.arrivals.peak_to_trough", ratio, law, len(at_V))
    found = weekend(at_V, theirs.days, weekday, confidence=confidence)
    yield CalibratedSetting(
        "world.arrivals.weekend", found, "Poisson counts of days, their spread counted", len(at_V)
    )


def _activity(theirs: OwnLog, confidence: float) -> Iterator[CalibratedSetting]:
    at_V, shopper_V, told = visits(theirs)
    if not told:
        return
    weekday = date.fromisoformat(theirs.first_day).weekday()
    factor = weekend(at_V, theirs.days, weekday, confidence=confidence).estimate or 1.0
    free = sum((day + weekday) % 7 >= 5 for day in range(theirs.days))
    weeks = (theirs.days - free + free * factor) / 7
    count_U = np.unique(shopper_V, return_counts=True)[1].astype(np.int64)
    names = "visits_per_week", "activity_sigma", "count"
    law = "Poisson visits with log-normal rates, cut off at zero"
    for name, value in zip(names, activity(count_U, weeks, confidence=confidence), strict=True):
        yield CalibratedSetting(f"shoppers.{name}", value, law, len(count_U))


def _baskets(theirs: OwnLog, confidence: float) -> Iterator[CalibratedSetting]:
    sales = theirs.sales
    rows: tuple[tuple[tuple[str, ...], str, Callable[[], tuple[Interval, ...]]], ...] = (
        (
            ("world.behavior.repeat_quantity",),
            "geometric units of orders of one item, errors over shoppers",
            lambda: (repeat_quantity(sales, confidence=confidence),),
        ),
        (
            ("world.market.price_changes", "world.market.price_sigma"),
            "binomial number of normal changes between two days of sale",
            lambda: price_moves(sales, confidence=confidence),
        ),
    )
    failed = []
    for names, law, fit in rows:
        try:
            for name, value in zip(names, fit(), strict=True):
                yield CalibratedSetting(name, value, law, len(sales))
        except DataError as error:
            failed.append(str(error))
    if failed:
        raise DataError("; ".join(failed))
