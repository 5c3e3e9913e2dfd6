"""Small catalogue files as tests write them, and what comes of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.files.items import Items, read_items
from simulator.files.settings import CatalogFileSpec
from simulator.files.tables.findings import UnusableFile


def written(folder: Path, content: str | bytes, name: str = "shop.csv") -> Path:
    """A file of some text, in UTF-8, or of some bytes."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def spec_of(path: Path, settings: Mapping[str, Any] | None = None) -> CatalogFileSpec:
    """Settings as a TOML file says them."""
    return CatalogFileSpec.model_validate({"path": str(path), **(settings or {})})


def items_of(path: Path, **settings: Any) -> Items:
    """The items of a file."""
    return read_items(spec_of(path, settings))


def refusals(file: Path, horizon: float | None = None, **settings: Any) -> list[str]:
    """What is said against a file; nothing where it can be used."""
    try:
        read_items(spec_of(file, settings), horizon)
    except UnusableFile as error:
        return [str(finding) for finding in error.findings]
    return []


def assert_refused(folder, name, content, settings, expected):
    """A file of that name and content is refused, and all that is expected is said against it."""
    found = refusals(written(folder, content, name), **settings)
    missing = [text for text in expected if not any(text in line for line in found)]
    assert not missing, "\n".join(found)
