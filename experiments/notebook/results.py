"""The results in a folder: what was found as data frames, the log with names, and all in words."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.inference.agreement import Agreement, agreements
from experiments.notebook.apart import Apart
from experiments.notebook.changed import Change, changes
from experiments.notebook.frames import frame
from experiments.notebook.logtables import As, given_as, items_table, log_table
from experiments.notebook.shown import Picture, drawn, summary_of
from experiments.records.attribution import (
    AttributionRecord,
    CreditRow,
    FateRow,
    InteractionRow,
    ValueRow,
)
from experiments.records.experiment.power import CurvePoint, Need, PowerRecord
from experiments.records.files import CONFIG
from experiments.records.ids import Cost, Gain, IdsRecord, Measured
from experiments.records.manifest import RunManifest
from experiments.records.metrics import Daily, Estimate, FunnelCount, Latency, Metrics, SampleRatio
from experiments.records.reading import AnyRecord, Record, read_record, row_of
from experiments.records.rewards import Contrast as PolicyContrast, Offline, Online, RewardsRecord
from experiments.records.sweep import CellDifference, CellLift, CellRoom, CellRow, SweepRecord
from experiments.records.truth import Headroom, Scarcity, SegmentLift, Truth, Truths
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.summary import Summary
from experiments.report.kit.tables import Table
from experiments.running.models import CATALOG, LOG, load_saved
from experiments.stages.finished import finished_stage
from experiments.stages.folder import STAGES
from simulator.catalogue.catalog import Catalog
from simulator.errors import StoreError

EVERYTHING = "all"
"""The cut of a record's rows that are not of a segment."""

KINDS: tuple[type[Record], ...] = (Metrics, SweepRecord, IdsRecord, RewardsRecord)
"""What a folder may be of; the first that is there is what it shows."""


class Results(Apart):
    """What is in the folder of a run, a sweep, an id bench or a reward lab.

    Frames have flat columns, see `frames.frame`: estimates and truths merge by `metric`,
    `control_arm` and `treatment_arm`. A frame of what the folder does not hold raises a StoreError
    that names the command which makes it. In a notebook it shows its findings.

    Attributes:
        folder: where the results are.

    Example:
        Estimates beside the truth::

            run = funnelab.open_run("runs/demo")
            key = ["metric", "control_arm", "treatment_arm"]
            run.estimates.merge(run.truth, on=key, suffixes=("", "_true"))
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._read: dict[type[Record], Record] = {}

    @property
    def name(self) -> str:
        """Of the experiment."""
        return str(self._main.name)

    @cached_property
    def config(self) -> Config:
        """All settings.

        Raises:
            StoreError, ConfigError: there is no config.toml, or it is of another version.
        """
        if not (self.folder / CONFIG).is_file():
            raise StoreError(f"{self.folder} has no {CONFIG}, must have it: each cell has its own")
        return load_config(str(self.folder / CONFIG))

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """What the A/B test estimates: a row for each metric and contrast, with CUPED and without.

        `effect` is treatment minus control, `relative` its growth; each with the ends of its
        interval.
        """
        return frame(Estimate, self._of(Metrics).estimates)

    @cached_property
    def daily(self) -> pd.DataFrame:
        """The effect as the days add up: up to and including each day."""
        return frame(Daily, self._of(Metrics).daily)

    @cached_property
    def sample_ratios(self) -> pd.DataFrame:
        """Whether arms are as large as planned."""
        return frame(SampleRatio, self._of(Metrics).srm)

    @cached_property
    def funnel(self) -> pd.DataFrame:
        """How many items pass each stage of the funnel, by arm."""
        return frame(FunnelCount, self._of(Metrics).funnel)

    @cached_property
    def latency(self) -> pd.DataFrame:
        """How late pages are, by arm (seconds)."""
        return frame(Latency, self._of(Metrics).latency)

    @cached_property
    def service(self) -> pd.DataFrame:
        """How arms differ in the funnel, in latency and in why sessions end, with intervals."""
        return frame(Estimate, self._of(Metrics).service)

    @cached_property
    def truth(self) -> pd.DataFrame:
        """The true effect of giving everybody the treatment, beside what the A/B test said of it.

        `relative` and its ends are the answer, `resolution` its half-width; `parts_` says by which
        way it comes about, `naive` is the test's effect and `covered` whether that held the truth.
        """
        return frame(Truth, self._of(Truths).truth)

    @cached_property
    def headroom(self) -> pd.DataFrame:
        """What the best recall could add, by arm, event and segment."""
        return frame(Headroom, self._of(Truths).headroom)

    @cached_property
    def scarcity(self) -> pd.DataFrame:
        """Recall pressure: relevant items over what a channel may return, by arm and segment."""
        return frame(Scarcity, self._of(Truths).scarcity)

    @cached_property
    def segments(self) -> pd.DataFrame:
        """The true effect by kind of search: how common its text is, and its wording."""
        return frame(SegmentLift, self._of(Truths).segments)

    @cached_property
    def credit(self) -> pd.DataFrame:
        """What each rule credits each channel with, by event, arm and segment."""
        return frame(CreditRow, self._of(AttributionRecord).credits)

    @cached_property
    def shares(self) -> pd.DataFrame:
        """The same of everything together: each channel's part, by rule, event and arm."""
        whole = self.credit[self.credit["cut"] == EVERYTHING]
        return whole.drop(columns=["cut", "part"]).reset_index(drop=True)

    @cached_property
    def contributions(self) -> pd.DataFrame:
        """What each channel adds, by replay or in worlds without it (`funnelab attribute`)."""
        return frame(ValueRow, self._of(AttributionRecord).values)

    @cached_property
    def interactions(self) -> pd.DataFrame:
        """What two channels are worth together beyond what each is (`funnelab attribute`)."""
        return frame(InteractionRow, self._of(AttributionRecord).interactions)

    @cached_property
    def fates(self) -> pd.DataFrame:
        """Where purchases credited to a channel would go without it (`funnelab attribute`)."""
        return frame(FateRow, self._of(AttributionRecord).fates)

    @cached_property
    def needs(self) -> pd.DataFrame:
        """What a real test needs: shoppers and days, with CUPED and without (`funnelab power`)."""
        return frame(Need, self._of(PowerRecord).needs)

    @cached_property
    def least_effects(self) -> pd.DataFrame:
        """The least effect that a real test finds, by method and day (`funnelab power`)."""
        return frame(CurvePoint, self._of(PowerRecord).curve)

    @cached_property
    def ids(self) -> pd.DataFrame:
        """What each scheme of an id bench finds, by beam and measure."""
        return frame(Measured, self._of(IdsRecord).measured)

    @cached_property
    def id_gains(self) -> pd.DataFrame:
        """By how much each scheme finds more than the baseline."""
        return frame(Gain, self._of(IdsRecord).gains)

    @cached_property
    def id_costs(self) -> pd.DataFrame:
        """What finding as much as the baseline costs each scheme."""
        return frame(Cost, self._of(IdsRecord).costs)

    @cached_property
    def rewards(self) -> pd.DataFrame:
        """What each policy of a reward lab brings online, by metric."""
        return frame(Online, self._of(RewardsRecord).online)

    @cached_property
    def rewards_offline(self) -> pd.DataFrame:
        """What each policy of a reward lab reaches offline, by measure."""
        return frame(Offline, self._of(RewardsRecord).offline)

    @cached_property
    def reward_contrasts(self) -> pd.DataFrame:
        """Policies of a reward lab against each other."""
        return frame(PolicyContrast, self._of(RewardsRecord).contrasts)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """The cells of a sweep: what was set in each, and how it went.

        Each swept setting is a column by its key.
        """
        record = self._of(SweepRecord)
        made = frame(CellRow, record.cells)
        for at, key in enumerate(record.keys):
            made[key] = [cell.values[at] for cell in record.cells]
        return made

    def cell(self, name: str) -> "Results":
        """The run of one cell of a sweep, by its `name` in `cells`.

        Raises:
            StoreError: the sweep has no such cell, or it has not been run to its end.
        """
        found = row_of(self._of(SweepRecord).cells, name=name)
        if found is None:
            names = ", ".join(cell.name for cell in self._of(SweepRecord).cells)
            raise StoreError(f"cell == {name!r}, must be one of: {names}")
        return open_run(self.folder / found.folder)

    @cached_property
    def lifts(self) -> pd.DataFrame:
        """The true lift of each cell of a sweep, with the settings of the cell."""
        settings = self.cells[["name", *self._of(SweepRecord).keys]]
        lifts = frame(CellLift, self._of(SweepRecord).lifts)
        return lifts.merge(settings.rename(columns={"name": "cell"}), on="cell", how="left")

    @cached_property
    def rooms(self) -> pd.DataFrame:
        """Headroom and recall pressure of each cell of a sweep."""
        return frame(CellRoom, self._of(SweepRecord).rooms)

    @cached_property
    def differences(self) -> pd.DataFrame:
        """Lifts of the cells of a sweep against that of the first one."""
        return frame(CellDifference, self._of(SweepRecord).differences)

    def requests(self, as_: As = "pandas") -> Any:
        """The pages that were asked for: a row each, with arm, text and device by name.

        Args:
            as_: `pandas` or `arrow`.
        """
        return self._table("requests", as_)

    def exposures(self, as_: As = "pandas") -> Any:
        """The items that were shown: a row each, with the shop's own id and title of the item.

        `found_by_<channel>` says for each channel whether it had found the item.
        """
        return self._table("exposures", as_)

    def orders(self, as_: As = "pandas") -> Any:
        """The items that were bought, in the same way."""
        return self._table("orders", as_)

    def items(self, as_: As = "pandas") -> Any:
        """The catalogue: number, the shop's own id, title, brand, category and list price."""
        return given_as(items_table(self.catalog), as_)

    def compare(self, other: "Results") -> pd.DataFrame:
        """Whether another run of the same experiment says the same: a row for each true effect."""
        confidence = self._of(Metrics).confidence
        rows = agreements(self._of(Truths), other._of(Truths), confidence=confidence)
        agrees = pd.array([row.agrees for row in rows], dtype="boolean")
        return frame(Agreement, rows).assign(agrees=agrees)

    def changed(self, other: "Results") -> pd.DataFrame:
        """What sets another run apart from this one: settings, versions and machine."""
        return frame(Change, changes(self.folder, other.folder))

    @cached_property
    def pictures(self) -> dict[str, Picture]:
        """The sections of the page by their anchors, each of which shows itself in a notebook."""
        return drawn(self._main, self.folder)

    @property
    def prose(self) -> str:
        """What was found, in sentences."""
        return " ".join(text.plain for text in self.summary.said)

    def to_markdown(self) -> str:
        """The same, and the tables of it."""
        tables = (table.markdown for table in self.summary.tables)
        return "\n\n".join([f"## {self.name}", self.prose, *tables]) + "\n"

    def __str__(self) -> str:
        return self.prose

    def __repr__(self) -> str:
        return f"Results({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        """In a notebook: what `to_markdown` has."""
        shown: list[Html | Table] = [tag("h3", self.name), tag("p", self.prose)]
        return str(tag("div", *shown, *self.summary.tables))

    @cached_property
    def _main(self) -> Any:
        kind = next(kind for kind in KINDS if (self.folder / kind.FILE).is_file())
        return self._of(kind)

    @cached_property
    def summary(self) -> Summary:
        """The tables and sentences that the command prints."""
        return summary_of(self._main, self.folder)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue of the run, as the simulator has it.

        Raises:
            StoreError: its stage is of another version, or not as it was written.
        """
        place = finished_stage(self.folder, "catalogue")
        catalog = load_saved(place / CATALOG, self.config)
        assert isinstance(catalog, Catalog)
        return catalog

    def _table(self, name: str, as_: As) -> Any:
        self._of(Metrics)  # says what is missing where there is no run
        return log_table(self.folder / LOG, name, self.catalog, as_)

    def _of(self, kind: type[AnyRecord]) -> AnyRecord:
        """A record of the folder, read once.

        Raises:
            StoreError: there is none.
            DataError: it is of another version.
        """
        if kind not in self._read:
            if not (self.folder / kind.FILE).is_file():
                why = f", with {kind.WITH}" if kind.WITH else ""
                made = f"`{kind.COMMAND}` makes it{why}"
                raise StoreError(f"{self.folder} has no {kind.FILE}, must have it: {made}")
            self._read[kind] = read_record(kind, self.folder)
        found = self._read[kind]
        assert isinstance(found, kind)
        return found


def open_run(folder: Path | str) -> Results:
    """Open the folder of a finished run, sweep, id bench or reward lab.

    Args:
        folder: such as `runs/demo`.

    Raises:
        StoreError: there is no such folder, no results in it, or a run that is not finished.
        DataError: they are of another version.
    """
    place = Path(folder)
    if not place.is_dir():
        raise StoreError(f"{place} == no folder, must be that of a finished run")
    found = [kind for kind in KINDS if (place / kind.FILE).is_file()]
    if not found:
        begun = f": {_UNDER_WAY} finishes it" if (place / STAGES).is_dir() else ""
        raise StoreError(f"{place} has no results, must have {_one_of(KINDS)}{begun}")
    first = found[0]
    if first is not SweepRecord and not (place / RunManifest.FILE).is_file():
        raise StoreError(
            f"{place} has no {RunManifest.FILE}, must have it: {_UNDER_WAY} "
            f"(`{first.COMMAND}`) finishes it"
        )
    results = Results(place)
    _ = results.name  # of another version: said now
    return results


_UNDER_WAY = "it is being written or was stopped, and the same command"


def _one_of(kinds: Sequence[type[Record]]) -> str:
    return " or ".join(f"{kind.FILE} (`{kind.COMMAND}`)" for kind in kinds)
