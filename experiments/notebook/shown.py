"""What results show of themselves: the summary of the command, and the sections of the page."""

from dataclasses import dataclass
from pathlib import Path

from experiments.records.ids import IdsRecord
from experiments.records.metrics import Metrics
from experiments.records.reading import Record, find_record
from experiments.records.rewards import RewardsRecord
from experiments.records.run import read_run
from experiments.records.sweep import SweepRecord
from experiments.records.truth import Truths
from experiments.report.ids.page import PARTS as IDS
from experiments.report.kit.markup import tag
from experiments.report.kit.page import Section, alone, sections, style_of
from experiments.report.kit.summary import Summary
from experiments.report.rewards.page import PARTS as REWARDS
from experiments.report.run.page import pictured
from experiments.report.sweep.page import PARTS as SWEEP
from experiments.report.sweep.terminal import sweep_summary
from experiments.report.terminal import ids_summary, rewards_summary, run_summary
from simulator.errors import DataError


@dataclass(frozen=True)
class Picture:
    """A section of a page, alone.

    Attributes:
        title: of the section.
        html: a whole page with nothing else; it needs no network and no other file.
    """

    title: str
    html: str

    def _repr_html_(self) -> str:
        """In a frame of its own, so that its style stays inside."""
        style = "width:100%;height:640px;border:0"
        return str(tag("iframe", srcdoc=self.html, title=self.title, style=style))


def summary_of(record: Record, folder: Path) -> Summary:
    """The tables and sentences that the command prints."""
    if isinstance(record, Metrics):
        return run_summary(record, find_record(Truths, folder))
    if isinstance(record, SweepRecord):
        return sweep_summary(record)
    if isinstance(record, IdsRecord):
        return ids_summary(record)
    if isinstance(record, RewardsRecord):
        return rewards_summary(record)
    raise DataError(f"{record.FILE} == no summary, must be of a run, a sweep or a bench")


def drawn(record: Record, folder: Path) -> dict[str, Picture]:
    """The sections of the page, by their anchors."""
    found, style = _sections(record, folder)
    return {each.key: Picture(each.label, alone(each.label, each, style)) for each in found}


def _sections(record: Record, folder: Path) -> tuple[list[Section], str]:
    """Sections, and the style that they need beyond the common one."""
    if isinstance(record, IdsRecord):
        return sections(IDS, record), style_of("experiments.report.ids")
    if isinstance(record, RewardsRecord):
        return sections(REWARDS, record), style_of("experiments.report.rewards")
    if isinstance(record, SweepRecord):
        return sections(SWEEP, record), style_of("experiments.report.sweep")
    return pictured(read_run(folder))
