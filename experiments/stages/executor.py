"""Independent tasks, in this process, in several, or on a ray cluster, with the same results.

A task is a module-level function of picklable arguments. It also receives `advance`, by which it
tells how far it got; the count reaches the parent's progress bar from wherever the task runs.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from types import ModuleType
from typing import Any, NamedTuple, Protocol, TypeVar

from experiments.config.execution import ExecutionSpec
from experiments.stages.cluster import LOCAL, join
from simulator.calling import Limit, limit_calls
from simulator.errors import FunnelabError

Result_co = TypeVar("Result_co", covariant=True)
Result = TypeVar("Result")
Advance = Callable[[float], None]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
# Torch's library would keep a thousand compiled products; those that serve are about 300.
_FRUGAL = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256"}
_POLL = 0.1  # seconds between two looks at the workers' progress


class Task(Protocol[Result_co]):
    """One independent piece of work."""

    def __call__(self, *arguments: Any, advance: Advance) -> Result_co:
        """Do the work; call `advance(n)` after every n units of it, or parts of a unit."""


def plug_in_limit(settings: ExecutionSpec) -> Limit:
    """The most time of one call of a user's own code."""
    return Limit(settings.plug_in_seconds, "execution.plug_in_seconds")


def run_tasks(
    task: Task[Result],
    arguments: Sequence[tuple[Any, ...]],
    *,
    settings: ExecutionSpec,
    advance: Advance,
    after: Sequence[Collection[int]] = (),
    preload: Sequence[str] = (),
) -> list[Result]:
    """Call `task(*arguments[i], advance=...)` for every i; results in the order of the arguments.

    Args:
        task: the work.
        arguments: of each call; earlier ones begin earlier.
        settings: how many processes, on which backend.
        advance: told of the progress of all calls.
        after: for each call, numbers of earlier ones whose end it waits for; none where empty.
        preload: modules that worker processes have from the start, beside the task's.

    Worker processes use one thread each. An exception in a worker is raised here, with the
    worker's traceback as its cause; then, and on Ctrl-C, the other workers are stopped at once.

    Raises:
        ConfigError: the ray backend is asked for and ray is not installed.
        FunnelabError: a worker was killed, by the system's out-of-memory killer for example.
    """
    waits = [set(each) for each in after] or [set() for _ in arguments]
    limit = plug_in_limit(settings)
    limit_calls(limit)
    if settings.backend == "ray":
        return _on_ray(task, arguments, settings.processes, advance, waits, limit)
    if settings.processes == 1 or not arguments:
        return [task(*each, advance=advance) for each in arguments]
    workers = _Workers(
        min(settings.processes, len(arguments)),
        fresh_processes([task.__module__, *preload]),
        limit,
    )
    return _in_processes(task, arguments, workers, advance, waits)


Waits = list[set[int]]
"""For each call, the numbers of those that it waits for."""


def _ready(waits: Waits, done: set[int], begun: Collection[int]) -> list[int]:
    """The calls that can begin, in their order."""
    return [n for n, its in enumerate(waits) if n not in begun and its <= done]


class _Workers(NamedTuple):
    """How many processes work, how they are started, and how long a plug-in may take in them."""

    number: int
    context: Any
    limit: Limit


def _in_processes(
    task: Task[Result],
    arguments: Sequence[tuple[Any, ...]],
    workers: _Workers,
    advance: Advance,
    waits: Waits,
) -> list[Result]:
    counts: Any = workers.context.SimpleQueue()
    others = set(multiprocessing.active_children())
    initial = (counts, workers.limit)
    pool = ProcessPoolExecutor(workers.number, workers.context, _prepare_worker, initial)
    try:
        futures: dict[int, Future[Result]] = {}
        with worker_environment_here(1):
            while not _failed(futures.values()):
                done = {number for number, future in futures.items() if future.done()}
                with without_main():
                    for number in _ready(waits, done, futures):
                        futures[number] = pool.submit(_call, task, arguments[number])
                if len(done) == len(arguments):
                    break
                running = [future for number, future in futures.items() if number not in done]
                wait(running, timeout=_POLL, return_when=FIRST_COMPLETED)
                _drain(counts, advance)
        results = [futures[number].result() for number in sorted(futures) if futures[number].done()]
        _drain(counts, advance)
        return results
    except BrokenProcessPool as error:
        raise FunnelabError(
            f"execution.processes == {workers.number}: a worker was killed, most likely for "
            "memory, must be fewer processes or a smaller world"
        ) from error
    except EOFError as error:
        raise FunnelabError(
            "the process that starts workers == killed, must be left to run: the same command "
            "continues from the last finished stage"
        ) from error
    except BaseException:
        for worker in set(multiprocessing.active_children()) - others:
            worker.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        counts.close()


def prepare(modules: Sequence[str], settings: ExecutionSpec) -> None:
    """Begin to load what worker processes will need, while this process does something else."""
    if settings.backend == "processes" and settings.processes > 1 and sys.platform == "linux":
        fresh_processes(modules)
        with worker_environment_here(1):
            forkserver.ensure_running()


def fresh_processes(modules: Sequence[str]) -> Any:
    """A way to start processes that inherit neither threads nor devices of this one.

    Where the system can, they are forked from a server that has the modules' libraries loaded;
    else every worker would spend seconds on importing them.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    _start_tracker()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(dict.fromkeys(modules)))
    return context


def _start_tracker() -> None:
    """Let what cleans up after all processes outlive the hang-up of a terminal, which meets it too.

    It is a process of Python's own that ignores the other signals by itself.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # only there may a signal be ignored
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        resource_tracker.ensure_running()
    finally:
        signal.signal(signal.SIGHUP, before)


def _failed(futures: Collection[Future[Any]]) -> bool:
    return any(future.done() and future.exception() is not None for future in futures)


def _drain(counts: Any, advance: Advance) -> None:
    while not counts.empty():
        advance(counts.get())


def worker_environment(threads: int) -> dict[str, str]:
    """Variables with which numerical libraries of a process use so many threads, and are frugal."""
    return dict.fromkeys(_THREADS, str(threads)) | _FRUGAL


@contextmanager
def worker_environment_here(threads: int) -> Iterator[None]:
    """Processes that are started in this block have the environment of workers."""
    own = worker_environment(threads)
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def without_main() -> Iterator[None]:
    """Processes that are started in this block do not run the user's script again.

    Nothing that they do is in it, and a script that begins a run whenever it is imported would
    begin one in each of them.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


_counts: Any = None  # this worker's way to its parent's progress bar


def _prepare_worker(counts: Any, limit: Limit) -> None:
    global _counts
    _counts = counts
    limit_calls(limit)
    begin_worker(1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the parent stops its workers


def begin_worker(threads: int) -> None:
    """What every worker process does first.

    It leaves Ctrl-C and the hang-up of a terminal to its parent, and ends when that is gone.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if "torch" in sys.modules:  # loaded before this process could say how many threads
        sys.modules["torch"].set_num_threads(threads)
    if "numba" in sys.modules and threads < sys.modules["numba"].config.NUMBA_NUM_THREADS:
        sys.modules["numba"].set_num_threads(threads)
    if "tqdm" in sys.modules:  # bm25s shows bars; their semaphore would outlive a killed worker
        sys.modules["tqdm"].tqdm.set_lock(threading.RLock())
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    """End this worker when its parent is gone, even if that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(task: Task[Result], arguments: tuple[Any, ...]) -> Result:
    return task(*arguments, advance=_counts.put)


def _on_ray(
    task: Task[Result],
    arguments: Sequence[tuple[Any, ...]],
    processes: int,
    advance: Advance,
    waits: Waits,
    limit: Limit,
) -> list[Result]:
    address = "auto" if os.environ.get("RAY_ADDRESS") else LOCAL
    ray = join(address, processes, "execution.backend == 'ray'")
    from ray.util.queue import Queue

    counts = Queue(actor_options={"num_cpus": 0})
    environment = {"env_vars": worker_environment(1)}
    remote = ray.remote(_call_on_ray).options(num_cpus=1, runtime_env=environment)
    futures: dict[int, Any] = {}
    done: set[int] = set()
    try:
        while len(done) < len(arguments):
            for number in _ready(waits, done, futures):
                futures[number] = remote.remote(task, arguments[number], counts, limit)
            running = {future: n for n, future in futures.items() if n not in done}
            ended, _ = ray.wait(list(running), timeout=_POLL)
            ray.get(ended)
            done |= {running[future] for future in ended}
            _drain(counts, advance)
        return [ray.get(futures[number]) for number in range(len(arguments))]
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    finally:
        for future in futures.values():
            ray.cancel(future, force=True)
        counts.shutdown()


def _call_on_ray(
    task: Task[Result], arguments: tuple[Any, ...], counts: Any, limit: Limit
) -> Result:
    limit_calls(limit)
    return task(*arguments, advance=counts.put)
