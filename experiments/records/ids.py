"""The rows of ids.json as frozen values, read and written."""

from dataclasses import dataclass
from pathlib import Path

from experiments.records.published_ids import Published
from experiments.records.reading import read_as
from experiments.records.reading import write_record as write_record

SCHEMA = 1
"""Version of the keys of ids.json."""

HIT_RATE = "hit_rate"
AT_ITEMS = "hit_rate_at_items"
EQUAL_ITEMS = "item_recall_equal_items"
EQUAL_BEAM = "item_recall_equal_beam"
EQUAL_COMPUTE = "item_recall_equal_compute"

Number = float | None


@dataclass(frozen=True)
class Measured:
    """One measure of one scheme.

    Attributes:
        scheme, mode: which.
        measure: its name, one of the constants of this module.
        at: beam width (ids) of a hit rate, list length (items) of a recall.
        estimate, low, high: mean over seeds and requests, and its interval.
        n, shoppers, seeds: requests, shoppers and seeds that it rests on.
        per_seed: the mean over requests of each seed.
    """

    scheme: str
    mode: str
    measure: str
    at: int
    estimate: Number
    low: Number
    high: Number
    n: int
    shoppers: int
    seeds: int
    per_seed: tuple[float, ...]


@dataclass(frozen=True)
class Gain:
    """A scheme against the baseline, paired by seed and request.

    Attributes:
        scheme, baseline, mode, measure, at: as `Measured`.
        difference, difference_low, difference_high: scheme minus baseline.
        relative, relative_low, relative_high: scheme / baseline - 1.
        p_value: two-sided, of no difference.
        p_holm: adjusted for all hit rates of all schemes (Holm); None for other measures.
        n, shoppers, seeds: what it rests on.
    """

    scheme: str
    baseline: str
    mode: str
    measure: str
    at: int
    difference: Number
    difference_low: Number
    difference_high: Number
    relative: Number
    relative_low: Number
    relative_high: Number
    p_value: Number
    p_holm: Number
    n: int
    shoppers: int
    seeds: int


@dataclass(frozen=True)
class Point:
    """One beam width on a scheme's curves, means over seeds and requests.

    Attributes:
        scheme, mode: which.
        beam: beam width (ids).
        hit_rate, hit_rate_at_items: without and with the limit of items.
        items: items returned without a limit.
        positions: positions that the decoder processes.
    """

    scheme: str
    mode: str
    beam: int
    hit_rate: float
    hit_rate_at_items: float
    items: float
    positions: float


@dataclass(frozen=True)
class Cost:
    """What a scheme needs and cannot reach, means over seeds.

    Attributes:
        scheme, mode: which.
        matched_rate: the baseline's hit rate with about `item_limit` items returned.
        matched_beam: the narrowest beam that reaches it under the limit; None: none does.
        items_beam: the narrowest beam that returns `item_limit` items on average; None: none.
        compute_beam: mean over seeds of the beam of the comparison at equal compute.
        positions: positions processed for a request at the serving beam.
        decode_s: measured time for a request at the serving beam (s).
        without_id: share of items that no beam can reach.
        unreached: share of items with an id that no test request's widest beam reached.
    """

    scheme: str
    mode: str
    matched_rate: float
    matched_beam: int | None
    items_beam: int | None
    compute_beam: float
    positions: float
    decode_s: Number
    without_id: float
    unreached: float


@dataclass(frozen=True)
class Quality:
    """The ids of one scheme and seed; the attributes are those of `IdReading`."""

    scheme: str
    seed: int
    sizes: tuple[int, ...]
    ids: int
    perplexity_L: tuple[Number, ...]
    gini: Number
    p99: Number
    largest: int
    purity: Number
    embedding_hit: Number
    cluster_shares: tuple[float, ...]
    training_s: Number


@dataclass(frozen=True)
class IdsRecord:
    """Everything that the bench found.

    Attributes:
        schema: version of the keys.
        name: name of the run.
        baseline, schemes, modes: what was compared, in order.
        seeds: training seeds.
        confidence: level of all intervals.
        requests, shoppers, items: test requests, who asked them, and the catalogue's size.
        beams, recall_sizes, serving_beam, item_limit, primary_beam, fill: as `IdsBenchSpec`.
        cluster_bins: largest cluster size of each bin but the last.
        measured, gains, curves, costs, quality, published: rows.
        warnings: plain sentences that a reader must know.
    """

    schema: int
    name: str
    baseline: str
    schemes: tuple[str, ...]
    modes: tuple[str, ...]
    seeds: tuple[int, ...]
    confidence: float
    requests: int
    shoppers: int
    items: int
    beams: tuple[int, ...]
    recall_sizes: tuple[int, ...]
    serving_beam: int
    item_limit: int
    primary_beam: int
    fill: str
    cluster_bins: tuple[int, ...]
    measured: tuple[Measured, ...]
    gains: tuple[Gain, ...]
    curves: tuple[Point, ...]
    costs: tuple[Cost, ...]
    quality: tuple[Quality, ...]
    published: tuple[Published, ...]
    warnings: tuple[str, ...]

    def of(self, scheme: str, mode: str, measure: str, at: int) -> Measured | None:
        """A measure of a scheme, where there is one."""
        for row in self.measured:
            if (row.scheme, row.mode, row.measure, row.at) == (scheme, mode, measure, at):
                return row
        return None

    def gain(self, scheme: str, mode: str, measure: str, at: int) -> Gain | None:
        """A scheme's gain in a measure, where there is one."""
        for row in self.gains:
            if (row.scheme, row.mode, row.measure, row.at) == (scheme, mode, measure, at):
                return row
        return None

    def paper(self, scheme: str, mode: str, measure: str, at: int) -> Published | None:
        """What the paper reports of it, where it does."""
        for row in self.published:
            if (row.scheme, row.mode, row.measure, row.beam) == (scheme, mode, measure, at):
                return row
        return None


def read_record(path: Path) -> IdsRecord:
    """Read what `write_record` wrote.

    Raises:
        StoreError: the file is not there or not whole.
        DataError: it is not such a record, or of another version.
    """
    return read_as(IdsRecord, path, SCHEMA)
