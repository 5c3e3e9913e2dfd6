"""From a table of units to a scorecard."""

import duckdb

from experiments.analyze.course import looks, trends
from experiments.analyze.facts import Facts
from experiments.analyze.judging import beliefs, verdicts
from experiments.analyze.lasting import lasting
from experiments.analyze.parts import arm_sizes, balanced, doubts, interactions, segmented, tails
from experiments.analyze.reading.logunits import LogUnits
from experiments.analyze.settings import LogSpec
from experiments.analyze.ways import rows_of
from experiments.records.experiment.scorecard import CardMetric, Scorecard


def score(
    connection: duckdb.DuckDBPyConnection, units: LogUnits, spec: LogSpec, *, name: str, source: str
) -> Scorecard:
    """The scorecard of the units in a connection.

    Args:
        connection: with the table that `build_units` has made.
        units: what it returned.
        spec: what the log holds, and what its metrics are for.
        name: of the experiment.
        source: where it came from, for the record.
    """
    facts = Facts(connection, units, spec)
    srm, concentrated, rows = arm_sizes(facts), tuple(tails(facts)), rows_of(facts)
    before, said = balanced(facts)
    failed = doubts(srm, said)
    segments, differences = segmented(facts)
    return Scorecard(
        name=name,
        source=source,
        unit=spec.unit,
        control=units.arms[0],
        arms=units.arms,
        confidence=spec.confidence,
        metrics=tuple(_metric(facts, each) for each in facts.metrics),
        rows=rows,
        verdicts=tuple(verdicts(facts, rows, concentrated, failed)),
        srm=(srm,),
        tails=concentrated,
        beliefs=tuple(beliefs(facts, rows)),
        segments=segments,
        differences=differences,
        balance=before,
        looks=tuple(looks(facts)),
        trends=tuple(trends(facts)),
        interactions=tuple(interactions(facts)),
        lasting=tuple(lasting(facts)),
        remarks=(*failed, *units.remarks),
    )


def _metric(facts: Facts, name: str) -> CardMetric:
    metric = facts.metrics[name]
    return CardMetric(
        name=name,
        unit=metric.unit,
        share=metric.share,
        better=metric.better,
        role=facts.roles[name],
        margin=metric.margin,
    )
