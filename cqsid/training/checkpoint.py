"""Checkpoints of a training: one file each, of weights, optimiser state and facts."""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from simulator.atomic import replacing

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A file that continues one training and no other.

    Attributes:
        path: where it is.
        fingerprint: of all that the training's result depends on. A file with another one is
            ignored, and overwritten by the next save.
    """

    path: Path
    fingerprint: str

    def save(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Write the file. Whoever is killed meanwhile leaves the one before."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"fingerprint": self.fingerprint, "facts": json.dumps(facts)}
        whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
        with replacing(self.path) as path:
            save_file(whole, path, metadata)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors on the CPU and facts; None where there is no such file, or one of no use."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as stored:
                metadata = stored.metadata()
                if metadata["fingerprint"] != self.fingerprint:
                    _log.warning("%s belongs to another training: starting anew", self.path)
                    return None
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
                return tensors, json.loads(metadata["facts"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            _log.warning("%s is unreadable (%s): starting anew", self.path, error)
            return None


def fingerprint(texts: Iterable[str], arrays: Iterable[NDArray[Any]]) -> str:
    """A digest of settings and data: types, shapes and values."""
    digest = blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
