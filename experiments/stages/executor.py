"""Independent tasks, in this process, in several, or on a ray cluster, with the same results.

A task is a module-level function of picklable arguments. It also receives `advance`, by which it
tells how far it got; the count reaches the parent's progress bar from wherever the task runs.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from experiments.config.execution import ExecutionSpec
from simulator.calling import Limit, limit_calls
from simulator.errors import ConfigError, FunnelabError

Result_co = TypeVar("Result_co", covariant=True)
Result = TypeVar("Result")
Advance = Callable[[float], None]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_WORKERS = dict.fromkeys(_THREADS, "1") | {
    # Torch's library would keep a thousand compiled products, one for each number of rows met.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64",
}
_POLL = 0.1  # seconds between two looks at the workers' progress


class Task(Protocol[Result_co]):
    """One independent piece of work."""

    def __call__(self, *arguments: Any, advance: Advance) -> Result_co:
        """Do the work; call `advance(n)` after every n units of it, or parts of a unit."""


def run_tasks(
    task: Task[Result],
    arguments: Sequence[tuple[Any, ...]],
    *,
    settings: ExecutionSpec,
    advance: Advance,
) -> list[Result]:
    """Call `task(*arguments[i], advance=...)` for every i; results in the order of the arguments.

    Worker processes use one thread each. An exception in a worker is raised here, with the
    worker's traceback as its cause; then, and on Ctrl-C, the other workers are stopped at once.

    Raises:
        ConfigError: the ray backend is asked for and ray is not installed.
        FunnelabError: a worker was killed, by the system's out-of-memory killer for example.
    """
    if settings.backend == "ray":
        return _on_ray(task, arguments, settings.processes, advance)
    limit = Limit(settings.plug_in_seconds, "execution.plug_in_seconds")
    limit_calls(limit)
    if settings.processes == 1 or not arguments:
        return [task(*each, advance=advance) for each in arguments]
    processes = min(settings.processes, len(arguments))
    return _in_processes(task, arguments, processes, advance, limit)


def _in_processes(
    task: Task[Result],
    arguments: Sequence[tuple[Any, ...]],
    processes: int,
    advance: Advance,
    limit: Limit,
) -> list[Result]:
    context = _fresh_processes(task.__module__)
    counts: Any = context.SimpleQueue()
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, context, _prepare_worker, (counts, limit))
    try:
        with _one_thread_each():
            futures = [pool.submit(_call, task, each) for each in arguments]
            waiting: set[Future[Result]] = set(futures)
            while waiting and not _failed(futures):
                _, waiting = wait(waiting, timeout=_POLL)
                _drain(counts, advance)
        results = [future.result() for future in futures if future.done()]
        _drain(counts, advance)
        return results
    except BrokenProcessPool as error:
        raise FunnelabError(
            f"execution.processes == {processes}: a worker was killed, most likely for memory, "
            "must be fewer processes or a smaller world"
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


def _fresh_processes(module: str) -> Any:
    """A way to start processes that inherit neither threads nor devices of this one.

    Where the system can, they are forked from a server that has the task's libraries loaded;
    else every worker would spend seconds on importing them.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    return context


def _failed(futures: Sequence[Future[Any]]) -> bool:
    return any(future.done() and future.exception() is not None for future in futures)


def _drain(counts: Any, advance: Advance) -> None:
    while not counts.empty():
        advance(counts.get())


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes spawned in this block start with one thread per numerical library, and frugal."""
    before = {name: os.environ.get(name) for name in _WORKERS}
    os.environ.update(_WORKERS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_counts: Any = None  # this worker's way to its parent's progress bar


def _prepare_worker(counts: Any, limit: Limit) -> None:
    global _counts
    _counts = counts
    limit_calls(limit)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops its workers
    if "torch" in sys.modules:  # loaded before this process could say how many threads
        sys.modules["torch"].set_num_threads(1)
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
    task: Task[Result], arguments: Sequence[tuple[Any, ...]], processes: int, advance: Advance
) -> list[Result]:
    try:
        import ray
        from ray.util.queue import Queue
    except ImportError as error:
        raise ConfigError(
            "execution.backend == 'ray' and ray is not installed, must be 'processes', "
            "or ray installed: pip install 'funnelab[cluster]'"
        ) from error
    if not ray.is_initialized():
        local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": processes}
        ray.init(include_dashboard=False, log_to_driver=False, **local)
    counts = Queue(actor_options={"num_cpus": 0})
    threads = {"env_vars": _WORKERS}
    remote = ray.remote(_call_on_ray).options(num_cpus=1, runtime_env=threads)
    futures = [remote.remote(task, each, counts) for each in arguments]
    try:
        waiting = list(futures)
        while waiting:
            done, waiting = ray.wait(waiting, timeout=_POLL)
            ray.get(done)
            _drain(counts, advance)
        return list(ray.get(futures))
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    finally:
        for future in futures:
            ray.cancel(future, force=True)
        counts.shutdown()


def _call_on_ray(task: Task[Result], arguments: tuple[Any, ...], counts: Any) -> Result:
    return task(*arguments, advance=counts.put)
