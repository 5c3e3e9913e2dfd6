"""Calls of what a user plugged in: guarded, and blamed by name, file and line.

What is called so gets arrays that cannot be written to, has a limited time, may neither end the
program nor change its folder, and prints text alone.
"""

import copy
import os
import signal
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, is_dataclass
from functools import cache, partial
from operator import is_
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any, NoReturn, ParamSpec, TypeVar

import numpy as np

from simulator.errors import ContractError, FunnelabError, printable

PACKAGES = ("simulator", "recall", "ranking", "cqsid", "experiments", "funnelab")
"""Packages of this project: what is called from here is not yet the user's code."""

_STANDARD = sysconfig.get_path("stdlib")
_INSTALLED = {"site-packages", "dist-packages"}

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class TimeLimitError(ContractError):
    """A plug-in did not answer in time; whoever would do without its answer must not wait again."""


class Ended(Exception):
    """A plug-in tried to end the program, or raised what no `except Exception` takes."""


class _Late(BaseException):
    """Raised in a plug-in that took too long; no `except Exception` of its own takes it."""


@dataclass(frozen=True)
class Limit:
    """How long one call may take.

    Attributes:
        seconds: at most.
        setting: where that is set.
    """

    seconds: float
    setting: str


_limit = Limit(3_600.0, "execution.plug_in_seconds")
_depth = 0  # guarded calls that are under way


def limit_calls(limit: Limit) -> None:
    """Set how long calls of plug-ins may take in this process from now on."""
    global _limit
    _limit = limit


def time_limit() -> Limit:
    """How long calls may take in this process."""
    return _limit


def foreign(thing: Any) -> bool:
    """Whether an object, or a function, is made by code that is not of this project."""
    if isinstance(thing, partial):
        return foreign(thing.func)
    named = thing if isinstance(thing, type) or hasattr(thing, "__qualname__") else type(thing)
    return str(getattr(named, "__module__", "")).partition(".")[0] not in PACKAGES


def call(
    place: str,
    function: Callable[Arguments, Answer],
    *arguments: Arguments.args,
    **named: Arguments.kwargs,
) -> Answer:
    """What a function or method answers; one of the user's is guarded.

    Args:
        place: what is called, for errors.
        arguments, named: given to it; a user's own gets them `frozen`.

    Raises:
        TimeLimitError: it took too long.
        Ended: it tried to end the program.
        Exception: whatever else it raises.
    """
    if not foreign(getattr(function, "__self__", function)):
        return function(*arguments, **named)
    with guarded(place):
        return function(*map(frozen, arguments), **{k: frozen(v) for k, v in named.items()})


def frozen(value: Any) -> Any:
    """The same value with arrays that cannot be written to: views, no copies.

    Reaches into tuples, dictionaries and this project's records. A tuple without arrays is the very
    same one, so that whoever is given it again knows it.
    """
    if isinstance(value, np.ndarray):
        view = value.view()
        view.flags.writeable = False
        return view
    if type(value) is tuple:
        parts = tuple(map(frozen, value))
        return value if all(map(is_, parts, value)) else parts
    if type(value) is dict:
        return {key: frozen(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type) and not foreign(value):
        twin = copy.copy(value)
        for name, each in vars(value).items():
            object.__setattr__(twin, name, frozen(each))
        return twin
    return value


@contextmanager
def guarded(place: str) -> Iterator[None]:
    """Hold a user's code to a time limit and to its own business.

    Args:
        place: what is called, for errors.
    """
    global _depth
    _watch_folder()
    if _depth:  # within another guarded call, which has the clock
        yield
        return
    _depth += 1
    try:
        with ExitStack() as stack:
            stack.enter_context(redirect_stdout(_Plain(sys.stdout)))
            stack.enter_context(redirect_stderr(_Plain(sys.stderr)))
            stack.enter_context(_no_exit())
            stack.enter_context(_timed(_limit.seconds))
            yield
    except _Late as late:
        raise TimeLimitError(
            f"{place} took longer than {_limit.seconds:g} s{_line(late)}, must answer by then "
            f"({_limit.setting})"
        ) from late
    except SystemExit as error:
        said = f"sys.exit({'' if error.code is None else repr(error.code)})"
        raise Ended(said).with_traceback(error.__traceback__) from None
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:  # as asyncio.CancelledError: nothing above would take it
        raise Ended(repr(error)).with_traceback(error.__traceback__) from None
    finally:
        _depth -= 1


@contextmanager
def _no_exit() -> Iterator[None]:
    """Take `os._exit` for `sys.exit`: no handler would see it, and its status may be 0.

    Not in other threads and in processes that are forked from here, which end so by right.
    """
    before, here = os._exit, (os.getpid(), threading.get_ident())

    def leave(status: int) -> NoReturn:
        if (os.getpid(), threading.get_ident()) == here:
            sys.exit(status)
        before(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = before


@contextmanager
def _timed(seconds: float) -> Iterator[None]:
    """Raise `_Late` in the main thread after so many seconds; elsewhere there is no clock.

    A timer that was running is put back with the time that it has left.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(number: int, frame: FrameType | None) -> NoReturn:
        raise _Late

    start, before = time.monotonic(), signal.signal(signal.SIGALRM, late)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            rest = max(left - (time.monotonic() - start), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


class _Plain:
    """A stream that shows control characters as text, so that none reaches a terminal."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text."""
        self._stream.write(printable(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@cache
def _watch_folder() -> None:
    """From now on, a guarded call that changes the current folder raises where it does.

    Relative paths of a run would lead elsewhere.
    """

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.chdir" and _depth:
            raise PermissionError(
                f"os.chdir({os.fspath(arguments[0])!r}): the current folder must stay as it is"
            )

    sys.addaudithook(watch)


@contextmanager
def blaming(place: str, wanted: str) -> Iterator[None]:
    """Turn whatever a plug-in raises into a ContractError that says where.

    So is what this project refuses of a plug-in's doing; what it refuses by itself stays as it is.

    Args:
        place: what was called.
        wanted: what it must do instead.
    """
    try:
        yield
    except (Exception, SystemExit) as error:  # a user's code may fail in any way
        ours = isinstance(error, FunnelabError) and users_line(error) is None
        if ours or isinstance(error, ContractError):
            raise
        raise ContractError(f"{place} raised {told(error)}, must {wanted}") from error


def told(error: BaseException) -> str:
    """An error with file and line of the user's code that raised it, where that is known."""
    text = f"SyntaxError({error.msg!r})" if isinstance(error, SyntaxError) else repr(error)
    return printable(str(error) if isinstance(error, Ended) else text) + _line(error)


def _line(error: BaseException) -> str:
    """File and line of the user's code in brackets; empty where it was none."""
    found = users_line(error)
    if found is None:
        return ""
    path, line = found
    if path.is_relative_to(Path.cwd()):  # as the user would type it
        path = path.relative_to(Path.cwd())
    return f" ({path}, line {line})"


def is_installed(file: Path) -> bool:
    """Whether a file lies where installers put libraries, of this environment or another one."""
    return bool(_INSTALLED.intersection(file.parts))


def users_line(error: BaseException) -> tuple[Path, int] | None:
    """File and line of the user's code that raised an error; None if it was no code of theirs."""
    if isinstance(error, SyntaxError):
        return Path(error.filename or "?"), error.lineno or 0
    users: tuple[Path, int] | None = None
    first = ""  # package of the plug-in, which may be an installed one
    for frame, line in walk_tb(error.__traceback__):
        file, package = frame.f_code.co_filename, frame.f_globals.get("__name__", "").split(".")[0]
        installed = is_installed(Path(file))
        standard = file.startswith("<") or (file.startswith(_STANDARD) and not installed)
        if standard or package in PACKAGES:
            continue
        first = first or package
        if not installed or package == first:
            users = Path(file), line
    return users
