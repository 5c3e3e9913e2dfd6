import io
from dataclasses import replace

from rich.console import Console

from experiments.report.power.summary import power_summary
from tests.experiments.report.power.fake_power import PLAIN, fake_power


def printed(record, width=80):
    stream = io.StringIO()
    Console(file=stream, width=width).print(power_summary(record))
    return stream.getvalue()


def test_the_terminal_tells_needs_days_simulated_tests_and_what_must_be_known():
    told = printed(fake_power())
    for word in ("What the test needs", "Least effect by day", "1,000 simulated tests"):
        assert word in told
    for number in ("7,882", "3,941", "34", "16%", "5.8%", "foretold", "72%"):
        assert number in told
    assert "Warning: Some <warning>." in told
    assert "Some <gap>." in told
    assert max(map(len, told.splitlines())) <= 80


def test_what_is_not_there_has_no_table():
    record = fake_power(simulated=(), effect=None, running=None)
    told = printed(replace(record, needs=(replace(PLAIN, units=None, power=None),)))
    assert "simulated" not in told
    assert "shoppers  an arm" not in told
    assert "left" not in told
