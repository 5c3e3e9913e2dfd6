"""A user's code is held to its own business, and blamed by file and line where it leaves it."""

import contextlib
import io
import os
import signal
import sys
import time
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from recall.sampleshop import sample_catalog, sample_requests
from simulator import calling
from simulator.calling import (
    Ended,
    Limit,
    TimeLimitError,
    blaming,
    call,
    foreign,
    frozen,
    limit_calls,
)
from simulator.errors import ContractError, DataError

HERE = Path(__file__).name


@pytest.fixture
def short() -> Iterator[None]:
    before = calling._limit
    limit_calls(Limit(0.2, "the.setting"))
    yield
    limit_calls(before)


def ends(code: Any = None) -> None:
    sys.exit(code)


def moves() -> None:
    os.chdir("/")


def sleeps() -> None:
    time.sleep(60)


def spins() -> None:
    while True:
        with contextlib.suppress(Exception):
            sum(range(1_000))


@pytest.mark.parametrize(
    ("code", "told"), [(None, "sys.exit()"), (0, "sys.exit(0)"), ("bye", "sys.exit('bye')")]
)
def test_no_plug_in_ends_the_program(code: Any, told: str) -> None:
    with pytest.raises(Ended) as caught:
        call("mine()", ends, code)
    assert str(caught.value) == told
    wanted = (
        rf"^mine\(\) raised {told.replace('(', '.').replace(')', '.')} \(.*{HERE}, line \d+\), must"
    )
    with pytest.raises(ContractError, match=wanted), blaming("mine()", "answer"):
        call("mine()", ends, code)


def refused() -> None:
    raise DataError("codes == 10, must be below 10")


def test_what_is_refused_of_a_plug_ins_doing_is_blamed_on_it() -> None:
    wanted = rf"^mine\(\) raised DataError\('codes == 10.*{HERE}, line \d+\), must answer$"
    with pytest.raises(ContractError, match=wanted), blaming("mine()", "answer"):
        call("mine()", refused)


def leaves() -> None:
    os._exit(0)


def cancels() -> None:
    raise CancelledError("stopped")


@pytest.mark.parametrize(
    ("made", "told"), [(leaves, "sys.exit(0)"), (cancels, "CancelledError('stopped')")]
)
def test_what_no_handler_would_take_is_blamed_like_any_error(
    made: Callable[[], None], told: str
) -> None:
    with pytest.raises(ContractError) as caught, blaming("mine()", "answer"):
        call("mine()", made)
    assert str(caught.value).startswith(f"mine() raised {told} (")
    assert HERE in str(caught.value)


def forks() -> int:
    child = os.fork()
    if child == 0:
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_a_plug_in_forks_may_end() -> None:
    assert call("mine()", forks) == 7


def test_no_plug_in_changes_the_folder() -> None:
    here = Path.cwd()
    with pytest.raises(ContractError, match=rf"os.chdir\('/'\).*{HERE}, line \d+"):  # noqa: SIM117
        with blaming("mine()", "answer"):
            call("mine()", moves)
    assert Path.cwd() == here
    os.chdir(here)  # of others it is nobody's business


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("hangs", [sleeps, spins])
def test_what_hangs_is_stopped_and_named_with_its_line_and_the_setting(hangs: Any) -> None:
    start = time.monotonic()
    with pytest.raises(TimeLimitError) as caught:
        call("channel mine: recall()", hangs)
    assert time.monotonic() - start < 10
    said = str(caught.value)
    assert said.startswith("channel mine: recall() took longer than 0.2 s (")
    assert f"{HERE}, line " in said
    assert said.endswith("), must answer by then (the.setting)")


def test_a_timer_that_was_running_goes_on() -> None:
    before = signal.getsignal(signal.SIGALRM)
    old = signal.setitimer(signal.ITIMER_REAL, 500.0)
    try:
        call("mine()", time.sleep, 0.01)
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 400 < left <= 500
        assert signal.getsignal(signal.SIGALRM) is before
    finally:
        signal.setitimer(signal.ITIMER_REAL, *old)


def test_what_a_plug_in_prints_reaches_the_terminal_as_text() -> None:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        call("mine()", print, "red \x1b[31m\x07 l\u00e4mp\n\tok")
        call("mine()", lambda: print("\x9b2J", file=sys.stderr))
    assert out.getvalue() == "red \\x1b[31m\\x07 l\u00e4mp\n\tok\n"
    assert err.getvalue() == "\\x9b2J\n"


def test_an_error_of_a_plug_in_is_told_as_text() -> None:
    with pytest.raises(ContractError) as caught, blaming("mine()", "answer"):
        raise ValueError("\x1b[2J")
    assert "\x1b" not in str(caught.value)


def writes(thing: Any) -> None:
    thing[:] = 0


@dataclass(frozen=True)
class Elsewhere:
    numbers: np.ndarray


def test_what_a_plug_in_is_handed_cannot_be_written_to() -> None:
    requests = sample_requests(sample_catalog())
    before = requests.text_B.copy()
    for write in (
        lambda given: writes(given.text_B),
        lambda given: writes(given.history_BH),
        lambda given: writes(given.rows(slice(0, 3)).text_B),
    ):
        with pytest.raises(ValueError, match="read-only"):
            call("mine()", write, requests)
    assert np.array_equal(requests.text_B, before)
    requests.text_B[:] = 0  # the owner may


def test_freezing_copies_nothing_and_reaches_what_lies_deeper() -> None:
    catalog = sample_catalog()
    deep = {"pair": (catalog, catalog.price_I)}
    held = frozen(deep)["pair"]
    assert np.shares_memory(held[0].price_I, catalog.price_I)
    assert not held[0].price_I.flags.writeable
    assert not held[0].title_I.flags.writeable
    assert not held[1].flags.writeable
    assert catalog.price_I.flags.writeable
    texts = ("red lamp", ("desk",))
    assert frozen(texts) is texts  # so that whoever is given it again knows it
    theirs = Elsewhere(np.zeros(3))  # a user's own record is theirs
    assert frozen(theirs) is theirs


def test_what_is_built_in_is_called_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("simulator.mine")
    exec("def given(x): return x", vars(module))
    array = np.zeros(2)
    assert call("given()", module.given, array) is array
    assert call("mine()", lambda x: x, array) is not array
    assert not foreign(module.given)
    assert foreign(Elsewhere)
    assert foreign(Elsewhere(array))
    assert not foreign(sample_catalog())
