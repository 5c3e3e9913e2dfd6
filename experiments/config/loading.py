"""From a TOML file and `--set` overrides to a Config, and back."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

import tomli_w
from pydantic import ValidationError

from experiments.config.defaults import with_defaults
from experiments.config.messages import explain
from experiments.config.overrides import parse_toml, set_value, suggestion
from experiments.config.schema import Config
from simulator.errors import ConfigError

_DATA_PATHS = (
    ("catalog", "file", "path"),
    ("judgments", "path"),
    ("judgments", "queries", "path"),
)


def shipped_configs() -> dict[str, Path]:
    """The configs that come with funnelab, by name."""
    folder = Path(str(files("experiments.config") / "shipped"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_config(name: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read, override and check a configuration.

    A relative path of a data file is taken from the folder of the config file; one that was
    given by `--set`, from the current folder; one that begins with `$FUNNELAB_DATA`, from there.

    Args:
        name: a TOML file, or the name of a shipped config.
        overrides: `path.to.key=value` each.

    Raises:
        ConfigError: with every problem that was found, one a line.
    """
    path = find_config(name)
    settings = read_toml(path)
    overridden = {set_value(Config, settings, each): each for each in overrides}
    for keys in _DATA_PATHS:
        given = ".".join(keys) in overridden
        _resolve(settings, keys, Path.cwd() if given else path.absolute().parent)

    def origin(place: str) -> str:
        options = [f"--set {text}" for key, text in overridden.items() if key == place]
        return options[0] if options else str(path)

    try:
        return Config.model_validate_json(
            json.dumps(with_defaults(settings), default=str), strict=True
        )
    except ValidationError as error:
        raise ConfigError(explain(error, Config, settings, origin=origin)) from error


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


def _resolve(settings: Any, keys: tuple[str, ...], folder: Path) -> None:
    """Make the data path at some keys absolute, if there is one."""
    *parents, last = keys
    for key in parents:
        settings = settings.get(key) if isinstance(settings, dict) else None
    path = settings.get(last) if isinstance(settings, dict) else None
    if isinstance(settings, dict) and isinstance(path, str) and not path.startswith("$"):
        settings[last] = os.path.normpath(folder / Path(path).expanduser())


def resolved_toml(config: Config) -> str:
    """All settings with their defaults, as TOML that loads to an equal Config."""
    return tomli_w.dumps(_told(config.model_dump(mode="json")))


def _told(settings: Any) -> Any:
    """Settings without None, which TOML cannot say: a missing key means its default."""
    if isinstance(settings, dict):
        return {key: _told(value) for key, value in settings.items() if value is not None}
    return [_told(value) for value in settings] if isinstance(settings, list) else settings
