"""The seams of the world: what a search service is asked, what it answers, what it may read.

Axis suffixes: B requests, N candidates, K slots, H history, Q earlier texts, I items, C channels,
S shoppers.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]

DAY = 86_400.0  # simulated time is in seconds
SESSION_BITS = 20  # sessions of one shopper: at most 2**20
REQUEST_BITS = 8  # requests of one session: at most 2**8
MAX_CHANNELS = 31  # provenance is a bitmask in an int32
EARLIER = 4  # earlier texts of a session that a request tells


def session_ids(shopper: NDArray[np.int64], ordinal: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pack a shopper and the ordinal of their session into one id."""
    return (shopper << SESSION_BITS) | ordinal


def request_ids(session: NDArray[np.int64], ordinal: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pack a session id and the ordinal of its request into one id."""
    return (session << REQUEST_BITS) | ordinal


@dataclass(frozen=True)
class Requests:
    """B search requests, as a search engine sees them: nothing latent is in here.

    Attributes:
        id_B: request id, int64, see `request_ids`.
        shopper_B: shopper number, int64.
        text_B: index into `texts`.
        at_B: simulated seconds.
        history_BH: items the shopper clicked lately, newest first, -1 padded.
        device_B: 0 phone, 1 desktop.
        gender_B: 0, 1, or 2 (not given).
        age_B: age band 0..5.
        page_B: 0 for the first page of results.
        slots_B: how many results this page shows, at most K of the service's pages.
        traced_B: whether the candidates of this request are to be returned for the log.
        earlier_BQ: texts asked earlier in the session, the newest first, -1 padded; turning a page
            is no new asking, so the text of a second page is not among its own.
        texts: every query text of this world.
    """

    id_B: NDArray[np.int64]
    shopper_B: NDArray[np.int64]
    text_B: Ints
    at_B: NDArray[np.float64]
    history_BH: Ints
    device_B: NDArray[np.int8]
    gender_B: NDArray[np.int8]
    age_B: NDArray[np.int8]
    page_B: NDArray[np.int16]
    slots_B: NDArray[np.int16]
    traced_B: NDArray[np.bool_]
    earlier_BQ: Ints
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.id_B)

    @classmethod
    def of_texts(cls, texts: tuple[str, ...], depth: int = 10) -> "Requests":
        """First-page requests of unknown shoppers, one for each text, for offline evaluation."""
        rows = np.arange(len(texts))
        return cls(
            id_B=rows.astype(np.int64),
            shopper_B=rows.astype(np.int64),
            text_B=rows.astype(np.int32),
            at_B=np.zeros(len(texts)),
            history_BH=np.full((len(texts), depth), -1, np.int32),
            device_B=np.zeros(len(texts), np.int8),
            gender_B=np.full(len(texts), 2, np.int8),
            age_B=np.zeros(len(texts), np.int8),
            page_B=np.zeros(len(texts), np.int16),
            slots_B=np.full(len(texts), 10, np.int16),
            traced_B=np.zeros(len(texts), np.bool_),
            earlier_BQ=np.full((len(texts), EARLIER), -1, np.int32),
            texts=texts,
        )

    def rows(self, rows: NDArray[np.intp] | slice) -> "Requests":
        """The same requests restricted to some rows (an index array or a slice)."""
        columns = {
            name: getattr(self, name)[rows] for name in self.__dataclass_fields__ if name != "texts"
        }
        return Requests(**columns, texts=self.texts)


@dataclass(frozen=True)
class ItemStatistics:
    """What a shop has counted about each of its I items up to the last daily refresh."""

    exposures_I: NDArray[np.float32]
    clicks_I: NDArray[np.float32]
    orders_I: NDArray[np.float32]


@dataclass(frozen=True)
class Index:
    """The snapshot of the shop that a funnel reads between two refreshes.

    Attributes:
        at: simulated seconds of the refresh.
        price_I: current price.
        available_I: on sale and in stock at the refresh; in stock for any arm where shelves are
            split. What is out of stock is among them where the shop shows it.
        statistics: one per arm, or a single one that all arms share.
        parts_AI: the same for each arm, where each sells from its own part of every shelf.
    """

    at: float
    price_I: NDArray[np.float64]
    available_I: NDArray[np.bool_]
    statistics: tuple[ItemStatistics, ...]
    parts_AI: NDArray[np.bool_] | None = None

    def of_arm(self, arm: int) -> "Index":
        """What an arm's funnel reads."""
        if self.parts_AI is None:
            return self
        return replace(self, available_I=self.parts_AI[arm], parts_AI=None)

    def statistics_of(self, arm: int) -> ItemStatistics:
        """The statistics that an arm's models read."""
        return self.statistics[arm if len(self.statistics) > 1 else 0]


class FaultReason(StrEnum):
    """Why a channel was dropped from a batch or a request."""

    RAISED = "raised"  # recall() raised an exception
    UNKNOWN_ITEMS = "unknown_items"  # it returned ids that are not in the catalogue
    BAD_SHAPE = "bad_shape"  # it returned arrays of the wrong shape or type
    DEADLINE = "deadline"  # its latency passed the funnel's deadline
    BUSY = "busy"  # its servers were busy, and so many waited that it turned the request away


@dataclass(frozen=True)
class Fault:
    """A channel that failed for some requests; the page was served without it."""

    arm: str
    channel: str
    reason: FaultReason
    requests: int
    detail: str  # the first message, "" for a missed deadline and a busy channel


@dataclass(frozen=True)
class Traces:
    """Candidates of the traced requests, one row each (R rows), for the log.

    Attributes:
        row_R: row of the request in its batch.
        item_R, sources_R: item and the bitmask of all channels that found it.
        ranks_RC: 0-based rank in each channel, -1 where it did not find the item.
        scores_RC: score in each channel, NaN where it did not find the item.
        merged_R: 0-based rank after the merge.
        ranker_score_R: NaN where the pre-ranker cut the item.
    """

    row_R: Ints
    item_R: Ints
    sources_R: Ints
    ranks_RC: NDArray[np.int16]
    scores_RC: NDArray[np.float32]
    merged_R: NDArray[np.int16]
    ranker_score_R: NDArray[np.float32]


@dataclass(frozen=True)
class Contested:
    """Items that the page of one arm alone has, one of each two of which a coin shows (R rows).

    Attributes:
        row_R: row of the request in its batch.
        item_R: the item.
        arm_R: whose page has it.
        on_page_R: whether it is shown; it and its rival have an equal chance.
    """

    row_R: Ints
    item_R: Ints
    arm_R: NDArray[np.int8]
    on_page_R: NDArray[np.bool_]


@dataclass(frozen=True)
class Pages:
    """B result pages of up to K slots.

    Attributes:
        items_BK: item ids in the order shown, -1 padded on the right.
        sources_BK: bitmask of ALL channels that found each item; bit c is channel c of the
            service's `channels`.
        best_ranked_BK: those of these channels that ranked the item best, several where they tie.
        scores_BK: ranker score, NaN padded.
        propensity_BK: probability with which the service puts this item here, 1 where it does not
            explore, NaN where it does not know.
        latency_B: seconds from request to page.
        dropped_B: bitmask of the channels dropped for this request.
        merged_B: candidates after merge and availability filter.
        ranked_B: candidates that reached the ranker.
        arm_B: arm that served the request.
        traces: candidates of the traced requests.
        slot_arms_BK: arm that each slot counts for, where slots of one page count for several
            (interleaving); None: all for the arm that served the request.
        differs_B: whether arms would show other items or another order, where that is watched
            (triggering); None: it is not.
        contested: items that a coin shows or leaves off (causal interleaving); None: no coin does.
    """

    items_BK: Ints
    sources_BK: Ints
    best_ranked_BK: Ints
    scores_BK: NDArray[np.float32]
    propensity_BK: NDArray[np.float32]
    latency_B: NDArray[np.float32]
    dropped_B: Ints
    merged_B: Ints
    ranked_B: Ints
    arm_B: NDArray[np.int8]
    traces: Traces
    slot_arms_BK: NDArray[np.int8] | None = None
    differs_B: NDArray[np.bool_] | None = None
    contested: Contested | None = None

    @property
    def arms_BK(self) -> NDArray[np.int8]:
        """The arm that each slot counts for; not to be written to."""
        if self.slot_arms_BK is not None:
            return self.slot_arms_BK
        return np.broadcast_to(self.arm_B[:, None], self.items_BK.shape)

    @classmethod
    def bare(cls, items_BK: Ints, latency_B: NDArray[np.float32]) -> "Pages":
        """Pages of which it only counts what they show and when they come."""
        rows, nothing_B = len(items_BK), np.zeros(len(items_BK), np.int32)
        none = np.zeros(0, np.int32)
        return cls(
            items_BK=items_BK,
            sources_BK=np.zeros(items_BK.shape, np.int32),
            best_ranked_BK=np.zeros(items_BK.shape, np.int32),
            scores_BK=np.zeros(items_BK.shape, np.float32),
            propensity_BK=np.ones(items_BK.shape, np.float32),
            latency_B=latency_B,
            dropped_B=nothing_B,
            merged_B=nothing_B,
            ranked_B=nothing_B,
            arm_B=np.zeros(rows, np.int8),
            traces=Traces(
                row_R=none,
                item_R=none,
                sources_R=none,
                ranks_RC=np.zeros((0, 1), np.int16),
                scores_RC=np.zeros((0, 1), np.float32),
                merged_R=np.zeros(0, np.int16),
                ranker_score_R=np.zeros(0, np.float32),
            ),
        )


@runtime_checkable
class SearchService(Protocol):
    """Whatever turns requests into pages: one funnel, or a router over the arms' funnels."""

    channels: tuple[str, ...]  # names of the channels, in the order of the provenance bits

    def refresh(self, index: Index) -> None:
        """Read a new snapshot; until the next one, pages are a pure function of requests."""

    def serve(self, requests: Requests) -> Pages:
        """One page for each request."""

    def faults(self) -> list[Fault]:
        """Channels dropped so far, one row for each channel and reason."""
