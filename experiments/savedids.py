"""A trained generative channel of a finished run, saved to serve in other runs."""

from pathlib import Path

from cqsid.channel import CqsidChannel
from cqsid.saved import save_learned
from cqsid.settings import CqsidSpec
from experiments.build import load_saved
from experiments.config import load_config
from experiments.files import read_json
from experiments.models import CATALOG
from experiments.schema import Config
from experiments.settings_tree import suggestion
from experiments.store import CONFIG, MANIFEST
from experiments.worlds import MODEL
from simulator.errors import ConfigError, StoreError


def save_ids(folder: Path, channel: str | None, to: Path) -> str:
    """Write what a channel of a run learned; returns the channel's name.

    Args:
        folder: the folder of a finished run.
        channel: name of a channel of type cqsid; None: the only one.
        to: a new or empty folder, see `cqsid.saved.save_learned`.

    Raises:
        StoreError: no finished run, or a folder that cannot be written.
        ConfigError: the run has no such channel, or no arm uses it.
    """
    if not (folder / MANIFEST).is_file() or not (folder / CONFIG).is_file():
        raise StoreError(f"{folder} == no finished run, must be the folder of one")
    name = _name(load_config(str(folder / CONFIG)), channel)
    trained: CqsidChannel = load_saved(_stage(folder, f"channel-{name}") / MODEL)
    save_learned(to, trained.learned, load_saved(_stage(folder, "catalogue") / CATALOG))
    return name


def _name(config: Config, channel: str | None) -> str:
    names = [name for name, spec in config.channels.items() if isinstance(spec, CqsidSpec)]
    if not names:
        types = ", ".join(spec.type for spec in config.channels.values())
        raise ConfigError(f"channels == {types}, must have one of type cqsid")
    if channel is None and len(names) > 1:
        raise ConfigError(f"--channel is missing, must be one of {', '.join(names)}")
    if channel is not None and channel not in names:
        raise ConfigError(f"--channel == {channel!r}, must be {suggestion(channel, names)}")
    return channel or names[0]


def _stage(folder: Path, name: str) -> Path:
    """The folder of a stage that the run's results were made with."""
    keys = [
        stage["key"] for stage in read_json(folder / MANIFEST)["stages"] if stage["name"] == name
    ]
    if not keys:
        raise ConfigError(f"{folder}: {name} == no stage, must be a channel that an arm uses")
    return folder / "stages" / f"{name}-{keys[0]}"
