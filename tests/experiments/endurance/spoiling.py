"""Ways in which a disk, a copy or a hand spoils the stages of a finished run."""

from collections.abc import Callable
from pathlib import Path
from random import Random

Luck = Random
Spoil = Callable[[Path, Luck], list[Path]]
"""Spoils a file; returns the folders of the stages that it touched, none where it could not."""

_ASIDE = "aside"


def flip(file: Path, luck: Luck) -> list[Path]:
    """One bit."""
    raw = bytearray(file.read_bytes())
    if not raw:
        return []
    raw[luck.randrange(len(raw))] ^= 1 << luck.randrange(8)
    file.write_bytes(raw)
    return [own(file)]


def truncate(file: Path, luck: Luck) -> list[Path]:
    """The end is cut off."""
    raw = file.read_bytes()
    file.write_bytes(raw[: luck.randrange(len(raw))] if raw else raw)
    return [own(file)] if raw else []


def empty(file: Path, _: Luck) -> list[Path]:
    """Nothing is left in it."""
    had = file.stat().st_size > 0
    file.write_bytes(b"")
    return [own(file)] if had else []


def delete(file: Path, _: Luck) -> list[Path]:
    """It is gone."""
    file.unlink()
    return [own(file)]


def replace(file: Path, luck: Luck) -> list[Path]:
    """Another file of the same size is in its place."""
    raw = file.read_bytes()
    file.write_bytes(luck.randbytes(len(raw)))
    return [own(file)] if raw else []


def extend(file: Path, luck: Luck) -> list[Path]:
    """Bytes follow its end."""
    file.write_bytes(file.read_bytes() + luck.randbytes(luck.randint(1, 64)))
    return [own(file)]


def add(file: Path, luck: Luck) -> list[Path]:
    """Another file lies beside it."""
    file.with_name(f"{file.stem}-copy{file.suffix}").write_bytes(luck.randbytes(16))
    return [own(file)]


def swap_files(file: Path, luck: Luck) -> list[Path]:
    """It has changed places with that of its name in another stage."""
    inside = file.relative_to(own(file))
    others = [
        other / inside
        for other in _others(file)
        if (other / inside).read_bytes() != file.read_bytes()
    ]
    return _exchanged(file, luck.choice(others)) if others else []


def swap_stages(file: Path, luck: Luck) -> list[Path]:
    """Its stage has changed places with another, as a whole."""
    others = _others(file)
    return _exchanged(own(file), luck.choice(others)) if others else []


SPOILS: tuple[Spoil, ...] = (
    *(flip, truncate, empty, delete, replace, extend, add),
    *(swap_files, swap_stages),
)


def own(file: Path) -> Path:
    """The folder of a file's stage."""
    stages = next(above for above in file.parents if above.name == "stages")
    return stages / file.relative_to(stages).parts[0]


def _others(file: Path) -> list[Path]:
    """Other stages that have a file of that name, in the same place."""
    inside, stage = file.relative_to(own(file)), own(file)
    every = sorted(stage.parent.iterdir())
    return [other for other in every if other != stage and (other / inside).is_file()]


def _exchanged(one: Path, other: Path) -> list[Path]:
    touched = [own(one / _ASIDE), own(other / _ASIDE)]
    aside = one.with_name(_ASIDE)
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    return touched
