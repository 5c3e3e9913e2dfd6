import json
import os
import subprocess
import sys

import pytest
import torch

from cqsid.kernels import choice
from cqsid.kernels.choice import TABLE, missing, told, way
from tests.cqsid.kernels.sets import go

LEAST_GAIN = 1.3  # what gains less is plain torch


def test_a_way_stands_in_the_table_only_if_it_gains():
    gains = [each.gain for ways in TABLE.values() for each in ways.values()]
    assert all(gain >= LEAST_GAIN for gain in gains if gain is not None)


def test_what_the_table_does_not_hold_is_plain_torch(monkeypatch):
    go(monkeypatch, "torch")
    assert told() == {"instruction_set": "torch"} | dict.fromkeys(TABLE, "torch")


@pytest.mark.parametrize("kernel", TABLE)
def test_this_torch_has_every_private_operator_that_the_table_names(kernel, monkeypatch):
    go(monkeypatch, "avx512_vnni")
    assert missing(kernel) == ()


def test_a_private_operator_that_vanished_is_named_and_plain_torch_takes_over(monkeypatch):
    go(monkeypatch, "avx512_vnni")
    monkeypatch.setattr(choice, "_exists", lambda name: name != "mkldnn::_linear_pointwise")
    assert missing("matmul") == ("mkldnn::_linear_pointwise",)
    assert way("matmul") == "torch"
    assert way("integers") == "onednn"


def test_the_variable_that_narrows_torch_narrows_the_choice():
    code = "import json; from cqsid.kernels import choice; print(json.dumps(choice.told()))"
    narrow = os.environ | {"ATEN_CPU_CAPABILITY": "default"}
    done = subprocess.run([sys.executable, "-c", code], env=narrow, capture_output=True, check=True)
    assert json.loads(done.stdout)["instruction_set"] == "other"


@pytest.mark.parametrize(
    ("capability", "vnni", "limit", "expected"),
    [
        ("AVX512", True, None, "avx512_vnni"),
        ("AVX512", True, "ALL", "avx512_vnni"),
        ("AVX512", True, "AVX512_CORE_VNNI", "avx512_vnni"),
        ("AVX512", True, "AVX512_CORE", "avx2"),  # allows no instructions for bytes
        ("AVX512", True, "AVX2", "avx2"),
        ("AVX512", False, None, "avx2"),
        ("AVX512", None, None, "avx2"),
        ("AVX2", True, None, "avx2"),
        ("DEFAULT", False, None, "other"),
        ("SVE256", None, None, "other"),
    ],
)
def test_the_instruction_set_is_what_torch_and_onednn_may_use(
    capability, vnni, limit, expected, monkeypatch
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    known = {} if vnni is None else {"avx512_vnni": vnni}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    if limit is not None:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert choice.instruction_set.__wrapped__() == expected
