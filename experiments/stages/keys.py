"""Content keys: a stage's name in the store is a hash of all that decides its content."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from experiments.records.files import file_sha256, folder_sha256, plain
from experiments.stages.sources import SOURCES, Sources
from simulator.errors import DataError
from simulator.files.tables.datapath import data_path
from simulator.spec import Spec

_KEY_LENGTH = 20  # hex digits: 80 bits, no collision in any store


def stage_key(
    name: str,
    settings: Any,
    *,
    task: Callable[..., Any],
    inputs: Sequence[str] = (),
    sources: Sources = SOURCES,
) -> str:
    """Key of a stage: SHA-256 over its name, settings, inputs and code.

    Args:
        name: the stage.
        settings: whatever of the configuration decides its content: specs, dataclasses, or a
            dictionary, list or plain value of them. Order counts: that of the channels numbers
            their bits.
        task: what makes the stage.
        inputs: keys of the stages and digests of the files that it reads.
        sources: where source files are read.
    """
    code = sources.digest(code_of(task, settings, sources))
    content = [name, _plain_settings(settings), list(inputs), code]
    return sha256(json.dumps(content).encode()).hexdigest()[:_KEY_LENGTH]


def code_of(
    task: Callable[..., Any], settings: Any = None, sources: Sources = SOURCES
) -> Mapping[str, Path]:
    """The source files that decide what a task makes of its settings, by their modules.

    They are those of the module that defines the task, of the class of every object among the
    settings and of what these have loaded by name, with all that they import.

    Raises:
        ModuleNotFoundError: the settings name a module that has no file.
    """
    return sources.closure([task.__module__, *_modules(settings)])


def _modules(settings: Any) -> Iterator[str]:
    if isinstance(settings, Spec):
        yield from settings.code()
        yield from [settings.home.partition(":")[0]] if settings.home else []
    if isinstance(settings, BaseModel) or is_dataclass(settings):
        yield type(settings).__module__
    for part in _parts(settings):
        yield from _modules(part)


def _plain_settings(settings: Any) -> Any:
    if isinstance(settings, BaseModel):
        return settings.model_dump(mode="json")
    if isinstance(settings, dict):
        return {str(key): _plain_settings(value) for key, value in settings.items()}
    if isinstance(settings, list | tuple) or is_dataclass(settings):
        return [_plain_settings(value) for value in _parts(settings)]
    return plain(settings)


def _parts(settings: Any) -> Iterable[Any]:
    if isinstance(settings, BaseModel):
        return [value for _, value in settings]
    if is_dataclass(settings):
        return [getattr(settings, each.name) for each in fields(settings)]
    if isinstance(settings, dict):
        return settings.values()
    return settings if isinstance(settings, list | tuple) else ()


def data_digest(name: str | Path) -> str:
    """SHA-256 of a data file, so that a stage is made again when its input file changes.

    Args:
        name: a path as configs give it; may begin with `$FUNNELAB_DATA`. Of a folder, such as
            that of a model, all files count, by their names and bytes.

    Raises:
        DataError: the file cannot be read.
    """
    path = data_path(str(name))
    try:
        if not path.is_dir():
            return file_sha256(path)
        return sha256(json.dumps(folder_sha256(path)).encode()).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}, must be a file that can be read") from error
