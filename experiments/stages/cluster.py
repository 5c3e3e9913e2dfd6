"""A Ray cluster: joined where there is one, or started on this machine and taken down again.

Ray is an optional library, loaded when a cluster is asked for.
"""

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from simulator.errors import ConfigError

LOCAL = "local"
"""Address of a cluster that is started on this machine."""

_OBJECTS = 100 * 2**20  # bytes of memory that Ray shares between processes: only settings pass


def ray_library(asked: str) -> Any:
    """The library, loaded.

    Args:
        asked: what asked for it, for errors.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            f"{asked} and ray is not installed, must be without it, or ray installed: "
            "pip install 'funnelab[cluster]'"
        ) from error
    return ray


@contextmanager
def joined(address: str, processors: int, asked: str) -> Iterator[Any]:
    """Join a cluster while the block runs; gives the library.

    Args:
        address: of the cluster, such as `10.0.0.1:6379`, or `auto` for that of this machine or of
            $RAY_ADDRESS; `local` starts one here, and ends it with all its files.
        processors: that a local one has.
        asked: what asked for it, for errors.

    Raises:
        ConfigError: ray is not installed, or no cluster answers there.
    """
    ray = ray_library(asked)
    if ray.is_initialized():  # by whoever calls
        yield ray
        return
    folder = tempfile.mkdtemp(prefix="funnelab-ray-") if address == LOCAL else None
    before = signal.getsignal(signal.SIGTERM)
    try:
        _connect(ray, address, folder, processors, asked)
        if signal.getsignal(signal.SIGTERM) is not before:
            signal.signal(signal.SIGTERM, before)  # Ray's own would skip what we have to end
        yield ray
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def join(address: str, processors: int, asked: str) -> Any:
    """Join a cluster, as `joined` does, until the program ends."""
    until_the_end = ExitStack()
    ray = until_the_end.enter_context(joined(address, processors, asked))
    atexit.register(until_the_end.close)
    return ray


def _connect(ray: Any, address: str, folder: str | None, processors: int, asked: str) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if folder is None:
        options["address"] = address
    else:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
        options |= {"address": LOCAL, "num_cpus": processors, "_temp_dir": folder}
        options |= {"include_dashboard": False, "object_store_memory": _OBJECTS}
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        said = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"{asked} == no cluster ({said}), must be the address of a running Ray cluster, or "
            f"{LOCAL!r} to start one on this machine"
        ) from error
