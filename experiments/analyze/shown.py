"""A scorecard as it shows itself: in words, in a notebook, in Markdown."""

from dataclasses import fields

from experiments.records.experiment.scorecard import Scorecard
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.tables import Table
from experiments.report.scorecard.page import render
from experiments.report.scorecard.summary import effects
from experiments.report.scorecard.words import headline


class Analysis(Scorecard):
    """What an experiment says, as `experiments.records.experiment.scorecard.Scorecard` has it."""

    @classmethod
    def of(cls, card: Scorecard) -> "Analysis":
        """A scorecard that shows itself."""
        return cls(**{each.name: getattr(card, each.name) for each in fields(card)})

    @property
    def prose(self) -> str:
        """What to do and why, and what must be known of the log: a sentence or two of each."""
        told = []
        for verdict in self.verdicts:
            told += [headline(self, verdict), f"{_begun('; '.join(verdict.reasons))}."]
        return " ".join([*told, *(f"{_begun(each)}." for each in self.remarks)])

    def __str__(self) -> str:
        return self.prose

    def to_markdown(self) -> str:
        """The same, and below it a table of effects for each treatment."""
        parts = [f"## {self.name}", self.prose, *(table.markdown for table in effects(self))]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """The whole page, as `funnelab analyze` writes it."""
        return render(self)

    def _repr_html_(self) -> str:
        """In a notebook: what `to_markdown` has."""
        shown: list[Html | Table] = [tag("h3", self.name), tag("p", self.prose), *effects(self)]
        return str(tag("div", *shown))


def _begun(words: str) -> str:
    """With a capital at its beginning."""
    return words[:1].upper() + words[1:]
