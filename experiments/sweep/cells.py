"""The cells of a sweep with their settings, all of them read before anything runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.config.loading import load_config, resolved_toml
from experiments.config.schema import Config
from experiments.config.tomlfiles import keys_given, laid_over
from experiments.sweep.assumptions.declared import Range
from experiments.sweep.assumptions.drawing import SEED, drawn
from experiments.sweep.assumptions.fromlog import from_log
from experiments.sweep.grid import Axis, cell_name, crossed, value_of
from simulator.errors import ConfigError


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        name: of the cell and of its folder.
        texts: `path.to.key=value` of every swept setting.
        values: the same values, as a record tells them.
        config: its settings; None where they cannot be.
        reason: why not.
    """

    name: str
    texts: tuple[str, ...]
    values: tuple[Any, ...]
    config: Config | None
    reason: str = ""


@dataclass(frozen=True)
class Sweep:
    """What is swept.

    Attributes:
        source: a TOML file, or the name of a shipped config.
        overrides: what all cells have instead of its settings.
        keys: the swept settings.
        cells: in their order.
        ranges: what they were drawn from; empty for a grid or a list.
    """

    source: str
    overrides: tuple[str, ...]
    keys: tuple[str, ...]
    cells: tuple[Cell, ...]
    ranges: tuple[Range, ...] = ()

    @property
    def configs(self) -> tuple[Config, ...]:
        """The settings of the cells that can be."""
        return tuple(cell.config for cell in self.cells if cell.config is not None)


def make_sweep(source: str, axes: Sequence[Axis], overrides: Sequence[str] = ()) -> Sweep:
    """Read the settings of every cell.

    A cell whose settings cannot be is kept with the reason. A value that no cell can have refuses
    the sweep, and so does a cell that is there twice.

    Args:
        source: a TOML file, or the name of a shipped config.
        axes: what is swept.
        overrides: `path.to.key=value` each, for all cells.

    Raises:
        ConfigError: the settings without what is swept are wrong, or what is swept cannot be.
    """
    keys, rows = crossed(axes)
    load_config(source, overrides)  # what is wrong with it is not the cells' fault
    overrides = _each(overrides)
    both = keys_given(overrides).intersection(keys)
    if both:
        raise ConfigError(f"--over {min(both)} == also given by --set, must be given once")
    cells = tuple(_cell(source, keys, row, overrides) for row in rows)
    _check_values(axes, rows, cells)
    _check_once(cells)
    return Sweep(source, tuple(overrides), keys, cells)


def draw_sweep(
    source: str,
    ranges: Sequence[Range],
    worlds: int,
    overrides: Sequence[str] = (),
    log: Path | None = None,
) -> Sweep:
    """Worlds drawn from ranges of settings, each a cell with a seed of its own.

    A world whose settings cannot be is kept with the reason.

    Args:
        source: a TOML file, or the name of a shipped config.
        ranges: what the worlds are drawn from.
        worlds: how many.
        overrides: `path.to.key=value` each, for all worlds; a seed there is that of the first one.
        log: results of `calibrate-market`, from which further settings are drawn.

    Raises:
        ConfigError: the settings themselves are wrong, or no world can be.
    """
    config = load_config(source, overrides)
    kept = tuple(each for each in _each(overrides) if each.partition("=")[0].strip() != SEED)
    given = keys_given(kept)
    known = None
    if log is not None:
        known = from_log(log, config, sorted(given))
        kept = (*known.overrides, *kept)
    axis = drawn(ranges, worlds, config.seed, known)
    both = given.intersection(axis.keys)
    if both:
        raise ConfigError(f"--vary {min(both)} == also given by --set, must be given once")
    cells = tuple(_cell(source, axis.keys, row, kept, "--vary") for row in axis.rows)
    if all(cell.config is None for cell in cells):
        raise ConfigError(cells[0].reason)
    told = known.ranges if known is not None else ()
    return Sweep(source, kept, axis.keys, cells, (*told, *ranges))


def _each(overrides: Sequence[str]) -> list[str]:
    """Every override by itself, those of a TOML file too."""
    return [each for one in overrides for each in laid_over(one)]


def _cell(
    source: str,
    keys: Sequence[str],
    row: tuple[str, ...],
    overrides: Sequence[str],
    option: str = "--over",
) -> Cell:
    texts = tuple(f"{key}={value}" for key, value in zip(keys, row, strict=True))
    name = cell_name(keys, row)
    values: tuple[Any, ...] = row
    try:
        values = tuple(map(value_of, row))
        config = load_config(source, overrides, texts, option).model_copy(update={"sweep": None})
        if not config.truth.seeds:
            raise ConfigError("truth.seeds == 0, must be > 0: cells are compared by their truth")
    except ConfigError as error:
        return Cell(name, texts, values, None, str(error))
    return Cell(name, texts, values, config)


def _check_values(
    axes: Sequence[Axis], rows: Sequence[tuple[str, ...]], cells: Sequence[Cell]
) -> None:
    """Refuse a value of an axis that no cell can have."""
    place = 0
    for axis in axes:
        end = place + len(axis.keys)
        for wanted in dict.fromkeys(axis.rows):
            own = [cell for row, cell in zip(rows, cells, strict=True) if row[place:end] == wanted]
            if all(cell.config is None for cell in own):
                texts, reason = own[0].texts[place:end], own[0].reason
                told = "" if "--over" in reason else f"--over {' '.join(texts)}: "
                raise ConfigError(told + reason)
        place = end


def _check_once(cells: Iterable[Cell]) -> None:
    """Refuse two cells of the same settings, however they are written."""
    first: dict[str, Cell] = {}
    for cell in cells:
        key = "\n".join(cell.texts) if cell.config is None else resolved_toml(cell.config)
        other = first.setdefault(key, cell)
        if other is not cell:
            raise ConfigError(
                f"cell {' '.join(cell.texts)} == the settings of {' '.join(other.texts)}, "
                "must be there once"
            )
    names: dict[str, Cell] = {}
    for cell in first.values():
        other = names.setdefault(cell.name.lower(), cell)
        if other is not cell:
            raise ConfigError(
                f"cells {other.name} and {cell.name}, must differ in more than small and capital "
                "letters"
            )
