"""A trained generative channel of a finished run, saved to serve in other runs."""

from pathlib import Path

from cqsid.learned import GenerativeChannel
from cqsid.registry import GENERATIVE_TYPES, generative
from cqsid.saved import save_learned
from experiments.config.overrides import suggestion
from experiments.config.schema import Config
from experiments.running.models import CATALOG, MODEL, load_saved
from experiments.stages.finished import finished_config, finished_stage
from recall.storage import plug_in_roots
from simulator.errors import ConfigError


def save_ids(folder: Path, channel: str | None, to: Path) -> str:
    """Write what a channel of a run learned; returns the channel's name.

    Args:
        folder: the folder of a finished run.
        channel: name of a channel of type cqsid; None: the only one.
        to: a new or empty folder, see `cqsid.saved.save_learned`.

    Raises:
        StoreError: no finished run, no arm that uses the channel, or a folder that cannot be
            written.
        ConfigError: the run has no such channel.
    """
    config = finished_config(folder)
    name = _name(config, channel)
    used = "a channel that an arm uses"
    stage = finished_stage(folder, f"channel-{name}", wanted=used)
    trained: GenerativeChannel = load_saved(stage / MODEL, config)
    save_learned(
        to,
        trained.learned,
        load_saved(finished_stage(folder, "catalogue") / CATALOG),
        plug_in_roots(config),
    )
    return name


def _name(config: Config, channel: str | None) -> str:
    names = list(generative(config.channels))
    if not names:
        types = ", ".join(spec.type for spec in config.channels.values())
        raise ConfigError(
            f"channels == {types}, must have one of type {', '.join(GENERATIVE_TYPES)}"
        )
    if channel is None and len(names) > 1:
        raise ConfigError(f"--channel is missing, must be one of {', '.join(names)}")
    if channel is not None and channel not in names:
        raise ConfigError(f"--channel == {channel!r}, must be {suggestion(channel, names)}")
    return channel or names[0]
