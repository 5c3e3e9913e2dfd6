"""Which way each kernel goes on this processor: read from a table of measurements.

Nothing is timed at run time: a machine always goes one way, so that its results keep their bits,
and the manifest of a run names it. What the table does not hold is plain torch.
"""

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import torch

InstructionSet = Literal["avx512_vnni", "avx2", "other"]
Kernel = Literal["attention", "integers", "log_partition", "logsumexp", "matmul"]


@dataclass(frozen=True)
class Way:
    """How a kernel computes.

    Attributes:
        name: "lanes" and "pairs" are ours, "onednn" is a private operator of torch.
        gain: how many times as fast as plain torch (docs/performance.md); None: not measured.
        operators: private operators of torch that it calls.
    """

    name: Literal["lanes", "onednn", "pairs", "torch"]
    gain: float | None
    operators: tuple[str, ...] = ()


_PRODUCTS: Final = ("mkldnn::_reorder_linear_weight", "mkldnn::_linear_pointwise")
TABLE: Final[dict[Kernel, dict[InstructionSet, Way]]] = {
    # Elsewhere lanes were not timed: they keep an answer's bits the same in any company.
    "attention": {
        "avx512_vnni": Way("lanes", 16.0),
        "avx2": Way("lanes", 11.8),
        "other": Way("lanes", None),
    },
    "integers": {
        "avx512_vnni": Way("onednn", 7.7, ("aten::_int_mm",)),
        "avx2": Way("pairs", 2.1),  # where torch's product of bytes is a plain loop, or saturates
    },
    "log_partition": {"avx512_vnni": Way("lanes", 2.2)},  # 1.1 to 1.2 with AVX2
    "logsumexp": {
        "avx512_vnni": Way("lanes", 3.8),
        "avx2": Way("lanes", 2.6),
        "other": Way("lanes", None),
    },
    # With AVX2 oneDNN gains 1.2 at most, and on some processors takes its reference code.
    "matmul": {"avx512_vnni": Way("onednn", 2.2, _PRODUCTS)},
}
_PLAIN: Final = Way("torch", 1.0)


@cache
def instruction_set() -> InstructionSet:
    """The widest instructions that torch and oneDNN may use here.

    The variables that narrow these for a benchmark, `ATEN_CPU_CAPABILITY` and
    `ONEDNN_MAX_CPU_ISA`, narrow this too. AVX-512 without the instructions for bytes (VNNI)
    counts as AVX2: nothing was measured there.
    """
    capability = torch.backends.cpu.get_cpu_capability()
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "ALL").upper()
    allowed = limit.startswith(("ALL", "DEFAULT", "AVX512_CORE_", "AVX10_"))
    if capability == "AVX512" and allowed and torch.cpu.get_capabilities().get("avx512_vnni"):
        return "avx512_vnni"
    return "avx2" if capability in ("AVX2", "AVX512") else "other"


def missing(kernel: Kernel) -> tuple[str, ...]:
    """Private operators that the table counts on for a kernel, and this build of torch lacks."""
    way = TABLE[kernel].get(instruction_set(), _PLAIN)
    return tuple(name for name in way.operators if not _exists(name))


@cache
def _exists(operator: str) -> bool:
    library, _, name = operator.partition("::")
    return hasattr(getattr(torch.ops, library), name)


def way(kernel: Kernel) -> str:
    """How a kernel computes here; "torch" where its private operators are missing."""
    return _PLAIN.name if missing(kernel) else TABLE[kernel].get(instruction_set(), _PLAIN).name


def told() -> dict[str, str]:
    """The instruction set and the way of every kernel, for the manifest of a run."""
    return {"instruction_set": instruction_set()} | {kernel: way(kernel) for kernel in TABLE}


def processor() -> str:
    """Its model and family; what Python tells where the system has no list of processors."""
    listed = Path("/proc/cpuinfo")
    if not listed.is_file():
        return platform.processor() or platform.machine()
    lines = (line.partition(":") for line in listed.read_text().splitlines())
    first: dict[str, str] = {}
    for name, _, value in lines:
        first.setdefault(name.strip(), value.strip())
    model = first.get("model name", platform.machine())
    return f"{model} (family {first['cpu family']})" if "cpu family" in first else model
