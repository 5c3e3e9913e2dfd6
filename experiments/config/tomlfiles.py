"""Files of settings: where they are, what they hold before it is checked, and paths in them."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

from experiments.config.overrides import parse_toml, suggestion
from simulator.errors import ConfigError

_DATA_PATHS = (
    ("catalog", "file", "path"),
    ("judgments", "path"),
    ("judgments", "queries", "path"),
    ("demand", "path"),
)


def shipped_configs() -> dict[str, Path]:
    """The configs that come with funnelab, by name."""
    folder = Path(str(files("experiments.config") / "shipped"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_config(name: str | Path) -> Path:
    """The file of a config.

    Raises:
        ConfigError: there is neither such a file nor such a shipped config.
    """
    path, shipped = Path(name), shipped_configs()
    with suppress(OSError, ValueError):  # a name that cannot be one of a file
        if path.is_file():
            return path
    if str(name) not in shipped:
        wanted, shown = suggestion(str(name)[:100], [*shipped]), str(name)
        shown = shown if len(shown) <= 100 else f"{shown[:97]}..."
        raise ConfigError(f"CONFIG == {shown!r}, must be a TOML file or {wanted}")
    return shipped[str(name)]


def read_toml(path: Path) -> dict[str, Any]:
    """The raw settings of a TOML file.

    Raises:
        ConfigError: it cannot be read, is not UTF-8 or not TOML; names the line.
    """
    try:
        return parse_toml(path.read_bytes().decode("utf-8-sig"), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}, must be a file that can be read") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = error.object[error.start : error.start + 1]
        raise ConfigError(f"{path}: line {line} == {found!r}, must be UTF-8") from error
    except TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}, must be TOML") from error


def laid_over(given: str) -> list[str]:
    """The overrides that `--set` stands for: one, or all settings of a TOML file.

    Raises:
        ConfigError: a file that cannot be read.
    """
    if "=" in given or not given.endswith(".toml"):
        return [given]
    return [f"{path}={json.dumps(value)}" for path, value in _leaves(read_toml(Path(given)), "")]


def keys_given(overrides: Iterable[str]) -> set[str]:
    """The paths of all settings that `--set` gives, those of TOML files too.

    Raises:
        ConfigError: a file that cannot be read.
    """
    given = set[str]()
    for each in (each for one in overrides for each in laid_over(one)):
        path, _, text = (part.strip() for part in each.partition("="))
        given.add(path)
        with suppress(ConfigError, TOMLDecodeError):  # a text without quotes is no table
            value = parse_toml(f"value = {text}", "--set")["value"] if text[:1] == "{" else None
            given |= {f"{path}.{key}" for key, _ in _leaves(value, "")} if value else set()
    return given


def _leaves(settings: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def resolve_paths(settings: Any, path: Path, overridden: Mapping[str, str]) -> None:
    """Make the paths of data files absolute, in place.

    Args:
        settings: raw settings.
        path: their file, whose folder relative paths are taken from.
        overridden: the settings that were given on the command line; from the current folder.
    """
    for keys in _DATA_PATHS:
        given = ".".join(keys) in overridden
        _resolve(settings, keys, Path.cwd() if given else path.absolute().parent)


def _resolve(settings: Any, keys: tuple[str, ...], folder: Path) -> None:
    """Make the data path at some keys absolute, if there is one."""
    *parents, last = keys
    for key in parents:
        settings = settings.get(key) if isinstance(settings, dict) else None
    path = settings.get(last) if isinstance(settings, dict) else None
    if isinstance(settings, dict) and isinstance(path, str) and not path.startswith("$"):
        settings[last] = os.path.normpath(folder / Path(path).expanduser())
