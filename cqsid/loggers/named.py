"""Loggers by their names, and all of one training as one."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from cqsid.loggers.runlogger import RunLogger, Training
from simulator.calling import blaming, call
from simulator.errors import ConfigError, FunnelabError
from simulator.plugins import Kind

BUILT_IN: Final = ("tensorboard", "wandb", "mlflow")
"""Loggers that come with funnelab; each is named like the extra that installs what it needs."""

LOGGER: Final = Kind(
    "a logger",
    has=("log", "close"),
    made_with=("training",),
    group="funnelab.loggers",
    built_in=BUILT_IN,
)

_log = logging.getLogger(__name__)


def check_loggers(names: Sequence[str], setting: str) -> None:
    """Refuse at once what would fail when the first step is taken.

    Args:
        names: of the loggers.
        setting: that names them, for errors.

    Raises:
        ConfigError: what a logger needs is not installed, or one that is named twice.
        ContractError: no such logger.
    """
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{setting} has {name!r} twice, must have each once")
        _loaded(name, setting)


def _loaded(name: str, setting: str) -> Any:
    """The class of a logger."""
    if name not in BUILT_IN:
        return LOGGER.load(name, setting)
    try:
        if name == "tensorboard":
            from cqsid.loggers.tensorboardlogger import TensorBoardLogger

            return TensorBoardLogger
        if name == "wandb":
            from cqsid.loggers.wandblogger import WandbLogger

            return WandbLogger
        from cqsid.loggers.mlflowlogger import MlflowLogger

        return MlflowLogger
    except ImportError as error:
        raise ConfigError(
            f"{setting} has {name!r}, must be without it or {name} installed: "
            f"pip install 'funnelab[{name}]'"
        ) from error


class Loggers:
    """All loggers of one training; what is told to it is told to each.

    They are made when there is something to tell. A logger that fails is told nothing more, with a
    warning: the training does not end for its curves.

    Args:
        names: of the loggers.
        training: whose folder has one for each logger.
        setting: that names them, for errors.

    Raises:
        ConfigError, ContractError: as of `check_loggers`.
    """

    def __init__(self, names: Sequence[str], training: Training, setting: str) -> None:
        check_loggers(names, setting)
        self._names, self._training, self._setting = tuple(names), training, setting
        self._made: dict[str, RunLogger] | None = None

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        """Tell each some figures."""
        if self._made is None:
            self._made = {}
            for name in self._names:
                self._make(name)
        for name in [*self._made]:
            self._ask(name, "log", dict(scalars), step)

    def close(self) -> None:
        """Let each write what is left. Where nothing was told there is no file."""
        for name in [*(self._made or {})]:
            self._ask(name, "close")

    def _make(self, name: str) -> None:
        own = Training(
            self._training.name,
            self._training.folder / name.replace(":", "."),
            self._training.taken,
        )
        try:
            found = _loaded(name, self._setting)
            if name in BUILT_IN:
                made = cast("RunLogger", found(own))
            else:
                made = cast("RunLogger", LOGGER.made(found, name, own, options={}))
        except Exception as error:  # a tracker may fail in any way
            self._drop(name, error)
        else:
            assert self._made is not None
            self._made[name] = made

    def _ask(self, name: str, method: str, *arguments: Any) -> None:
        assert self._made is not None
        place = f"logger {name}: {method}()"
        try:
            with blaming(place, "log"):
                call(place, getattr(self._made[name], method), *arguments)
        except Exception as error:  # as above
            self._drop(name, error)

    def _drop(self, name: str, error: Exception) -> None:
        assert self._made is not None
        self._made.pop(name, None)
        said = str(error) if isinstance(error, FunnelabError) else repr(error)
        _log.warning("%s: it is told nothing more of training %s", said, self._training.name)
