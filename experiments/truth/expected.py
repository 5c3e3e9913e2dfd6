"""What a world's shoppers bring in expectation, in SQL over the files beside its log."""

from collections.abc import Iterable
from pathlib import Path

from experiments.inference.units import exposed_shoppers
from experiments.truth.files import BESIDE, OWN, refit_file
from simulator.following.tally import LOST
from simulator.following.walk import PACED

PREFIX = "expected_"
STATE_PREFIX = "state_"


def expected_shoppers(log: Path, columns: Iterable[str], *, beside: bool = False) -> str:
    """SQL of a row for each exposed shopper: columns of the log, and what was expected of them.

    `expected_NAME` is net of what is lost because items are gone; `lost_NAME` tells how much.

    Args:
        log: of a world that was followed; its files lie beside it.
        columns: of the unit table.
        beside: also `state_NAME`: what the pages of the control arm would bring in this world's
            state, were nothing gone; and `paced_NAME`: the same, came they as late as this arm's.
    """
    wanted = sorted({*columns, *LOST})
    parts = [f"real.{name}" for name in wanted]
    for name in wanted:
        lost, other_lost = ("0.0", "0.0")
        if name in LOST:
            lost, other_lost = f"own.lost_{name}", f"other.lost_{name}"
        parts += [f"{lost} AS lost_{name}", f"own.{name} AS {PREFIX}{name}"]
        if beside:
            parts.append(f"other.{name} + {other_lost} AS {STATE_PREFIX}{name}")
            parts.append(f"other.{PACED}{name} AS {PACED}{name}")
    joined = f"({exposed_shoppers(log, wanted)}) AS real JOIN {_file(log, OWN)} AS own "
    joined += "USING (shopper)"
    if beside:
        joined += f" JOIN {_file(log, BESIDE)} AS other USING (shopper)"
    return f"SELECT shopper, {', '.join(parts)} FROM {joined}"


def brought(log: Path, columns: Iterable[str]) -> str:
    """SQL of a row for each exposed shopper, with what a world brought by column of the unit table.

    That is what is expected of it, net of lost sales; where it was not followed (logs of your own),
    what its log holds.
    """
    if not is_followed(log):
        return exposed_shoppers(log, columns)
    return f"SELECT shopper, {', '.join(sorted(set(columns)))} FROM {_file(log, OWN)}"


def refit_shoppers(log: Path, columns: Iterable[str], *, model: str, again: bool) -> str:
    """SQL of a row for each shopper with whom a model's other training was followed.

    Args:
        log: of a world that followed it.
        columns: of the unit table.
        model: see `experiments.truth.files.refits_of`.
        again: with its other training; else as it serves.
    """
    listed = ", ".join(f"own.{name} AS {PREFIX}{name}" for name in sorted(set(columns)))
    name = refit_file(model)
    return (
        f"SELECT shopper, {listed} FROM {_file(log, name if again else OWN)} AS own "
        f"SEMI JOIN {_file(log, name)} USING (shopper)"
    )


def is_followed(log: Path) -> bool:
    """Whether what is expected of a world lies beside its log."""
    return (log.parent / OWN).is_file()


def is_compared(log: Path) -> bool:
    """Whether a world also followed the control arm's pages."""
    return (log.parent / BESIDE).is_file()


def _file(log: Path, name: str) -> str:
    path = str(log.parent / name).replace("'", "''")
    return f"read_parquet('{path}')"
