"""`funnelab calibrate-market`: settings of demand from a log, and the TOML file that sets them."""

import math
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from experiments.calibrate.arrivals import STEEPEST_RATIO, Period, activity, hours, weekend
from experiments.calibrate.baskets import price_moves, repeat_quantity
from experiments.calibrate.clicks import DEVICES, Clicks, fit_clicks
from experiments.calibrate.likelihood import quantile
from experiments.calibrate.visits import visits_of
from experiments.calibrate.worlds import Market, fit_knobs, small_worlds
from experiments.config.tomlfiles import keys_given
from experiments.records.calibration import Calibration, Chosen, Posterior
from experiments.records.files import storing
from experiments.records.reading import write_record
from experiments.stages.progress import NoProgress, Progress
from experiments.validate.ownlog.cleaning import Findings, OwnLog, own_log
from experiments.validate.ownlog.clicks import own_pages
from experiments.validate.ownlog.settings import OwnLogSpec, read_own_log
from simulator.errors import DataError
from simulator.living.sessions import IDLE_SECONDS
from simulator.protocols import DAY

MARKET = "market.toml"
_WHOLE = ("shoppers.count",)
_RATIO = "world.arrivals.peak_to_trough"
_CLICKS = "world.behavior.click_model."
_TYPE = _CLICKS + "type"
_MISSING = (
    "shoppers.budget_sigma and price_sensitivity are told by what was shown and not bought at "
    "which price, and world.behavior.cart_margin by carts: they are as they were.",
)
_NO_MARKET = (
    "What has no likelihood (how much is clicked, bought and reworded, which texts are asked) is "
    "found by simulated worlds where a CONFIG is given; without, it is as it was."
)
_NO_RESULTS = (
    "Without `[results]` there are no visits: arrivals are told by orders, of which those made "
    "days after their visit flatten the profile of the day, and shoppers.visits_per_week, "
    "activity_sigma and count are not told."
)


def calibrate(
    log: Path,
    out: Path,
    *,
    market: Market | None = None,
    progress: Progress | None = None,
    confidence: float = 0.95,
) -> Calibration:
    """Fit what a log tells of demand; writes market.toml and calibration.json.

    Args:
        log: the TOML file that describes the log, see `experiments.validate.ownlog.settings`.
        out: folder of the results.
        market: a config whose settings without a likelihood are found by simulated worlds; None:
            they stay as they are.
        progress: is told what is done.
        confidence: level of the intervals.

    Raises:
        ConfigError, DataError: a log that cannot be read, or tells nothing of demand.
        StoreError: a folder that cannot be written.
    """
    if market is not None:
        market.config()  # what is wrong with it is told before a long table is read
    spec, further = read_own_log(log), Findings()
    theirs = own_log(spec, None)
    missing = list(_MISSING)
    found: list[Posterior] = []
    for fit in (_hours, _weekend, _activity, _baskets, _prices):
        try:
            found.extend(fit(theirs))  # parts before one that cannot be told are kept
        except DataError as error:
            missing.append(f"{error}.")
    chosen = [*_steepest(found)]
    try:
        clicks = _clicks(theirs, spec, further)
        if clicks is not None:
            chosen.append(clicks.chosen)
            found.append(clicks.posterior)
    except DataError as error:
        missing.append(f"{error}.")
    if theirs.results is None:
        missing.append(_NO_RESULTS)
    if market is not None:
        found, chosen = _left_open(found, chosen, market, missing)
    if market is None:
        missing.insert(0, _NO_MARKET)
    else:
        named = [f"{each.setting}={each.value}" for each in chosen]
        small = small_worlds(market, theirs, found, named)
        try:
            posterior, untold = fit_knobs(theirs, small, progress=progress or NoProgress())
            found += [posterior] if posterior is not None else []
            missing += untold
        except DataError as error:
            missing.append(f"{error}.")
    if not found:
        raise DataError(f"{log} == {'; '.join(missing)}, must tell something of demand")
    record = Calibration(
        confidence=confidence,
        first_day=theirs.first_day,
        days=theirs.days,
        settings=tuple(row for each in found for row in each.rows(quantile(confidence))),
        findings=(*theirs.findings, *further.rows),
        missing=tuple(missing),
        posteriors=tuple(found),
        chosen=tuple(chosen),
    )
    _write(record, out)
    return record


def _left_open(
    found: list[Posterior], chosen: list[Chosen], market: Market, missing: list[str]
) -> tuple[list[Posterior], list[Chosen]]:
    """What the log says of settings that are not given by hand; adds to what is missing."""
    given = keys_given(market.overrides)
    if _TYPE in given and any(each.setting == _TYPE for each in chosen):
        missing.append(f"{_TYPE}: taken as known, for --set gives it; its parameters stay, too.")
        given |= {key for each in found for key in each.settings if key.startswith(_CLICKS)}
    rest = [left for each in found if (left := each.without(given)).settings]
    return rest, [each for each in chosen if each.setting not in given]


def _write(record: Calibration, out: Path) -> None:
    """Write market.toml and calibration.json."""
    with storing(out):
        out.mkdir(parents=True, exist_ok=True)
        (out / MARKET).write_text(market_toml(record), encoding="utf-8")
    write_record(out, record)


def market_toml(record: Calibration) -> str:
    """The settings as TOML, each with its interval behind it."""
    head = (
        f"# Demand by the likelihood of a log: {record.days} days from {record.first_day} on.\n"
        f"# Behind each value is its {100 * record.confidence:g} % interval.\n"
    )
    sections: dict[str, list[str]] = {}
    for each in record.chosen:
        section, _, key = each.setting.rpartition(".")
        value = each.value if each.setting == _RATIO else f'"{each.value}"'
        sections.setdefault(section, []).append(f"{key} = {value}  # {each.reason}")
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


def _clicks(theirs: OwnLog, spec: OwnLogSpec, findings: Findings) -> Clicks | None:
    """The click model; None where no page can be learned from."""
    shown = theirs.shown
    devices: tuple[str, ...] = ()
    if not len(shown) or spec.results is None:
        return None
    if "device" in shown:
        phones = {each.lower() for each in spec.results.phones}
        on_phone = shown["device"].astype("string").str.strip().str.lower().isin(phones)
        shown = shown.assign(device=np.where(on_phone, *DEVICES)).sort_values(
            "device", ascending=False, kind="stable"
        )
        devices = tuple(each for each in DEVICES if (shown["device"] == each).any())
    whole = own_pages(shown, findings)
    if whole is None:
        return None
    day_P = (whole.at_P // DAY).astype(np.int64)
    return fit_clicks(whole.pages, devices, rng=np.random.default_rng(4), day_P=day_P)


def _hours(theirs: OwnLog) -> Iterator[Posterior]:
    visits = visits_of(theirs)
    yield hours(visits.at_V, visits.shopper_V)


def _steepest(found: Sequence[Posterior]) -> Iterator[Chosen]:
    """The ratio of a day that is steeper than the law of the hour can be."""
    keys = [key for each in found for key in each.settings]
    if "world.arrivals.peak_hour" in keys and _RATIO not in keys:
        reason = "visits gather in fewer hours than the law of the day can have"
        yield Chosen(_RATIO, f"{STEEPEST_RATIO:g}", reason)


def _weekend(theirs: OwnLog) -> Iterator[Posterior]:
    yield weekend(visits_of(theirs).at_V, theirs.days, _weekday(theirs))


def _weekday(theirs: OwnLog) -> int:
    """Of the first day, 0 is Monday."""
    return date.fromisoformat(theirs.first_day).weekday()


def _activity(theirs: OwnLog) -> Iterator[Posterior]:
    visits, first = visits_of(theirs), _weekday(theirs)
    if not visits.told:
        return
    day = hours(visits.at_V, visits.shopper_V)
    ratio = day.value(1, day.centre[1]) if _RATIO in day.settings else STEEPEST_RATIO
    weekends = sum((day + first) % 7 >= 5 for day in range(theirs.days))
    factor, error = 1.0, 0.0  # of days that are all of one kind
    if 0 < weekends < theirs.days:
        days = weekend(visits.at_V, theirs.days, first)
        factor, error = math.exp(days.centre[0]), math.sqrt(days.covariance[0][0])
    period = Period(
        days=theirs.days,
        weekends=weekends,
        factor=factor,
        factor_error=error,
        depth=(ratio - 1) / (ratio + 1),
        busy=float(visits.length_V.mean()) + IDLE_SECONDS,
    )
    count_U = np.unique(visits.shopper_V, return_counts=True)[1].astype(np.int64)
    yield activity(count_U, period)


def _baskets(theirs: OwnLog) -> Iterator[Posterior]:
    yield repeat_quantity(theirs.sales)


def _prices(theirs: OwnLog) -> Iterator[Posterior]:
    yield price_moves(theirs.sales)
