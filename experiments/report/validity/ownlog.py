"""The user's own log beside the simulated one: what was left out, distributions, what tells."""

from experiments.records.interval import Interval
from experiments.records.reading import grouped, rows_of
from experiments.records.validity import (
    ClickPerplexity,
    OwnLogFacts,
    QuantilePair,
    TellingFeature,
    Validity,
)
from experiments.report.kit.colours import legend
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import beside, fixed, number, percent
from experiments.report.kit.forest import Lane, Row, forest
from experiments.report.kit.markup import Html
from experiments.report.kit.page import Content, figure, note, panels
from experiments.report.kit.scales import (
    Axis,
    LogScale,
    Scale,
    around,
    decimal,
    from_zero,
    percents,
    plain,
)
from experiments.report.kit.sentences import counted, plain_name
from experiments.report.kit.tables import Table

COLOURS = {"own": "a0", "simulated": "a1"}
_WIDE = 20.0  # greatest over least quantile from which an axis is logarithmic


def own_log(record: Validity) -> Content:
    """What was compared, and what was not; None without a log."""
    facts = record.own_log
    if facts is None:
        return None
    lead = (
        f"{counted(facts.days, 'day')} of the log from {facts.first_day} on "
        f"({counted(facts.orders, 'order')} of {counted(facts.shoppers, 'shopper')}) beside the "
        f"last as many of the simulated history ({counted(facts.simulated_orders, 'order')} of "
        f"{counted(facts.simulated_shoppers, 'shopper')})."
    )
    return (
        lead,
        _findings(facts),
        legend(*((f"stroke {colour}", f"{of} log") for of, colour in COLOURS.items())),
        _distributions(facts),
        note(
            "The distance is the greatest difference of the two curves. Its interval and p-value "
            "are of a bootstrap of whole shoppers."
        ),
    )


def _findings(facts: OwnLogFacts) -> Html | Table:
    if not facts.findings:
        return note("Nothing in the log had to be left out.")
    return Table.of(
        "What was found in the log, and what was done with it",
        facts.findings,
        ("Found", lambda row: row.what),
        ("Done", lambda row: row.handling),
        ("Which", lambda row: row.note),
        ("Rows", lambda row: number(row.rows)),
        names=3,
    )


def _distributions(facts: OwnLogFacts) -> Html:
    groups = grouped(facts.quantiles, lambda row: row.fact)
    pictures = panels(*((plain_name(fact), _curves(rows)) for fact, rows in groups.items()))
    table = Table.of(
        "Quantiles of both logs",
        facts.quantiles,
        ("Quantity", lambda row: plain_name(row.fact)),
        ("Quantile", lambda row: percent(row.share, 0)),
        ("Own", lambda row: number(row.own)),
        ("Simulated", lambda row: number(row.simulated)),
    )
    return figure(pictures, table, "Curves: distribution of each quantity in both logs")


def _curves(rows: list[QuantilePair]) -> Html:
    ends = [end for row in rows for end in (row.own, row.simulated)]
    wide = min(ends) > 0 and max(ends) > _WIDE * min(ends)
    across = Axis(LogScale(min(ends), max(ends)), plain) if wide else Axis(around(ends))
    curves = [
        Curve(
            colour,
            [
                Point(
                    getattr(row, of),
                    row.share,
                    f"{percent(row.share, 0)} are below {number(getattr(row, of))} ({of})",
                )
                for row in rows
            ],
        )
        for of, colour in COLOURS.items()
    ]
    return chart(curves, across, Axis(Scale(0.0, 1.0), percents))


def telling(record: Validity) -> Content:
    """What tells the two logs apart, feature by feature; None where nobody was asked."""
    facts = record.own_log
    if facts is None or not facts.telling:
        return None
    lead = (
        "The area under the curve of each feature of orders alone. 0.5: it tells nothing; above, "
        "it is greater in the simulated log, below, less. Beside it, how much of the area of the "
        "whole classifier is lost without the feature."
    )
    rows = [
        Row(
            plain_name(row.feature),
            [_lane(row)],
            "inked",
        )
        for row in facts.telling
    ]
    ends = [end for row in facts.telling for end in row.alone.numbers]
    picture = forest(rows, Axis(around([*ends, 0.5]), decimal), "", "narrow")
    table = Table.of(
        "What features tell",
        facts.telling,
        ("Feature", lambda row: plain_name(row.feature)),
        (("Area alone", "Interval"), lambda row: _area_words(row.alone)),
        ("Lost without it", lambda row: fixed(row.lost, 3)),
    )
    return lead, figure(picture, table, "Lanes: area under the curve of each feature")


def _lane(row: TellingFeature) -> Lane:
    lost, told = f"lost {fixed(row.lost, 3)}", beside(*_area_words(row.alone))
    return Lane(row.alone, fixed(row.alone.estimate, 3), lost, told=f"{told}, {lost}")


def _area_words(found: Interval) -> tuple[str, str]:
    low, high = found.ends or (None, None)
    return fixed(found.estimate, 3), f"{fixed(low, 3)} to {fixed(high, 3)}"


def foretelling(record: Validity) -> Content:
    """Perplexity of clicks by rank, of both logs; None without pages."""
    facts = record.own_log
    if facts is None or not facts.perplexities:
        return None
    lead = (
        "How well click models foretell clicks of pages that they have not learned from, each "
        "fitted to the log that it is asked about. 1 is perfect, 2 as good as a coin. Where "
        "shoppers of both logs look at pages alike, the curves of a model are alike."
    )
    models = list(dict.fromkeys(row.model for row in facts.perplexities))
    pictures = panels(
        *((model, _ranks(rows_of(facts.perplexities, model=model))) for model in models)
    )
    table = Table.of(
        "Perplexity of clicks",
        facts.perplexities,
        ("Model", lambda row: row.model),
        ("Log", lambda row: row.log),
        ("Perplexity", lambda row: fixed(row.perplexity, 3)),
        ("Top rank", lambda row: fixed(row.by_rank[0], 3)),
        ("Pages", lambda row: number(row.pages)),
        names=2,
    )
    return lead, figure(pictures, table, "Curves: perplexity of clicks by rank")


def _ranks(rows: list[ClickPerplexity]) -> Html:
    last = max(len(row.by_rank) for row in rows)
    ends = [each - 1 for row in rows for each in row.by_rank if each is not None]
    top = 1 + from_zero(ends).high
    curves = [
        Curve(
            COLOURS[row.log],
            [
                Point(rank, each, f"rank {rank}: {fixed(each, 3)} ({row.log})")
                for rank, each in enumerate(row.by_rank, 1)
                if each is not None
            ],
        )
        for row in rows
    ]
    return chart(curves, Axis(Scale(0.5, last + 0.5), name="rank"), Axis(Scale(1.0, top)))
