"""The rows of manifest.json: what was run, from what, by which versions, in which time."""

from dataclasses import dataclass, field
from typing import ClassVar

from experiments.records.files import MANIFEST
from experiments.records.reading import Record


@dataclass(frozen=True)
class StageRecord:
    """What the manifest tells of one stage of a run.

    Attributes:
        name, key: as in the name of the stage's folder.
        seconds: time it took when it was made; finding it again is not counted (s).
        cached: whether this run found it in the store.
        rows: rows written, by table; empty for stages without tables.
        peak_memory_mb: most memory of the process that made it, until it ended (MB).
    """

    name: str
    key: str
    seconds: float
    cached: bool
    rows: dict[str, int]
    peak_memory_mb: int


@dataclass(frozen=True)
class ArmEntry:
    """An arm of the experiment.

    Attributes:
        name, share: of the arm.
        channels: names of its channels.
        ranker: type of its ranker, or MODULE:OBJECT of one of the user's own.
    """

    name: str
    share: float
    channels: tuple[str, ...]
    ranker: str = ""


@dataclass(frozen=True)
class ChannelEntry:
    """A channel that arms may use.

    Attributes:
        name, type: of the channel.
        limit: candidates asked of it for a request.
    """

    name: str
    type: str
    limit: int


@dataclass(frozen=True)
class Seeds:
    """What the luck of a run hangs on.

    Attributes:
        run: `seed` of the config.
        truth: number of pairs of worlds of the truth.
    """

    run: int
    truth: int


@dataclass(frozen=True)
class Failed:
    """A part that failed while the command went on without it.

    Attributes:
        stage: stage in which it failed; empty if it failed outside of stages (estimates, credit).
        part: kind and name of what failed; the kind is `channel`, `metric`, `rule`, `scheme` or
            `policy`.
        reason: `raised`, `unknown_items` or `bad_shape`.
        requests: requests that were served without it; 0 for a part that serves none.
        detail: the first error message, with file and line where they are known.
    """

    stage: str
    part: str
    reason: str
    requests: int
    detail: str


@dataclass(frozen=True)
class BenchManifest(Record):
    """How a run was made that has no experiment.

    Attributes:
        name, seed: name and seed of the run.
        created: time when the run ended, UTC.
        funnelab: version of funnelab.
        command: the command that gives the same run again.
        stages: the stages that this run used.
        versions: of Python and of the libraries that decide results.
        processor: model and family of the processor.
        kernels: instruction set of the processor, and how each kernel of the generative channel
            computes there.
        peak_memory_mb: most memory of one process (MB).
        items, shoppers: size of the world.
        history_days: length of the history period.
        data: what a reader must know of the user's own catalogue, a sentence each.
        failed: parts that failed while the run went on; the command then ends with status 3.
    """

    FILE: ClassVar[str] = MANIFEST
    COMMAND: ClassVar[str] = "funnelab ids bench, rewards, validate or calibrate"

    name: str
    seed: int
    created: str
    funnelab: str
    command: str
    stages: tuple[StageRecord, ...]
    versions: dict[str, str]
    processor: str
    kernels: dict[str, str]
    peak_memory_mb: int
    items: int
    shoppers: int
    history_days: int
    data: tuple[str, ...]
    failed: tuple[Failed, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class RunManifest(BenchManifest):
    """How a run was made that has an experiment.

    Attributes:
        arms: the arms.
        channels: the channels, in the order of the bits of `sources`.
        days: length of the experiment (days).
        seeds: the seeds that all random draws follow from.
        log_digest: digest of the experiment's log; equal for equal settings, seed and versions.
        annotations: graded pairs that were bought, through which the simulated truth reached
            judges, and what learned from these.
    """

    COMMAND: ClassVar[str] = "funnelab run"

    arms: tuple[ArmEntry, ...]
    channels: tuple[ChannelEntry, ...]
    days: int
    seeds: Seeds
    log_digest: str
    annotations: int = field(default=0, kw_only=True)
