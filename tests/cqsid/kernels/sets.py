"""The ways that kernels can go on this processor: of its own instruction set and narrower ones."""

import pytest

from cqsid.kernels import choice

_TABLE = choice.TABLE
_WIDEST_FIRST = ("avx512_vnni", "avx2", "other")
HERE = _WIDEST_FIRST[_WIDEST_FIRST.index(choice.instruction_set()) :]
every_set = pytest.mark.parametrize("instructions", HERE)
every_way = pytest.mark.parametrize("instructions", [*HERE, "torch"])


def go(monkeypatch, instructions):
    """Have every kernel go the way of an instruction set; "torch": of its plain twin."""
    monkeypatch.setattr(choice, "instruction_set", lambda: instructions)
    table = {kernel: {} for kernel in _TABLE} if instructions == "torch" else _TABLE
    monkeypatch.setattr(choice, "TABLE", table)
