"""What sets two finished runs apart before anything was found: settings, machine, versions."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments.records.files import CONFIG
from experiments.records.manifest import RunManifest
from experiments.records.reading import find_record

Kind = Literal["setting", "version", "machine"]


@dataclass(frozen=True)
class Change:
    """One thing that differs.

    Attributes:
        kind: `setting`, `version` (of funnelab or a library) or `machine`.
        key: which.
        first, second: in each run, as text; "" where one has none.
    """

    kind: Kind
    key: str
    first: str
    second: str


def changes(folder: Path, other: Path) -> list[Change]:
    """What differs between two run folders; what neither of them tells is not told.

    Raises:
        StoreError, DataError: a manifest that cannot be read.
    """
    pairs: tuple[tuple[Kind, Mapping[str, str], Mapping[str, str]], ...] = (
        ("setting", _settings(folder), _settings(other)),
        ("version", _versions(folder), _versions(other)),
        ("machine", _machine(folder), _machine(other)),
    )
    return [
        Change(kind, key, one.get(key, ""), two.get(key, ""))
        for kind, one, two in pairs
        for key in sorted({*one, *two})
        if one.get(key) != two.get(key)
    ]


def _settings(folder: Path) -> dict[str, str]:
    path = folder / CONFIG
    if not path.is_file():
        return {}
    return dict(_flat(tomllib.loads(path.read_text(encoding="utf-8")), ""))


def _flat(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _flat(each, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        for at, each in enumerate(value):
            yield from _flat(each, f"{key}.{each.get('name', at)}")
    else:
        yield key, str(value)


def _versions(folder: Path) -> dict[str, str]:
    manifest = find_record(RunManifest, folder)
    return {} if manifest is None else {"funnelab": manifest.funnelab, **manifest.versions}


def _machine(folder: Path) -> dict[str, str]:
    manifest = find_record(RunManifest, folder)
    return {} if manifest is None else {"processor": manifest.processor, **manifest.kernels}
