"""The sweep's page: one self-contained HTML file, written from sweep.json alone."""

from functools import partial

from experiments.records.reading import read_record
from experiments.records.sweep import SweepRecord
from experiments.report.kit.digits import sureness
from experiments.report.kit.failed import told_failed
from experiments.report.kit.markup import tag
from experiments.report.kit.page import (
    Content,
    Part,
    alarm,
    note,
    page,
    sections,
    style_of,
    verdict,
    writer,
)
from experiments.report.kit.sentences import counted, listed, meaning
from experiments.report.sweep.cells import cells, rooms
from experiments.report.sweep.service import service
from experiments.report.sweep.surface import lift, others
from experiments.report.sweep.tornado import hangs_on, over
from experiments.report.sweep.verdict import further, headline, not_run
from experiments.report.sweep.words import is_numeric, many_valued, shown, values_of


def render(record: SweepRecord) -> str:
    """The whole page."""
    badge, sentence, tone = headline(record)
    stopped = [*not_run(record), *told_failed(record.failed), *record.warnings]
    failed = [alarm(each) for each in stopped]
    told = hangs_on(record) if record.assumptions else further(record)
    said = verdict(badge, tag("p", sentence, cls="sentence"), [*failed, *told], tone)
    sizes = [
        counted(len(record.cells), "world" if record.assumptions else "cell"),
        *([] if record.assumptions else (_swept(record, at) for at in many_valued(record))),
        f"seed {record.seed}",
    ]
    style = style_of("experiments.report.sweep")
    return page(record.name, "funnelab sweep", said, sizes, sections(PARTS, record), style)


def _swept(record: SweepRecord, at: int) -> str:
    values = values_of(record, at)
    if is_numeric(values) and len(values) > 2:
        told = f"{shown(values[0])} to {shown(values[-1])}"
    else:
        told = listed([shown(each) for each in values])
    return f"{record.keys[at]} {told}"


def _held(record: SweepRecord) -> str:
    """The sources of luck that intervals of lifts hold, and the one that they leave out."""
    held = "the luck of shoppers and of the worlds' state"
    alone = {row.metric for row in record.lifts if row.method == "realised" and row.seeds == 1}
    if alone:  # nothing tells the state of one realised pair of worlds
        some = listed([meaning(metric).noun for metric in sorted(alone)])
        whole = len(alone) == len(record.metrics)
        held = "the luck of shoppers alone" if whole else f"{held} (of {some}: of shoppers alone)"
    trained = {row.trainings > 1 for row in record.lifts}
    if trained == {True}:
        return f"{held}, and that of training: each pair of worlds has models of its own"
    where = " where cells have one training" if True in trained else ""
    return f"{held}, and leaves out other trainings of the models{where}"


def method(record: SweepRecord) -> Content:
    """What is paired, and what the numbers are."""
    alike = (
        "Every world is a run of its own, with a seed of its own: worlds differ by their settings "
        "and by all luck."
        if record.assumptions
        else "Every cell is a run of its own. Cells with the same seed are paired: a shopper has "
        "the same luck in them, as far as what they do there is the same. So such cells differ by "
        "their settings and not by who happened to come. Stages that cells have in common are made "
        "once."
    )
    told = (
        alike,
        "A lift is the true effect of giving everybody the treatment, over control's level in the "
        f"same cell. Its {sureness(record.confidence)} interval holds {_held(record)}.",
        "Above or below zero is what holds after Holm's correction for the number of cells of one "
        "metric. What cannot be told may be any of both: more pairs of worlds (truth.seeds) or "
        "shoppers make the half-width less.",
        "The line of lift 0 joins estimates between the middles of tiles; it is no more certain "
        "than they are.",
    )
    again = [tag("p", "To get the same sweep again:"), tag("pre", tag("code", record.command))]
    return [*(note(each) for each in told), *again]


PARTS: tuple[Part[SweepRecord], ...] = (
    ("over", "All worlds", "Over all worlds: {0.primary}", over),
    ("lift", "Lift", "True lift: {0.primary}", lift),
    ("others", "Other metrics", "Other metrics", others),
    ("service", "Latency", "Quality against latency", service),
    ("cells", "Cells", "The cells", cells),
    ("room", "Room for recall", "Room for recall", rooms),
    ("method", "How it was measured", "How it was measured", method),
)

write_report = writer("sweep.html", partial(read_record, SweepRecord), render)
"""Write the page of a sweep, from sweep.json."""
