"""The rows of ids.json: identifier schemes compared."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from experiments.records.interval import Interval, Number
from experiments.records.papers.published import Published
from experiments.records.reading import Record, row_of

HIT_RATE = "hit_rate"
AT_ITEMS = "hit_rate_at_items"
EQUAL_ITEMS = "item_recall_equal_items"
EQUAL_BEAM = "item_recall_equal_beam"
EQUAL_COMPUTE = "item_recall_equal_compute"


class Mode(StrEnum):
    """What the generator is told."""

    SEMANTIC = "semantic"
    """The query alone."""

    PERSONALISED = "personalised"
    """The query, the shopper's traits and recent clicks."""


@dataclass(frozen=True)
class Measured:
    """One measure of one scheme.

    Attributes:
        scheme, mode: scheme of ids, and `semantic` or `personalised`.
        measure: `hit_rate`, `hit_rate_at_items`, `item_recall_equal_items`,
            `item_recall_equal_beam` or `item_recall_equal_compute`.
        at: beam width of a hit rate (ids), or length of the list of a recall (items).
        value: mean over seeds and requests.
        n, shoppers, seeds: number of requests, shoppers and seeds that it rests on.
        per_seed: the mean over requests, for each seed.
    """

    scheme: str
    mode: str
    measure: str
    at: int
    value: Interval
    n: int
    shoppers: int
    seeds: int
    per_seed: tuple[float, ...]


@dataclass(frozen=True)
class Gain:
    """A scheme against the baseline, paired by seed and request.

    Attributes:
        scheme, baseline, mode, measure, at: both schemes, and what is compared, as in `measured`.
        effect: scheme minus baseline.
        relative: scheme / baseline - 1.
        p_value: two-sided, of no difference.
        p_holm: corrected for all hit rates of the bench; null for other measures.
        n, shoppers, seeds: number of requests, shoppers and seeds that it rests on.
    """

    scheme: str
    baseline: str
    mode: str
    measure: str
    at: int
    effect: Interval
    relative: Interval
    p_value: Number
    p_holm: Number
    n: int
    shoppers: int
    seeds: int


@dataclass(frozen=True)
class Point:
    """One beam width on a scheme's curves, means over seeds and requests.

    Attributes:
        scheme, mode: as in `measured`.
        beam: width of the beam (ids).
        hit_rate, hit_rate_at_items: hit rate without and with the limit of items.
        items: items returned without the limit.
        positions: positions that the decoder processes for a request.
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
        scheme, mode: as in `measured`.
        matched_rate: the rate to match: the baseline's hit rate under the limit of items, at the
            narrowest beam that returns so many items, or at the widest beam if none does.
        matched_beam: narrowest beam with which the scheme reaches this rate under the limit; null
            if none does.
        items_beam: narrowest beam that returns `item_limit` items on average; null if none does.
        compute_beam: beam of the comparison at equal compute: the widest that the budget of
            positions allows.
        positions: positions for a request at the serving beam.
        decode_s: measured time for a request at the serving beam (s); differs between machines.
        without_id: share of items without an id.
        unreached: share of items with an id that is in no test request's widest beam.
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
    """The ids of one scheme and seed.

    Attributes:
        scheme, seed: scheme of ids, and seed of the training.
        sizes: codes of each level.
        ids: distinct ids in use.
        perplexity_L: exp of the entropy of each level's codes.
        gini: inequality of items per id, 0 to 1.
        p99, largest: 99th percentile and maximum of items per id.
        purity: share of items in the most common category of their id; null where no category is
            known.
        embedding_hit: share of items whose nearest other item has the same id.
        cluster_shares: share of items in clusters of each size, by `cluster_bins`.
        training_s: time for ids and generator (s).
    """

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
class IdsRecord(Record):
    """Everything that the bench found.

    Attributes:
        name: name of the run.
        baseline: the scheme that all others are compared with.
        schemes, modes: names of the schemes, and the modes (`semantic`, `personalised`), that were
            compared.
        seeds: training seeds.
        confidence: level of all intervals.
        requests, shoppers: number of test requests, and of shoppers who made them.
        items: size of the catalogue.
        beams, recall_sizes, serving_beam, item_limit, fill: as the settings of `[ids_bench]`.
        primary_beam: the beam whose hit rate decides: the middle one of `beams`.
        cluster_bins: largest cluster of each bin of `cluster_shares` but the last (items).
        measured: hit rates and recalls of every scheme.
        gains: every scheme against the baseline.
        curves: hit rates by beam.
        costs: beams and time that a scheme needs, and items that it cannot reach.
        quality: quality of the ids themselves.
        published: what the paper reports for the same measures.
        warnings: what a reader must know, a sentence each.
    """

    FILE: ClassVar[str] = "ids.json"
    COMMAND: ClassVar[str] = "funnelab ids bench"

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
        return row_of(self.measured, scheme=scheme, mode=mode, measure=measure, at=at)

    def gain(self, scheme: str, mode: str, measure: str, at: int) -> Gain | None:
        """A scheme's gain in a measure, where there is one."""
        return row_of(self.gains, scheme=scheme, mode=mode, measure=measure, at=at)

    def paper(self, scheme: str, mode: str, measure: str, at: int) -> Published | None:
        """What the paper reports of it, where it does."""
        return row_of(self.published, scheme=scheme, mode=mode, measure=measure, beam=at)
