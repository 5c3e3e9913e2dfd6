"""Commands carried out by children of one process, each of which can be killed at a chosen moment.

    python -m tests.experiments.endurance.nursery < orders > ends

It loads the libraries once; then every line of JSON that it reads, an `Order`, becomes a process
forked from it, in a group of its own, that carries out one command; and when that has ended, a line
of JSON tells how, an `End`. A moment is one of the child's operations on files, just before it
happens, or so much of its processor's time, which a busy machine does not shift.
"""

import json
import mmap
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_LOOK = 0.002  # seconds between two looks at a child
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_OPERATIONS = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "shutil.rmtree")
_LIBRARIES = ("attribution.run", "idsbench.run", "rewardlab.run", "running.run")


@dataclass(frozen=True)
class Order:
    """A command to be carried out.

    Attributes:
        words: of the command, without its own name.
        said: file that gets what it says.
        operation: number of the operation on files at which it is killed; None: none.
        seconds: of its processor after which it is killed; None: never.
    """

    words: list[str]
    said: str
    operation: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class End:
    """How a command ended.

    Attributes:
        status: exit status, or minus the signal that killed it.
        operations: on files that it began.
        seconds: of its processor that it took.
    """

    status: int
    operations: int
    seconds: float


class Nursery:
    """The process that has the children, as seen by a test."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def carry_out(self, order: Order) -> End:
        """Carry out a command, to its end or to the moment at which it is killed."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(asdict(order)) + "\n")
        self._program.stdin.flush()
        return End(**json.loads(self._program.stdout.readline()))


@contextmanager
def open_nursery() -> Iterator[Nursery]:
    """A nursery with one thread for each library: what has threads cannot be forked."""
    alone = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    words = [sys.executable, "-m", "tests.experiments.endurance.nursery"]
    with subprocess.Popen(
        words,
        cwd=Path(__file__).parents[3],
        env=os.environ | alone,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        yield Nursery(program)
        assert program.stdin is not None
        program.stdin.close()


def _carry_out(order: Order) -> End:
    shared = mmap.mmap(-1, 8)
    child = os.fork()
    if child == 0:
        _be_child(order, shared)
    _own_group(child)
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            break
        if order.seconds is not None and _processor_seconds(child) >= order.seconds:
            os.killpg(child, signal.SIGKILL)
        time.sleep(_LOOK)
    (operations,) = struct.unpack("q", shared[:8])
    return End(os.waitstatus_to_exitcode(status), operations, used.ru_utime + used.ru_stime)


def _be_child(order: Order, shared: mmap.mmap) -> None:
    from experiments.cli import run_command

    status = 70
    try:
        _own_group(0)
        file = os.open(order.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.addaudithook(_counting(order.operation, shared))
        status = run_command(order.words)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _own_group(process: int) -> None:
    """Parent and child both see to it, so that neither need wait for the other."""
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(process, process)


def _counting(last: int | None, shared: mmap.mmap) -> Any:
    """An audit hook that counts operations which change files, and kills its group at one."""
    count = 0

    def hook(event: str, told: tuple[Any, ...]) -> None:
        nonlocal count
        if event == "open":
            if not (isinstance(told[2], int) and told[2] & _WRITES):
                return
        elif event not in _OPERATIONS:
            return
        count += 1
        struct.pack_into("q", shared, 0, count)
        if count == last:
            os.killpg(0, signal.SIGKILL)

    return hook


def _processor_seconds(child: int) -> float:
    words = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) * _TICK


def _main() -> None:
    from importlib import import_module

    for name in _LIBRARIES:
        import_module(f"experiments.{name}")
    ends = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print must not be taken for an end
    for line in sys.stdin:
        ends.write(json.dumps(asdict(_carry_out(Order(**json.loads(line))))) + "\n")
        ends.flush()


if __name__ == "__main__":
    _main()
