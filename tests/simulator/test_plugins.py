import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from simulator import calling, plugins
from simulator.calling import blaming, told
from simulator.errors import ContractError
from simulator.plugins import Kind, Violation

HERE = "tests.simulator.test_plugins"
CLOCK = Kind("a clock", has=("tick", "tock"), made_with=("seconds",))
ROOT = Kind("a root", called_with=("number",), itself=True, group="my.roots", built_in=("cube",))


class Clock:
    def __init__(self, seconds: float, *, loud: bool = False) -> None:
        self.seconds, self.loud = seconds, loud

    def tick(self) -> None: ...

    def tock(self) -> None: ...


def half_clock(seconds: float) -> object:
    clock = Clock(seconds)
    return type("Half", (), {"tick": clock.tick})()


def power(number: float, by: float = 0.5) -> float:
    return number**by


class Power:
    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, number: float) -> float:
        return power(number, self.by)


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> None:
    found = EntryPoints([EntryPoint("square", f"{HERE}:power", "my.roots")])
    monkeypatch.setattr(plugins, "entry_points", lambda group: found.select(group=group))


def test_a_plug_in_is_made_with_what_its_kind_gives_it_and_the_options() -> None:
    clock = CLOCK.make(f"{HERE}:Clock", 1.5, options={"loud": True})
    assert (clock.seconds, clock.loud) == (1.5, True)


def test_what_is_made_may_lack_nothing() -> None:
    with pytest.raises(ContractError, match=r"half_clock\(\) == Half without tock, must have tick"):
        CLOCK.make(f"{HERE}:half_clock", 1.5, options={})


def test_a_maker_is_told_with_all_that_it_was_given() -> None:
    call = rf"{HERE}:Clock\(seconds, \*\*{{'odd': 1}}\) raised TypeError.* must return a clock"
    with pytest.raises(ContractError, match=call):
        CLOCK.make(f"{HERE}:Clock", 1.5, options={"odd": 1})


def test_a_function_that_is_the_plug_in_itself_takes_its_options_when_it_is_called() -> None:
    assert ROOT.made(power, "power", options={}) is power
    assert ROOT.made(power, "power", options={"by": 2})(3) == 9
    assert ROOT.made(Power, "Power", options={"by": 2})(3) == 9


def test_a_function_of_other_arguments_tells_those_that_are_wanted() -> None:
    with pytest.raises(ContractError, match=r"^len with options \['by'\] == .*\(number, \*\*opt"):
        ROOT.made(len, "len", options={"by": 2})
    with pytest.raises(ContractError, match=r"must be callable with \(number\)$"):
        ROOT.made(lambda: None, "none", options={})


def test_a_function_written_in_c_is_taken_at_its_word() -> None:
    assert ROOT.made(dict.fromkeys, "fromkeys", options={}) == dict.fromkeys


def test_an_entry_point_is_a_name(points: None) -> None:
    assert ROOT.make("square", options={"by": 2})(3) == 9
    assert ROOT.module("square") == ROOT.module(f"{HERE}:power") == HERE
    assert ROOT.module("sqare") == ""


def test_a_name_that_is_none_tells_the_entry_points_the_built_in_ones_and_the_closest(
    points: None,
) -> None:
    wanted = r"roots == 'sqare', must be one of cube, MODULE:OBJECT or an entry point of my.roots "
    with pytest.raises(ContractError, match=rf"^{wanted}\(square\): square \(the closest known\)$"):
        ROOT.load("sqare", "roots")


def test_a_group_without_entry_points_says_so() -> None:
    wanted = "an entry point of my.roots, of which there are none: cube"
    with pytest.raises(ContractError, match=wanted):
        ROOT.load("cubed")


def test_a_kind_without_a_group_knows_no_entry_points(points: None) -> None:
    with pytest.raises(ContractError, match="object == 'square', must be MODULE:OBJECT, as my_"):
        CLOCK.load("square")


def test_a_broken_contract_passes_as_it_is_told() -> None:
    with pytest.raises(ContractError, match=r"^days == 0$"), blaming("here", "work"):
        raise ContractError("days == 0")


def test_the_line_is_that_of_the_users_code_and_not_of_the_library_that_it_called() -> None:
    with pytest.raises(ContractError) as raised, blaming("here", "work"):
        Path("/no/such/file").read_text()
    line = f"({Path(__file__).relative_to(Path.cwd())}, line "
    assert "here raised FileNotFoundError(2, " in str(raised.value)
    assert line in str(raised.value)


def test_the_line_of_an_installed_plug_in_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "site-packages"
    (packages / "their_rules").mkdir(parents=True)
    (packages / "their_rules" / "__init__.py").write_text("import numpy_like\n\n\nnumpy_like.sum()")
    (packages / "numpy_like.py").write_text("def sum():\n    raise ValueError('shapes')\n")
    monkeypatch.syspath_prepend(str(packages))
    monkeypatch.setattr(calling, "PACKAGES", (*calling.PACKAGES, "tests"))
    with pytest.raises(ContractError, match=r"\(.*/their_rules/__init__.py, line 4\), must name"):
        CLOCK.load("their_rules:Newest")
    assert "their_rules" not in sys.modules


def test_an_error_of_our_own_has_no_line_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "PACKAGES", (*calling.PACKAGES, "tests"))
    with pytest.raises(KeyError) as raised:
        raise KeyError("ours")
    assert told(raised.value) == "KeyError('ours')"


def test_a_violation_reads_place_found_and_wanted() -> None:
    assert str(Violation("fit()", "None", "learn")) == "fit() == None, must learn"


def test_what_raised_is_told_with_its_error_and_line() -> None:
    try:
        [].pop()
    except IndexError as error:
        violation = Violation.raised("fit()", error, "learn")
    assert violation.found.startswith(
        "IndexError('pop from empty list') (tests/simulator/test_plugins"
    )
    assert str(violation).endswith(" raised, must learn")
