"""Headroom: what the best possible recall and ranking would add, and the luck of training."""

from experiments.records.interval import Interval
from experiments.records.reading import rows_of
from experiments.records.run import Run
from experiments.records.truth import Headroom, Truth
from experiments.report.kit.colours import arm_class, arm_name, legend
from experiments.report.kit.digits import (
    ABSENT,
    beside,
    between,
    change_words,
    fixed,
    number,
    percent,
    share_words,
)
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, figure, folded, note
from experiments.report.kit.scales import growths
from experiments.report.kit.sentences import meaning
from experiments.report.kit.tables import Table
from experiments.report.run.truths.segments import segment_name

LANES = {
    "recall": ("mark-truth a1", "perfect recall, the arm's own ranker"),
    "pool": ("mark-plain a1", "what the arm finds, in a perfect order"),
}
EVENTS = {"gmv": "GMV", "purchase": "orders"}


def headroom(run: Run) -> Content | None:
    """What an oracle would add to each arm's pages; None where nothing was weighed."""
    if run.truths is None or not run.truths.headroom:
        return None
    event = "purchase" if run.metrics.primary != "gmv" else "gmv"
    lead = (
        f"What {EVENTS[event]} a page would bring in expectation, were it made by an oracle that "
        "knows what each shopper would buy. Perfect recall hands the best items of the catalogue "
        "to the arm's own ranker; a perfect order sorts what the arm's channels found. Where "
        "perfect recall adds little, no channel can show a lift."
    )
    plots = [_plot(run, arm, event) for arm in run.arms]
    rooms = run.truths.headroom
    size = max(row.requests for row in rooms)
    told = (
        f"About {number(size)} searches of each arm were weighed; intervals are over shoppers. An "
        "oracle sorts items by their own worth, not by the best combination of a page."
    )
    return lead, legend(*LANES.values()), *plots, note(told), _luck(run)


def _plot(run: Run, arm: str, event: str) -> Html | None:
    """One arm's headroom: over all searches, by frequency and by wording."""
    rows = rows_of(run.truths.headroom, arm=arm, event=event) if run.truths else []
    if not rows:
        return None
    drawn = [_row(run, each) for each in rows]
    picture = forest(drawn, growths(spans(drawn)))
    numbers = Table.of(
        f"Headroom of {arm}, in {EVENTS[event]}",
        rows,
        ("Searches", segment_name),
        ("Weighed", lambda row: number(row.requests)),
        (("Kept by the pre-ranker, perfect order", "Interval"), lambda row: change_words(row.kept)),
        (("All that was found, perfect order", "Interval"), lambda row: change_words(row.pool)),
        (("Perfect recall, own ranker", "Interval"), lambda row: change_words(row.recall)),
        (("Perfect recall and order", "Interval"), lambda row: change_words(row.catalogue)),
    )
    described = f"Forest plot: what an oracle would add to the pages of {arm}"
    parts = figure(picture, numbers, described), *_scarce(run, arm)
    return tag("div", tag("h3", arm_name(run.arms, arm)), *parts)


def _scarce(run: Run, arm: str) -> tuple[Html, ...]:
    """How scarce recall is in an arm, in words and by part."""
    rows = rows_of(run.truths.scarcity, arm=arm) if run.truths else []
    whole = run.truths.scarce(arm) if run.truths else None
    if whole is None or whole.pressure.estimate is None:
        return ()
    can = "cannot" if whole.pressure.estimate > 1 else "could"
    told = (
        f"Recall pressure {fixed(whole.pressure.estimate, 1)}: a search has "
        f"{fixed(whole.relevant, 0)} relevant items on average, and one channel may return "
        f"{number(whole.limit)}, so one alone {can} return them all. "
        f"{percent(whole.unseen.estimate, 0)} of the first queries had never been asked before in "
        "just these words."
    )
    table = Table.of(
        f"Recall pressure of {arm}: relevant items over what one channel may return",
        rows,
        ("Searches", segment_name),
        ("Weighed", lambda row: number(row.requests)),
        ("Relevant items", lambda row: number(row.relevant, 0)),
        (("Recall pressure", "Interval"), lambda row: _ratio_words(row.pressure)),
        (("Found by all channels", "Interval"), lambda row: share_words(row.found)),
        (("Never asked before", "Interval"), lambda row: share_words(row.unseen)),
    )
    return note(told), folded(table, "Recall pressure by frequency and wording")


def _ratio_words(interval: Interval) -> tuple[str, str]:
    return fixed(interval.estimate, 2), between(interval, 2)


def _row(run: Run, row: Headroom) -> Row:
    lanes = []
    for name, (mark, meant) in LANES.items():
        span: Interval = getattr(row, name)
        told = f"{meant} {beside(*change_words(span))}"
        lanes.append(Lane(span, *change_words(span), mark.split()[0], name, told=told))
    return Row(segment_name(row), lanes, arm_class(run.arms, row.arm), row.cut == "all")


def _luck(run: Run) -> Table | None:
    """What another training of each model moves, beside what each effect is known to."""
    if run.truths is None or not run.truths.refits:
        return None
    truths = {row.metric: row for row in run.truths.truth}

    def known(metric: str) -> str:
        truth: Truth | None = truths.get(metric)
        known = truth.resolution if truth else None
        return ABSENT if known is None else f"\u00b1{percent(known, 2)}"

    return Table.of(
        "Training luck: a model against another training of it (an A/A)",
        run.truths.refits,
        ("Metric", lambda row: meaning(row.metric).label),
        ("Model", lambda row: f"{row.model} of {row.arm}"),
        (("The other training adds", "Interval"), lambda row: change_words(row.relative)),
        ("An effect is known to", lambda row: known(row.metric)),
        names=2,
    )
