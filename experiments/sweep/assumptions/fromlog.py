"""Worlds drawn from what a log of the user's own says: the posteriors of `calibrate-market`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import special

from experiments.config.loading import setting_of
from experiments.config.schema import Config
from experiments.designs.spread import normal_root
from experiments.records.calibration import Calibration, Posterior
from experiments.records.reading import read_record
from experiments.sweep.assumptions.declared import Range
from simulator.errors import ConfigError
from simulator.randomness import Floats

_REACH = 1.959964  # of the ends of a range: 95 % of the law lies between them
_EDGE = 1e-6  # places nearer to an end are taken as there


@dataclass(frozen=True)
class FromLog:
    """What a log says of settings, as worlds are drawn of it.

    Attributes:
        posteriors: of what is drawn.
        kept: of each posterior, numbers of its settings that are drawn; others are set by hand.
        whole: whether each kept setting takes whole numbers alone.
        overrides: settings that the log has chosen without an interval.
    """

    posteriors: tuple[Posterior, ...]
    kept: tuple[tuple[int, ...], ...]
    whole: tuple[bool, ...]
    overrides: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many numbers a world takes, those that are not kept too."""
        return sum(len(each.settings) for each in self.posteriors)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Of each kept setting the range that holds 95 % of its law."""
        found = []
        for (posterior, at), whole in zip(self._settings(), self.whole, strict=True):
            ends = posterior.interval(at, _REACH)
            log = posterior.scales[at] == "log" and posterior.floors[at] == 0 and not whole
            low, high = ends.ends or (0.0, 0.0)
            hour = posterior.scales[at] == "hour"
            found.append(Range(posterior.settings[at], low, high, log, whole, hour))
        return tuple(found)

    def rows(self, places_NK: Floats) -> list[tuple[str, ...]]:
        """Values of the kept settings of N worlds, as `--set` takes them.

        Args:
            places_NK: in (0, 1), even in each of `size` columns.
        """
        luck_NK = special.ndtri(np.clip(places_NK, _EDGE, 1 - _EDGE))
        columns: list[list[str]] = []
        first, whole = 0, iter(self.whole)
        for posterior, kept in zip(self.posteriors, self.kept, strict=True):
            own = luck_NK[:, first : first + len(posterior.settings)]
            drawn_NK = np.array(posterior.centre) + own @ normal_root(posterior.covariance).T
            first += len(posterior.settings)
            for at in kept:
                values = [posterior.value(at, place) for place in drawn_NK[:, at].tolist()]
                columns.append(_told(values, next(whole), posterior.scales[at] == "hour"))
        return list(zip(*columns, strict=True))

    def _settings(self) -> list[tuple[Posterior, int]]:
        pairs = zip(self.posteriors, self.kept, strict=True)
        return [(posterior, at) for posterior, kept in pairs for at in kept]


def _told(values: list[float], whole: bool, hour: bool) -> list[str]:
    """Values as `--set` takes them; an hour that rounds to 24 is one of the next day."""
    if whole:
        return [f"{value:.0f}" for value in values]
    rounded = [float(f"{value:.6g}") for value in values]
    return [f"{value % 24 if hour else value:.6g}" for value in rounded]


def from_log(folder: Path, config: Config, by_hand: Sequence[str]) -> FromLog:
    """What `calibrate-market` wrote, without what is set by hand.

    Args:
        folder: of its results.
        config: whose settings are drawn.
        by_hand: paths of settings that are given.

    Raises:
        StoreError, DataError: no such results.
        ConfigError: nothing is left to be drawn.
    """
    record = read_record(Calibration, folder)
    kept = tuple(
        tuple(at for at, key in enumerate(each.settings) if key not in by_hand)
        for each in record.posteriors
    )
    keys = [
        each.settings[at] for each, own in zip(record.posteriors, kept, strict=True) for at in own
    ]
    if not keys:
        raise ConfigError(
            f"--from {folder} == no setting that --set leaves open, must have one to draw"
        )
    return FromLog(
        posteriors=record.posteriors,
        kept=kept,
        whole=tuple(isinstance(setting_of(config, key), int) for key in keys),
        overrides=tuple(
            f"{each.setting}={each.value}" for each in record.chosen if each.setting not in by_hand
        ),
    )
