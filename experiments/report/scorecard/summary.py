"""What a scorecard says, in the terminal."""

from pathlib import Path

from rich.text import Text

from experiments.records.experiment.scorecard import Scorecard
from experiments.report.kit.digits import p_value
from experiments.report.kit.summary import Summary
from experiments.report.kit.tables import Table
from experiments.report.scorecard.words import ROLES, growth, headline, level, told

_STYLES = {"launch": "bold green", "test online": "bold", "hold": "bold red"}


def effects(card: Scorecard) -> list[Table]:
    """A table of each treatment: every metric, and what was found."""
    return [
        Table.of(
            f"{contrast[1]} against {contrast[0]}",
            [card.deciding(each.name, contrast) for each in card.metrics],
            ("metric", lambda row: row.metric),
            ("role", lambda row: ROLES[card.metric(row.metric).role]),
            ("control", lambda row: level(card.metric(row.metric), row.control)),
            ("treatment", lambda row: level(card.metric(row.metric), row.treatment)),
            ("relative", lambda row: growth(row.relative)),
            ("p, corrected", lambda row: p_value(row.p_adjusted)),
            ("finding", lambda row: told(row, card.metric(row.metric), card.confidence)),
        )
        for contrast in card.contrasts
    ]


def scorecard_summary(card: Scorecard, report: Path | None = None) -> Summary:
    """Tables of the effects, what was left out of the log, and what to do."""
    said = [Text(f"! {each}", "yellow") for each in card.remarks]
    for verdict in card.verdicts:
        said.append(Text(headline(card, verdict), _STYLES[verdict.label]))
        said.append(Text(f"{'; '.join(verdict.reasons)}."))
    return Summary(effects(card), said, report)
