"""The page of a validation: one self-contained HTML file, written from validity.json alone."""

from collections.abc import Callable
from functools import partial
from typing import Any

from experiments.records.reading import read_record
from experiments.records.validity import Check, Rung, Validity, Verdict
from experiments.report.kit.digits import number, p_value, sureness
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import (
    Content,
    Part,
    listing,
    note,
    page,
    sections,
    style_of,
    verdict,
    writer,
)
from experiments.report.kit.sentences import counted
from experiments.report.kit.tables import Table
from experiments.report.validity.favouritism import recalls
from experiments.report.validity.ownlog import foretelling, own_log, telling
from experiments.report.validity.past import past
from experiments.report.validity.pictures import concentration, positions
from experiments.report.validity.words import (
    RUNGS,
    found_words,
    headline,
    name_of,
    rung_words,
    shown,
    wanted_words,
    where,
)

_MARKS = {Verdict.PASS: "yes", Verdict.WARN: "unsure", Verdict.FAIL: "no", Verdict.UNTOLD: "untold"}


Column = tuple[str | tuple[str, ...] | Html, Callable[[Check], Any]]


def render(record: Validity) -> str:
    """The whole page."""
    fails, warns = (record.count(each) for each in (Verdict.FAIL, Verdict.WARN))
    badge = counted(fails, "failure") if fails else counted(warns, "warning") if warns else "Passed"
    told = verdict(
        badge,
        tag("p", headline(record), cls="sentence"),
        [
            f"{title.partition(':')[0]}: {rung_words(record, rung)}"
            for rung, title in RUNGS.items()
            if any(row.rung == rung for row in record.checks)
        ],
        "bad" if fails else "plain" if warns else "good",
    )
    setting = [counted(len(record.checks), "check"), f"{sureness(record.confidence)} intervals"]
    parts, style = sections(PARTS, record), style_of("experiments.report.validity")
    return page(record.name, "funnelab validation", told, setting, parts, style)


def _rung(rung: Rung, lead: str, record: Validity) -> Content:
    """The table of a rung; None where it was not climbed."""
    rows = shown(record, rung)
    if not rows:
        return None
    columns: list[Column] = [
        ("Verdict", lambda row: mark(row.verdict)),
        ("Fact", _fact),
        ("Of", where),
        (("Found", "p, corrected" if rung in TESTED else "Interval"), found_words),
        ("Wanted", wanted_words),
    ]
    if rung in ("ranges", "past_tests"):
        columns.append(("Source", lambda row: tag("span", row.source, cls="why")))
    if rung == "own_log":
        columns.append(("p, corrected", lambda row: p_value(row.p_holm)))
    columns.append(("Rests on", lambda row: number(row.n)))
    return lead, Table.of(RUNGS[rung], rows, *columns, names=3)


def mark(found: Verdict) -> Html:
    """A verdict in its colour."""
    word = "cannot be told" if found is Verdict.UNTOLD else found.value
    return tag("b", word, cls=_MARKS[found])


def _fact(check: Check) -> Html:
    note = tag("small", check.note) if check.note else None
    return tag("span", name_of(check), note, cls="why")


_LEADS: dict[Rung, str] = {
    "invariants": (
        "Rows of the logs that cannot be. Stock is told from the sales before, by the rule of "
        "restocking. One such row is a fault of the simulator, or of a log that was changed."
    ),
    "ranges": (
        "Figures of this market beside those of published shops. Inside: pass. The whole interval "
        "outside: fail, or a warning where no published figure stands behind the range. Across an "
        "end: a warning."
    ),
    "controls": (
        "What is settled before a shopper's first page cannot depend on the arm, and two halves of "
        "one arm cannot differ. p-values are corrected for their number (Holm): below 0.05 a "
        "warning, below 0.001 a failure."
    ),
    "favouritism": (
        "With the latent truth given to other items, nothing public tells of it: a channel whose "
        "recall is still beyond chance reads it behind the wall. p-values of permutation tests are "
        "corrected for the number of channels (Holm): below 0.05 a warning, below 0.001 a failure."
    ),
    "policy_shift": (
        "A click model fitted to the history foretells clicks of the arm whose pages differ most. "
        "What a result gains in bits over clicks by rank alone; above zero passes."
    ),
    "own_log": (
        "Quantities of the simulated history beside those of your log, and whether a classifier "
        "can tell from which of them an order is. A difference within chance passes (p-values "
        "corrected for their number, Holm); one beyond it is a warning, and a failure where it is "
        "certainly greater than the wanted size."
    ),
    "past_tests": (
        "Your past experiments beside what the simulator says of the same changes. No other check "
        "asks whether a simulated lift comes true. Both numbers of a test have errors, and the "
        "slope and the correlation count them."
    ),
}
TESTED: tuple[Rung, ...] = ("controls", "favouritism")
"""Rungs whose checks are tests of no difference."""


def method(record: Validity) -> Content:
    """What must be known before the numbers are believed."""
    told = (
        "Intervals are over shoppers, whose acts hang together. They tell how much another draw of "
        "shoppers would move a figure, not how much another seed of the catalogue would.",
        "A view is a click on a result; an order is what one session bought, at once or later; a "
        "search is one query with all its pages. Experiments are told of the control arm.",
        "The top items are those of this log: with few purchases an item, chance alone makes some "
        "look popular, here as in the published figures.",
        "That a market passes does not say that it is like your shop: only a log of your own can.",
    )
    return [listing(record.missing), *(note(each) for each in told)]


PARTS: tuple[Part[Validity], ...] = (
    *(
        (rung, title.partition(":")[0], title, partial(_rung, rung, _LEADS[rung]))
        for rung, title in RUNGS.items()
    ),
    ("recalls", "Channels by truth", "Channels by several truths", recalls),
    ("ownlog", "Beside your log", "Your own log beside the simulated one", own_log),
    ("telling", "What tells", "What tells the two logs apart", telling),
    ("foretelling", "Clicks foretold", "How well clicks are foretold", foretelling),
    ("past", "Found and simulated", "Effects found and simulated", past),
    ("positions", "Clicks by place", "Clicks by place", positions),
    ("concentration", "Concentration", "Purchases by item", concentration),
    ("method", "How it was checked", "How it was checked, and what was not", method),
)

write_report = writer("validity.html", partial(read_record, Validity), render)
"""Write the page of a validation, from validity.json."""
