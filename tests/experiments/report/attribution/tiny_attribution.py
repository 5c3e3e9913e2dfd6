"""Small records of attribution, and what a part of a page says."""

from dataclasses import replace

from experiments.records.attribution import CreditRow, ValueRow
from experiments.records.interval import Interval
from experiments.report.attribution.lookup import Lookup
from tests.experiments.report.fake_attribution import fake_attribution
from tests.experiments.report.run.test_page import Page

FULL = fake_attribution()


def text_of(part):
    return Page(part).text.replace("\u202f", " ").replace("\u2212", "-").replace("\u2019", "'")


def lookup_of(record):
    return Lookup(record, record.channels)


def tiny(**changes):
    """One arm with channels a and b, and nothing but what is given."""
    empty = dict.fromkeys(
        ("credits", "joint", "steps", "sets", "values", "interactions", "coalitions", "fates",
         "differences", "studies", "warnings", "off_policy"),
        (),
    )  # fmt: skip
    arms = {"t": ("a", "b")}
    known = {"name": "x", "arm": "t", "channels": ("a", "b"), "arms": arms, "order": ("a", "b")}
    return replace(FULL, **known, **(empty | changes))


def credit(rule, channel, share, low=None, high=None, event="purchase"):
    told = Interval(share, low, high)
    return CreditRow(rule, channel, event, "t", "all", "", share * 100, 100, told, 90)


def value(share, low, high, method="worlds", channel="a"):
    told = Interval(share, low, high)
    return ValueRow(
        method, "leave_one_out", channel, "gmv", "t", told, told, told, 0.1, 0.0, 2, 100
    )
