"""Content keys: a stage's name in the store is a hash of all that decides its content."""

import json
from collections.abc import Sequence
from functools import cache
from hashlib import file_digest, sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from experiments.stages.files import plain
from simulator.errors import DataError
from simulator.files.readers import data_path

_KEY_LENGTH = 20  # hex digits: 80 bits, no collision in any store


def stage_key(
    name: str, settings: Any, *, inputs: Sequence[str] = (), code: Sequence[str] = ()
) -> str:
    """Key of a stage: SHA-256 over its name, settings, inputs and code.

    Args:
        name: the stage.
        settings: whatever of the configuration decides its content: specs, or a dictionary,
            list or plain value of them. Order counts: that of the channels numbers their bits.
        inputs: keys of the stages and digests of the files that it reads.
        code: packages or modules whose source decides its content.
    """
    sources = [source_digest(part) for part in code]
    content = [name, _plain_settings(settings), list(inputs), sources]
    return sha256(json.dumps(content).encode()).hexdigest()[:_KEY_LENGTH]


def _plain_settings(settings: Any) -> Any:
    if isinstance(settings, BaseModel):
        return settings.model_dump(mode="json")
    if isinstance(settings, dict):
        return {str(key): _plain_settings(value) for key, value in settings.items()}
    if isinstance(settings, list | tuple):
        return [_plain_settings(value) for value in settings]
    return plain(settings)


@cache
def source_digest(name: str) -> str:
    """SHA-256 of the source files of a package or module, by their names and bytes."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no source for module {name!r}", name=name)
    origin = Path(spec.origin)
    root = origin.parent
    files = sorted(root.rglob("*.py")) if spec.submodule_search_locations else [origin]
    digest = sha256()
    for file in files:
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
        digest.update(sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def data_digest(name: str | Path) -> str:
    """SHA-256 of a data file, so that a stage is made again when its input file changes.

    Args:
        name: a path as configs give it; may begin with `$FUNNELAB_DATA`. Of a folder, such as
            that of a model, all files count, by their names and bytes.

    Raises:
        DataError: the file cannot be read.
    """
    path = data_path(str(name))
    if path.is_dir():
        return _folder_digest(path)
    try:
        with path.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}, must be a file that can be read") from error


def _folder_digest(folder: Path) -> str:
    digest = sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(data_digest(file).encode())
    return digest.hexdigest()
