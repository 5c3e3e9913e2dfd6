"""Worlds drawn from ranges, spread evenly over all of them at once."""

from collections.abc import Sequence

from experiments.designs.spread import places
from experiments.sweep.assumptions.declared import Range
from experiments.sweep.assumptions.fromlog import FromLog
from experiments.sweep.grid import MOST_CELLS, Axis
from simulator.errors import ConfigError
from simulator.randomness import Draws

SEED = "seed"
LEAST_WORLDS = 3


def drawn(ranges: Sequence[Range], worlds: int, seed: int, known: FromLog | None = None) -> Axis:
    """The settings of N worlds: a value of every range, and a seed of its own for each world.

    What a log says is drawn of its law: the same points, each number through the inverse of the
    normal distribution, and through the covariance of what was fitted together.

    Their places fill all ranges evenly, and stay what they are when more are asked for.

    Args:
        ranges: of K settings.
        worlds: N, 3 to 1,000.
        seed: of the config; the worlds have this one and those after it.
        known: what a log says of further settings, which come first.

    Raises:
        ConfigError: too few or too many worlds, or a setting twice.
    """
    if not LEAST_WORLDS <= worlds <= MOST_CELLS:
        raise ConfigError(f"--worlds {worlds}, must be {LEAST_WORLDS} to {MOST_CELLS:,}")
    told = known.ranges if known is not None else ()
    keys = [each.key for each in (*told, *ranges)]
    for key in keys:
        if keys.count(key) > 1 or key == SEED:
            twice = "also drawn from the log" if key in [each.key for each in told] else None
            said = "each world's own" if key == SEED else twice or "given twice"
            raise ConfigError(f"--vary {key} == {said}, must be another setting, once")
    first = known.size if known is not None else 0
    places_NK = places(first + len(ranges), worlds, Draws(seed), "sweep.worlds")
    of_log = known.rows(places_NK[:, :first]) if known is not None else [()] * worlds
    rows = [
        (*log, *(each.at(place) for each, place in zip(ranges, row, strict=True)), str(number))
        for number, (log, row) in enumerate(
            zip(of_log, places_NK[:, first:].tolist(), strict=True), start=seed
        )
    ]
    return Axis((*keys, SEED), tuple(rows))
