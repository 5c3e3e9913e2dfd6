"""What channels find by several truths: their order, and how sure it is."""

from experiments.records.reading import grouped
from experiments.records.validity import ChannelRecall, Validity
from experiments.report.kit.digits import (
    ABSENT,
    THIN,
    fixed,
    number,
    percent,
    points,
    share_words,
    spoken,
)
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, figure, note, panels
from experiments.report.kit.scales import Axis, bounded, decimal, percents
from experiments.report.kit.tables import Table

TRUTHS = {
    "match": "What matches the need",
    "worth": "What the very shopper values most",
    "worth_without_tastes": "The same, without tastes",
    "permuted": "The truth given to other items",
    "grades": "Human grades",
}
MEASURES = {"recall": "recall", "ndcg_at_10": "NDCG@10"}
_TOP = 1.0


def recalls(record: Validity) -> Content:
    """A forest of the channels for each truth, best first; None where none was asked."""
    if not record.recalls:
        return None
    lead = (
        "How much of what is relevant each channel finds when it is asked apart from any funnel, "
        "the best first, beside as many items drawn at random (diamond). A market that favours a "
        "channel gives it a place that it does not have by human grades."
    )
    groups = grouped(record.recalls, lambda row: (row.truth, row.measure))
    pictures = panels(
        *(
            (f"{TRUTHS[truth]}: {MEASURES[measure]}", _forest(rows))
            for (truth, measure), rows in groups.items()
        )
    )
    table = Table.of(
        "Channels by what they find",
        record.recalls,
        ("Truth", lambda row: TRUTHS[row.truth]),
        ("Measure", lambda row: MEASURES[row.measure]),
        ("Place", lambda row: str(row.place)),
        ("Channel", lambda row: row.channel),
        (("Found", "Interval"), _words),
        ("At random", lambda row: _size(row, row.random)),
        ("At random in its categories", lambda row: _size(row, row.random_in_category)),
        ("Over the next", _over),
        ("Judged of the first 10", lambda row: percent(row.judged_at_10)),
        ("Requests", lambda row: number(row.n)),
        names=4,
    )
    return lead, figure(pictures, table, "Lanes: what each channel finds, by truth"), note(_NOTE)


_NOTE = (
    "Permuted: items keep all that is public and get each other's latent truth, several times; the "
    "interval is that of chance. Without tastes: only taste vectors and quality are given to other "
    "items. Grades: an item that nobody judged counts as irrelevant, which favours channels that "
    "find what was judged."
)


def _forest(rows: list[ChannelRecall]) -> Html:
    ndcg = rows[0].measure != "recall"
    drawn = [
        Row(
            join([row.channel, tag("small", _words(row)[1], cls="brief")]),
            [
                Lane(
                    row.found,
                    _words(row)[0],
                    _words(row)[1],
                    diamond=(row.random, f"at random: {_size(row, row.random)}"),
                )
            ],
            "inked",
        )
        for row in rows
    ]
    return forest(
        drawn, Axis(bounded(spans(drawn), 0.0, _TOP), decimal if ndcg else percents), "", "narrow"
    )


def _words(row: ChannelRecall) -> tuple[str, str]:
    """What was found, and its interval."""
    if row.measure == "recall":
        return share_words(row.found)
    return fixed(row.found.estimate, 3), spoken(row.found, lambda end: fixed(end, 3))


def _size(row: ChannelRecall, value: float | None) -> str:
    if value is None:
        return ABSENT
    if row.measure == "recall":
        return percent(value, 2 if value < 0.1 else 1)
    return fixed(value, 3)


def _over(row: ChannelRecall) -> str:
    if row.over_next.estimate is None:
        return ABSENT
    if row.measure == "recall":
        return points(row.over_next) + THIN
    size = fixed(row.over_next.estimate, 3, sign=True)
    return f"{size} ({spoken(row.over_next, lambda end: fixed(end, 3))})"
