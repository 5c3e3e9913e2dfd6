"""Models between the stages: the luck they are trained with, their files, and how they are opened.

The names of files in stages stand here too, for whoever reads what another stage wrote.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from cqsid.loggers.listening import logged
from experiments.config.execution import LOGGERS
from experiments.config.schema import Config
from experiments.stages.stage import Stage
from ranking.rankers.pairs import RankerPairs
from recall.channel import Adjustable, Channel
from recall.registry import build_channel
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
        filled: of the catalogues that channels read, by the step that they name; "": the public.
    """

    catalogue: Stage
    history: Stage
    channels: Mapping[str, Stage]
    rankers: Sequence[Stage]
    again: Sequence[Models] = ()
    filled: Mapping[str, Stage] = field(default_factory=dict)

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


class Stepped(Protocol):
    """Settings of a part that may learn from what a step makes."""

    def without_steps(self) -> Any:
        """These settings as if no step were named."""
        ...


def luck_of_training(parts: Mapping[str, Stepped], name: str) -> str:
    """Whose luck a part is trained by: the first whose settings differ in nothing but steps.

    Had each a luck of its own, that luck would be taken for what a step brings.

    Args:
        parts: settings of all of its section, by name.
        name: of the part.
    """
    settings = parts[name].without_steps()
    return next(other for other, its in parts.items() if its.without_steps() == settings)


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


@dataclass(frozen=True)
class PartsOf:
    """What lies in the model file of a channel that is made of others: where these lie.

    Attributes:
        folders: names of the parts' folders, which are siblings of the channel's, by the fields
            of its settings that name them.
    """

    folders: Mapping[str, str]


def load_channel(path: Path, config: Config, name: str) -> Channel:
    """A fitted channel from its file, serving with the settings of this run.

    Args:
        path: the file.
        config: of the run.
        name: of the channel in it.

    Raises:
        StoreError: as `load_saved`.
    """
    spec = config.channels[name]
    found: Channel | InParts | PartsOf = load_saved(path, config)
    if isinstance(found, PartsOf):
        folders = {field: path.parent.parent / each for field, each in found.folders.items()}
        return build_channel(name, spec, loaded_parts(config, name, folders))
    channel = found.open_in(path.parent, config) if isinstance(found, InParts) else found
    if isinstance(channel, Adjustable):
        channel.adjust(spec)
    return channel


def loaded_parts(config: Config, name: str, folders: Mapping[str, Path]) -> dict[str, Any]:
    """What a channel is made of, by the fields of its settings; what is named twice is one.

    Args:
        config: of the run.
        name: of the channel.
        folders: of the parts' stages, by field.
    """
    named = {
        each.field: (config.section_of(each), each.name)
        for each in config.channels[name].references()
    }
    loaded = {
        (section, part): _loaded_part(folders[field] / MODEL, config, section, part)
        for field, (section, part) in named.items()
    }
    return {field: loaded[part] for field, part in named.items()}


def _loaded_part(path: Path, config: Config, section: str, name: str) -> Any:
    if section == "channels":
        return load_channel(path, config, name)
    found = load_saved(path, config)
    return RankerPairs(found, len(config.channels)) if section == "ranker" else found
