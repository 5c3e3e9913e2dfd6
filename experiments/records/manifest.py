"""The rows of manifest.json: what was run, from what, by which versions, in which time."""

from dataclasses import dataclass, field
from typing import ClassVar

from experiments.records.files import MANIFEST
from experiments.records.reading import Record


@dataclass(frozen=True)
class StageRecord:
    """What the manifest tells of one stage of a run.

    Attributes:
        name, key: as in the folder's name.
        seconds: time it took when it was made, not to find it again (s).
        cached: whether this run found it in the store.
        rows: rows written, by table; empty for stages without tables.
        peak_memory_mb: most memory of the process that made it, up to its end (MB).
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
        limit: candidates asked for.
    """

    name: str
    type: str
    limit: int


@dataclass(frozen=True)
class Seeds:
    """What the luck of a run hangs on.

    Attributes:
        run: `seed` of the config.
        truth: number of pairs of truth worlds.
    """

    run: int
    truth: int


@dataclass(frozen=True)
class Failed:
    """A part that failed while the command went on without it.

    Attributes:
        stage: in which it failed; empty where in none (estimates, credit).
        part: what failed: `channel`, `metric`, `rule`, `scheme` or `policy`, and its name.
        reason: `raised`, `unknown_items` or `bad_shape`.
        requests: that were served without it; 0 for a part that serves none.
        detail: the first message, with file and line where they are known.
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
        name, seed: of the run.
        created: end of the run, UTC.
        funnelab: version.
        command: how to get the same run again.
        stages: the stages that this run used.
        versions: of Python and the libraries that decide results.
        processor: its model and family.
        kernels: instruction set of the processor, and how each kernel of the generative channel
            computes there.
        peak_memory_mb: most memory of one process (MB).
        items, shoppers: size of the world.
        history_days: length of the history period.
        data: what a reader must know of the user's own catalogue, in plain sentences.
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
        channels: the channels, in the order of the bits.
        days: length of the experiment.
        seeds: what the luck hangs on.
        log_digest: digest of the experiment's log; equal for equal settings, seed and versions.
    """

    COMMAND: ClassVar[str] = "funnelab run"

    arms: tuple[ArmEntry, ...]
    channels: tuple[ChannelEntry, ...]
    days: int
    seeds: Seeds
    log_digest: str
