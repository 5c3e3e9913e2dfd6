"""Model folders in the layout of `transformers`: what they hold, read quietly and offline."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from simulator.errors import ConfigError

CONFIG: Final = "config.json"
WEIGHTS: Final = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
TOKENIZER: Final = "tokenizer.json"


def architecture(folder: Path, place: str) -> dict[str, Any]:
    """The config of a folder that holds a model.

    Args:
        folder: where the model is.
        place: the setting that names the folder, for errors.

    Raises:
        ConfigError: no such folder, or one without a readable config or without weights.
    """
    if not folder.is_dir():
        raise ConfigError(f"{place} == {str(folder)!r}, must be a folder with {CONFIG} and weights")
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{place}: {CONFIG} == unreadable ({error}), must be a config") from error
    if not isinstance(config, dict):
        raise ConfigError(f"{place}: {CONFIG} == {type(config).__name__}, must be an object")
    if not any((folder / name).is_file() for name in WEIGHTS):
        found = sorted(path.name for path in folder.iterdir())
        raise ConfigError(f"{place}: files == {found}, must have one of {', '.join(WEIGHTS)}")
    return config


@contextmanager
def quiet() -> Iterator[None]:
    """Let `transformers` and its hub log errors only, draw no progress bar and start no thread."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging as library

    logging: Any = library  # its functions have no types
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
