import pytest
import torch

from recall.device import one_thread, resolve_device
from simulator.errors import ConfigError


def fail_on_one_thread():
    with one_thread():
        raise RuntimeError(torch.get_num_threads())


def test_one_thread_restores_the_thread_count_after_an_error():
    threads = torch.get_num_threads()
    with pytest.raises(RuntimeError, match=r"^1$"):
        fail_on_one_thread()
    assert torch.get_num_threads() == threads


def test_auto_takes_an_accelerator_where_there_is_one():
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu").type == "cpu"


def test_cuda_without_an_accelerator_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="device == 'cuda', must be"):
        resolve_device("cuda")
