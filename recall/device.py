"""Where torch trains, and with how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from recall.settings import DeviceName
from simulator.errors import ConfigError


def resolve_device(name: DeviceName = "auto") -> torch.device:
    """The device of a name; "auto" is the accelerator where there is one.

    Raises:
        ConfigError: "cuda" was asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigError("device == 'cuda', must be 'auto' or 'cpu' (no accelerator here)")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


@contextmanager
def one_thread() -> Iterator[None]:
    """Work on one thread: bits must not depend on how many cores a machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
