"""Small worlds of a config, lived to see what facts their logs have, and settings found by them."""

import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.calibrate.facts import FACTS, Traffic
from experiments.calibrate.knobs import Knob, here, knobs_of
from experiments.calibrate.likelihood import rows_of_matrix
from experiments.calibrate.moments import by_moments, rounds
from experiments.calibrate.visits import visits_of
from experiments.config.estimate import plan_history
from experiments.config.loading import load_config, setting_of
from experiments.config.schema import Config
from experiments.config.tomlfiles import keys_given
from experiments.designs.spread import normal_root
from experiments.records.calibration import Posterior
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.stages.progress import NoProgress, Progress
from experiments.validate.opening import of_history
from experiments.validate.ownlog.cleaning import OwnLog
from simulator.errors import ConfigError, DataError
from simulator.randomness import Draws

Floats = NDArray[np.float64]

MOST_VISITS = 6_000
"""Visits of a small world: of a longer log the posterior is as wide as that of one so long."""
_MOST_DAYS = 28
_COUNT = "shoppers.count"
_TOLD = 0.7  # spread after over spread before, from which on the log tells little


@dataclass(frozen=True)
class Market:
    """A config whose settings are fitted.

    Attributes:
        source: a TOML file, or the name of a shipped config.
        overrides: as of `--set`; settings that are known, and not found by simulated worlds.
    """

    source: str
    overrides: tuple[str, ...] = ()

    def config(self, more: Sequence[str] = ()) -> Config:
        """Its settings, with more of them laid over.

        Raises:
            ConfigError: they are wrong.
        """
        return load_config(self.source, (*self.overrides, *more))


@dataclass(frozen=True)
class Small:
    """Worlds as large as the log, or as many visits as tell enough.

    Attributes:
        market: of which they are.
        settings: what the log has chosen before, `KEY=VALUE` each.
        told: the laws of what else it has told.
        days: of their history.
        shoppers: how many.
        seed: of the market; worlds have those after it.
    """

    market: Market
    settings: tuple[str, ...]
    told: tuple[Posterior, ...]
    days: int
    shoppers: int
    seed: int

    def config(self, values: Sequence[str] = (), number: int = 0) -> Config:
        """The settings of one world.

        What the log has told is not sure: each world draws it anew, so that what is fitted to the
        worlds is as unsure as that makes it.

        Args:
            values: `KEY=VALUE` each, of what is fitted.
            number: of the world; 0: none, with the likeliest of what is told.

        Raises:
            ConfigError: they cannot be.
        """
        own = [f"world.history_days={self.days}", f"shoppers.count={self.shoppers}"]
        own += ["world.ramp.days=0", "log.candidate_rate=0"]
        own += [f"seed={self.seed + number}"] if number else []
        luck = Draws(self.seed).child(f"world.{number}")
        drawn = [each for law in self.told for each in _told(law, luck if number else None)]
        return self.market.config((*self.settings, *drawn, *own, *values))


def _told(law: Posterior, luck: Draws | None) -> Iterator[str]:
    """What a log has told of settings as `KEY=VALUE`, drawn, or without luck the likeliest."""
    place_K = np.array(law.centre)
    if luck is not None:
        normal_K = luck.normal(law.settings[0], slot=np.arange(len(place_K)))
        place_K = place_K + normal_root(law.covariance) @ normal_K
    for at, key in enumerate(law.settings):
        if key != _COUNT:  # how large a world is, is set
            yield f"{key}={law.value(at, float(place_K[at])):.6g}"


def small_worlds(
    market: Market, theirs: OwnLog, told: Sequence[Posterior], chosen: Sequence[str]
) -> Small:
    """The worlds that are simulated for a log.

    Args:
        market: whose settings are fitted.
        theirs: the log.
        told: what likelihoods have told of it.
        chosen: settings that are no numbers, `KEY=VALUE` each.

    Raises:
        ConfigError: the settings are wrong.
    """
    base, visits = market.config(), visits_of(theirs)
    shoppers = float(base.shoppers.count)
    for law in told:
        if _COUNT in law.settings:
            at = law.settings.index(_COUNT)
            shoppers = law.value(at, law.centre[at])
    days = min(theirs.days, _MOST_DAYS if visits.told else base.world.history_days)
    if visits.told:
        shoppers *= min(1.0, MOST_VISITS * theirs.days / (len(visits) * days))
    return Small(market, tuple(chosen), tuple(told), days, max(round(shoppers), 1), base.seed)


def fit_knobs(
    theirs: OwnLog, small: Small, *, progress: Progress
) -> tuple[Posterior | None, list[str]]:
    """What simulated facts tell of settings without a likelihood, and what they do not.

    Raises:
        ConfigError: the settings of the worlds are wrong.
        DataError: the worlds have not the facts of the log.
    """
    traffic = Traffic.of_own(theirs)
    facts = {name: fact(traffic) for name, fact in FACTS.items()}
    base = small.config()
    given = keys_given(small.market.overrides)
    knobs = knobs_of(base, facts, given)
    missing = list(not_fitted(base, facts, given))
    if not knobs:
        return None, missing
    worlds = sum(rounds(len(knobs)))
    seconds = worlds * sum(each for _, each in plan_history(base))
    progress.plan(f"{worlds} small worlds: about {seconds:.0f} s of one core")
    with (
        tempfile.TemporaryDirectory(prefix="funnelab-calibrate-") as folder,
        progress.stage("worlds", total=worlds, unit="worlds") as bar,
    ):
        orders: list[int] = []

        def simulate(place_K: Floats, number: int) -> Floats:
            own = Path(folder) / str(number)
            found_K, sold = _facts_of_world(small, knobs, place_K, number, own)
            orders.append(sold)
            shutil.rmtree(own, ignore_errors=True)
            bar.advance()
            return found_K

        def scarcer() -> float:
            return max(1.0, float(np.mean(orders)) / len(traffic.sales.orders))

        found = by_moments(
            simulate,
            np.array([facts[knob.fact] for knob in knobs], np.float64),
            np.array([knob.place(_number(base, knob)) for knob in knobs]),
            np.array([knob.spread for knob in knobs]),
            seed=base.seed,
            scarcer=scarcer,
        )
    for knob, told, beyond in zip(knobs, found.told_K, found.beyond_K, strict=True):
        if beyond:
            missing.append(f"{knob.key}: the log's {knob.fact} lie beyond all worlds simulated.")
        elif told > _TOLD:
            missing.append(f"{knob.key}: the log tells little; the interval is what was believed.")
    kept = np.flatnonzero(~found.beyond_K)
    if not len(kept):
        return None, missing
    return _posterior(knobs, kept, found.centre_K, found.covariance_KK, worlds), missing


def not_fitted(
    config: Config, facts: dict[str, float | None], given: Collection[str]
) -> Iterator[str]:
    """Which settings are not fitted, and why."""
    for knob in here(config):
        value = setting_of(config, knob.key)
        if knob.key in given:
            yield f"{knob.key}: taken as known, for --set gives it."
        elif value is None:
            continue  # of a generated catalogue alone
        elif facts[knob.fact] is None:
            yield f"{knob.key}: the log does not tell its {knob.fact}."
        elif not knob.fits(value):
            yield f"{knob.key} == {value}: off, so it is not fitted."


def _number(config: Config, knob: Knob) -> float:
    value = setting_of(config, knob.key)
    assert isinstance(value, int | float)
    return float(value)


def _facts_of_world(
    small: Small, knobs: Sequence[Knob], place_K: Floats, number: int, folder: Path
) -> tuple[Floats, int]:
    """The facts of one world's history, and its orders; NaN where it has none, or cannot be."""
    values = [
        f"{knob.key}={_value(knob, float(place)):.6g}"
        for knob, place in zip(knobs, place_K, strict=True)
    ]
    try:
        config = small.config(values, number)
    except ConfigError:
        return np.full(len(knobs), np.nan), 0
    with open_run(config, folder, NoProgress(), overwrite=True) as maker:
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        try:
            with of_history(config, catalogue, history) as evidence:
                traffic = Traffic.of_simulated(evidence.history)
        except DataError:  # nobody came
            return np.full(len(knobs), np.nan), 0
    found = (FACTS[knob.fact](traffic) for knob in knobs)
    told = [np.nan if each is None else each for each in found]
    return np.array(told, np.float64), len(traffic.sales.orders)


def _value(knob: Knob, place: float) -> float:
    return _posterior((knob,), np.array([0]), np.array([place]), np.eye(1), 0).value(0, place)


def _posterior(
    knobs: Sequence[Knob], kept: NDArray[np.intp], centre_K: Floats, covariance_KK: Floats, n: int
) -> Posterior:
    chosen = [knobs[at] for at in kept]
    return Posterior(
        settings=tuple(knob.key for knob in chosen),
        scales=tuple(knob.scale for knob in chosen),
        floors=(0.0,) * len(chosen),
        centre=tuple(float(each) for each in centre_K[kept]),
        covariance=rows_of_matrix(covariance_KK[np.ix_(kept, kept)]),
        law="facts of simulated worlds, Gaussian synthetic likelihood",
        n=n,
    )
