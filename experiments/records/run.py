"""A finished run as the report sees it: the records in its folder, read once."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from experiments.records.apart.judges import JudgesRecord
from experiments.records.apart.stress import StressRecord
from experiments.records.apart.understanding import UnderstandingRecord
from experiments.records.attribution import AttributionRecord
from experiments.records.files import CONFIG, MANIFEST, read_json
from experiments.records.manifest import Failed, RunManifest
from experiments.records.metrics import Metrics
from experiments.records.reading import find_record, read_record
from experiments.records.truth import Truths


@dataclass(frozen=True)
class Run:
    """Everything that a report may show.

    Attributes:
        metrics: what the analysis found.
        truths: effects in paired worlds; None where the truth stage has not run.
        manifest: how the run was made; None where it is missing.
        config: the resolved configuration as text; None where it is missing.
        attribution: what channels are credited with and contribute; None where it was not asked.
        stress: how scorers stand requests of several conditions; None where it was not asked.
        judges: how well judges grade; None where there are none.
        understanding: how well catalogue steps fill; None where there are none.
    """

    metrics: Metrics
    truths: Truths | None = None
    manifest: RunManifest | None = None
    config: str | None = None
    attribution: AttributionRecord | None = None
    stress: StressRecord | None = None
    judges: JudgesRecord | None = None
    understanding: UnderstandingRecord | None = None

    @property
    def failed(self) -> tuple[Failed, ...]:
        """The parts that failed while it was made or attributed."""
        records = (self.manifest, self.attribution)
        return tuple(row for each in records if each is not None for row in each.failed)

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, the control of the first contrast first."""
        listed = [arm.name for arm in self.manifest.arms] if self.manifest else []
        contrasted = [name for contrast in self.metrics.contrasts for name in contrast]
        counted = [row.arm for row in self.metrics.funnel]
        first = contrasted[:1]
        return tuple(dict.fromkeys(first + listed + contrasted + counted))

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of the provenance bits."""
        listed = [channel.name for channel in self.manifest.channels] if self.manifest else []
        stages = [row.stage.partition("recalled:")[2] for row in self.metrics.funnel]
        credited = self.attribution.channels if self.attribution else ()
        return tuple(dict.fromkeys((*listed, *filter(None, stages), *credited)))


def read_run(folder: Path) -> Run:
    """The run in a folder. Only metrics.json is needed.

    Raises:
        StoreError: the folder has no metrics.json, or a file that is not whole.
        DataError: a file is of another version, or its keys are not those of its record.
    """
    config = folder / CONFIG
    return Run(
        metrics=read_record(Metrics, folder),
        truths=find_record(Truths, folder),
        manifest=find_record(RunManifest, folder),
        config=config.read_text(encoding="utf-8", errors="replace") if config.is_file() else None,
        attribution=find_record(AttributionRecord, folder),
        stress=find_record(StressRecord, folder),
        judges=find_record(JudgesRecord, folder),
        understanding=find_record(UnderstandingRecord, folder),
    )


def failed_parts(folder: Path) -> tuple[Failed, ...]:
    """The parts that failed while the results in a folder were made, whichever command made them.

    Raises:
        StoreError: a file that is not whole.
    """
    files = [folder / name for name in (MANIFEST, AttributionRecord.FILE)]
    contents = [read_json(path) for path in files if path.is_file()]
    return tuple(Failed(**row) for content in contents for row in content.get("failed", ()))
