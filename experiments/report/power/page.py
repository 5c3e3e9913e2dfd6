"""The page of a plan: one self-contained HTML file, written from power.json alone."""

from functools import partial

from experiments.records.experiment.power import Need, PowerRecord
from experiments.records.reading import read_record
from experiments.report.kit.digits import number, percent, sureness
from experiments.report.kit.markup import tag
from experiments.report.kit.page import (
    Content,
    Part,
    facts,
    listing,
    note,
    page,
    sections,
    verdict,
    writer,
)
from experiments.report.kit.sentences import counted
from experiments.report.kit.tables import Table
from experiments.report.power.pictures import growth, least_by_day, simulated
from experiments.report.power.words import (
    METHODS,
    absolute,
    an_arm,
    headline,
    kind,
    noun,
    part,
    size,
    whole,
)

_SOURCES = {"run": "from the log of a run", "log": "from a log", "numbers": "from numbers"}


def render(record: PowerRecord) -> str:
    """The whole page."""
    badge, sentence, tone = headline(record)
    told = verdict(badge, tag("p", sentence, cls="sentence"), record.warnings, tone)
    setting = [
        noun(record),
        f"{counted(len(record.arms), 'arm')} of {_shares(record)}",
        f"{sureness(record.confidence)} confidence",
        _SOURCES[record.source],
    ]
    return page(record.name, "funnelab power", told, setting, sections(PARTS, record), style="")


def _shares(record: PowerRecord) -> str:
    shares = [part(share, 3) for share in record.shares]
    told = shares[0] + " each" if len(set(shares)) == 1 else ", ".join(shares)
    return told if record.traffic == 1 else f"{told} of {part(record.traffic)} of the shoppers"


def needs(record: PowerRecord) -> Content:
    """What the test needs by each method."""
    timed = record.accrued[-1].units > 0
    needs_units = record.effect is not None or record.margin is not None

    def cells(need: Need) -> list[object]:
        told: list[object] = [METHODS[need.method], part(need.explained)]
        if needs_units:
            told += [whole(need.units), an_arm(need)]
            told += [whole(need.days_needed)] if timed else []
            told += [whole(need.days_left)] if record.running is not None else []
        if timed:
            told += [size(record, need.least), absolute(record, need.least)]
            told += [part(need.power)] if need.power is not None else []
        return told

    head: list[object] = ["Method", "Taken away"]
    if needs_units:
        head += ["Shoppers needed", "an arm"]
        head += ["Days needed"] if timed else []
        head += ["Days left"] if record.running is not None else []
    if timed:
        head += [kind(record), "in its unit"]
        head += ["Power"] if record.needs[0].power is not None else []
    days = counted(record.days, "day")
    lead = (
        f"So many shoppers are needed if each is followed for {days}; if they are followed longer, "
        "fewer are enough. Taken away: the part of the variance between shoppers that a method "
        "explains."
    )
    caption = f"What the test needs, and what it finds after {days}" if timed else "What it needs"
    table = Table(caption, head, [cells(need) for need in record.needs])
    return (lead, table) if timed and needs_units else (table,)


def tails(record: PowerRecord) -> Content:
    """How few shoppers the metric hangs on; None without a log."""
    if record.tails is None:
        return None
    found = record.tails
    told = facts(
        {
            "Shoppers": whole(found.units),
            "Who count": whole(found.counting),
            "As uncertain as so many equal ones": whole(found.effective),
            "Held by the top hundredth": percent(found.top),
            "Skewness of a shopper": number(found.skewness),
            "Shoppers of an arm for a normal mean": whole(found.units_for_normal or None),
        }
    )
    lead = "A metric that hangs on few shoppers has a variance that is hardly known."
    return lead, told, note(_TAILS)


_TAILS = (
    "The effective number is the square of the sum over the sum of squares. Shoppers for a normal "
    "mean: 355 times the skewness squared, where it is above 1 (Kohavi and others, KDD 2014)."
)


def method(record: PowerRecord) -> Content:
    """What must be known of how it was planned."""
    shared = (
        f"The level is shared among {counted(record.comparisons, 'comparison')}: each has a chance "
        f"of {part(record.false_positives, 3)} of a false positive."
        if record.comparisons > 1
        else f"A false positive has a chance of {part(record.false_positives, 3)}."
    )
    told = (
        "The test is the one that `funnelab run` makes: Welch's, with Student's law, on shoppers; "
        "ratios by the delta method. Power follows the noncentral law of its statistic, with one "
        "variance for both arms.",
        shared,
        "A relative effect is held against the level of the day. What a shopper does adds up, so "
        "levels and variances grow with the days.",
        "The effect is one that was chosen before the test. What was found in it tells nothing of "
        "its power.",
    )
    return [listing(record.missing), *(note(each) for each in told)]


PARTS: tuple[Part[PowerRecord], ...] = (
    ("needs", "What it needs", "What the test needs", needs),
    ("curve", "By day", "What is found after each day", least_by_day),
    ("simulated", "Simulated tests", "What simulated tests find", simulated),
    ("growth", "Shoppers", "How shoppers accrue", growth),
    ("tails", "Few shoppers", "Whether few shoppers decide", tails),
    ("method", "How it was planned", "How it was planned, and what cannot be told", method),
)

write_report = writer("power.html", partial(read_record, PowerRecord), render)
"""Write the page of a plan, from power.json."""
