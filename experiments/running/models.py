"""Models between the stages: the luck they are trained with, their files, and how they are opened.

The names of files in stages stand here too, for whoever reads what another stage wrote.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from cqsid.loggers.listening import logged
from experiments.config.execution import LOGGERS
from experiments.config.schema import Config
from experiments.stages.stage import Stage
from recall.channel import Adjustable, Channel
from recall.settings import ChannelSettings
from recall.storage import load, plug_in_roots
from simulator.errors import DataError, StoreError
from simulator.randomness import Draws
from simulator.spec import Spec

CATALOG = "catalog.safetensors"
POPULATION = "population.safetensors"
LOG = "log"
EXAMPLES = "examples.safetensors"
MODEL = "model.safetensors"
REPORT = "report.json"


@dataclass(frozen=True)
class Models:
    """Models that stand in the place of those that serve, trained on the same data by other luck.

    Attributes:
        channels: by name, those that are trained again.
        rankers: of each arm, in the order of the arms.
    """

    channels: Mapping[str, Stage]
    rankers: Sequence[Stage]


@dataclass(frozen=True)
class Trained:
    """The stages that worlds after the history are made of.

    Attributes:
        channels: of the fitted channels that any arm uses, by name.
        rankers: of each arm's ranker, in the order of the arms.
        again: other trainings, as many as the truth asks for.
    """

    catalogue: Stage
    history: Stage
    channels: Mapping[str, Stage]
    rankers: Sequence[Stage]
    again: Sequence[Models] = ()

    def of_training(self, number: int) -> "Trained":
        """The same with another training of the models that were trained again; 0: as they are."""
        if not number or not self.again:
            return self
        other = self.again[number - 1]
        channels = {**self.channels, **other.channels}
        return replace(self, channels=channels, rankers=other.rankers, again=())


def fixed_rng(config: Config, purpose: str) -> np.random.Generator:
    """A random stream for one purpose, the same whatever `training_seed`."""
    return np.random.default_rng(Draws(config.seed).child(f"train:{purpose}").seed)


def heard(config: Config, stage: Stage) -> AbstractContextManager[None]:
    """Let the loggers that the settings name hear of what is trained for a stage."""
    names = config.execution.loggers
    return logged(names, LOGGERS, name=stage.name, workspace=stage.workspace)


def model_rng(config: Config, purpose: str, training: int = 0) -> np.random.Generator:
    """The random stream of one training, apart from all others.

    Args:
        purpose: what is trained.
        training: 0 as it serves; another number trains it again by other luck.
    """
    luck = config.training_seed + training
    return fixed_rng(config, f"{purpose}@{luck}" if luck else purpose)


def training_luck(config: Config, training: int = 0) -> list[int]:
    """All that decides the streams of a training, for the keys of stages."""
    return [config.seed, config.training_seed + training]


def load_saved(path: Path, settings: Spec | None = None) -> Any:
    """An object of a run's store.

    Args:
        path: the file.
        settings: those of the run; the plug-ins that they name may be in the object.

    Raises:
        StoreError: the file is gone or spoiled, or names a plug-in that is gone.
    """
    try:
        return load(path, plug_in_roots(settings) if settings is not None else ())
    except DataError as error:
        raise StoreError(
            f"{error}: delete {path.parent}, and the same command makes it again"
        ) from error


@runtime_checkable
class InParts(Protocol):
    """What lies in a model file instead of a channel whose parts lie in several."""

    def open_in(self, folder: Path, settings: Spec) -> Channel:
        """The channel, from the folder of that file; `settings` as in `load_saved`."""


def load_channel(path: Path, spec: ChannelSettings) -> Channel:
    """A fitted channel from its file, serving with the settings of this run.

    Raises:
        StoreError: as `load_saved`.
    """
    found: Channel | InParts = load_saved(path, spec)
    channel = found.open_in(path.parent, spec) if isinstance(found, InParts) else found
    if isinstance(channel, Adjustable):
        channel.adjust(spec)
    return channel
