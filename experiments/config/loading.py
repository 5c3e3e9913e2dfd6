"""From a TOML file and `--set` overrides to a Config, and back."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from experiments.config.defaults import with_defaults
from experiments.config.messages import explain
from experiments.config.overrides import set_value
from experiments.config.schema import Config
from experiments.config.tomlfiles import find_config, laid_over, read_toml, resolve_paths
from simulator.errors import ConfigError


def load_config(
    name: str | Path,
    overrides: Sequence[str] = (),
    swept: Sequence[str] = (),
    option: str = "--over",
) -> Config:
    """Read, override and check a configuration.

    A relative path of a data file is taken from the folder of the config file; one that was
    given by `--set`, from the current folder; one that begins with `$FUNNELAB_DATA`, from there.

    Args:
        name: a TOML file, or the name of a shipped config.
        overrides: `path.to.key=value` each, or a TOML file whose settings are laid over.
        swept: `path.to.key=value` each, as one cell of a sweep has them.
        option: what errors name as the place of those.

    Raises:
        ConfigError: with every problem that was found, one a line.
    """
    path = find_config(name)
    settings = read_toml(path)
    laid = [each for one in overrides for each in laid_over(one)]
    given = [("--set", each) for each in laid] + [(option, each) for each in swept]
    overridden = {
        set_value(Config, settings, each, option): f"{option} {each}" for option, each in given
    }
    resolve_paths(settings, path, overridden)

    def origin(place: str) -> str:
        return overridden.get(place, str(path))

    try:
        return Config.model_validate_json(
            json.dumps(with_defaults(settings), default=str), strict=True
        )
    except ValidationError as error:
        raise ConfigError(explain(error, Config, settings, origin=origin)) from error


def setting_of(config: Config, key: str) -> object:
    """What a config has at a path such as shoppers.count; None where it has nothing there."""
    found: object = config
    for step in key.split("."):
        found = getattr(found, step, None)
    return found


def key_in(config: Config, key: str) -> str:
    """Where this config has a setting: of a catalogue from a file, under `catalog.file`."""
    of_file = key.replace("catalog.", "catalog.file.", 1)
    own = key.startswith("catalog.") and setting_of(config, of_file) is not None
    return of_file if own else key


def resolved_toml(config: Config) -> str:
    """All settings with their defaults, as TOML that loads to an equal Config."""
    return tomli_w.dumps(_told(config.model_dump(mode="json")))


def _told(settings: Any) -> Any:
    """Settings without None, which TOML cannot say: a missing key means its default."""
    if isinstance(settings, dict):
        return {key: _told(value) for key, value in settings.items() if value is not None}
    return [_told(value) for value in settings] if isinstance(settings, list) else settings
