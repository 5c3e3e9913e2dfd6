"""One run of a given size in a process of its own: processor time and peak memory by stage.

`python -m tests.benchmarks.growth ITEMS SHOPPERS` prints one line of JSON. The run lives a day of
history and a day of experiment under the full funnel, in one world at a time.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments import Config, NoProgress, load_config, run_experiment

_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
_TICK = 1.0 / os.sysconf("SC_CLK_TCK")
_GONE = ") " + "0 " * 20
_LOOK = 0.05  # seconds between two looks at the memory

FULL = Path(__file__).with_name("full.toml")
DAY_LONG = ("world.history_days=1", "world.days=1", "truth.seeds=0", "truth.arms=[]")


def size_config(items: int, shoppers: int) -> Config:
    """A day of history and a day of experiment at some size."""
    sizes = (f"catalog.items={items}", f"shoppers.count={shoppers}")
    return load_config(FULL, [*DAY_LONG, *sizes])


class StageClock(NoProgress):
    """A progress that keeps what each stage took of the wall, of the cores and of the memory."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.core_seconds: dict[str, float] = {}
        self.units: dict[str, int] = {}
        self.peak_mb: dict[str, int] = {}

    @contextmanager
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Iterator:
        over, looks = threading.Event(), [tree_mb()]

        def watch() -> None:
            while not over.wait(_LOOK):
                looks.append(tree_mb())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        start, used = time.perf_counter(), tree_seconds()
        with super().stage(name, total=total, unit=unit) as bar:
            yield bar
        self.seconds[name] = round(time.perf_counter() - start, 2)
        self.core_seconds[name] = round(tree_seconds() - used, 2)
        self.units[name] = bar.done
        over.set()
        watcher.join()
        self.peak_mb[name] = round(max(looks))


def tree_mb() -> float:
    """Resident memory of this process and all below it (MB); what they share counts for each."""
    return sum(int(_read(folder / "statm").split()[1]) * _PAGE_MB for folder in _tree())


def tree_seconds() -> float:
    """Processor time of this process and all below it, those that have ended included (s)."""
    fields = [_read(folder / "stat").rpartition(")")[2].split()[11:15] for folder in _tree()]
    return _TICK * sum(int(ticks) for four in fields for ticks in four)


def _tree() -> Iterator[Path]:
    waiting = [os.getpid()]
    while waiting:
        folder = Path("/proc") / str(waiting.pop())
        if _read(folder / "stat") != _GONE:
            yield folder
            for task in (folder / "task").glob("*/children"):
                waiting += map(int, _read(task).split() if _read(task) != _GONE else ())


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has just ended
        return _GONE


def grow(items: int, shoppers: int) -> dict[str, dict[str, float]]:
    """`StageClock` of a run of this size, lived in a fresh process."""
    command = [sys.executable, "-m", "tests.benchmarks.growth", str(items), str(shoppers)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def main() -> None:
    items, shoppers = map(int, sys.argv[1:])
    clock = StageClock()
    with tempfile.TemporaryDirectory() as folder:
        config = size_config(items, shoppers)
        run_experiment(config, Path(folder) / "run", progress=clock, command="")
    print(json.dumps(vars(clock)))


if __name__ == "__main__":
    main()
