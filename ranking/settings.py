"""Settings of a funnel behind its channels, and of what teaches rankers."""

from typing import Literal

from pydantic import Field

from recall.settings import MergeSpec
from simulator.spec import Spec


class ExamplesSpec(Spec):
    """Which part of the history becomes examples."""

    requests: int = Field(100_000, gt=0, description="most requests to learn from")
    statistics_share: float = Field(
        0.5, gt=0, lt=1, description="earlier share of the requests, used for item statistics only"
    )
    depth: int = Field(10, gt=0, description="recent clicks of a shopper that a request carries")
    batch: int = Field(1024, gt=0, description="requests replayed at once")


class PrerankerSpec(Spec):
    """How the merged pool is cut, and the weights of votes; all terms lie within about 0 to 1."""

    type: Literal["facts", "votes"] = Field(
        "facts",
        description="'facts': by what the ranker's light score says of an item; 'votes': by ranks "
        "and scores in channels, also where a ranker has no light score",
    )
    rank_weight: float = Field(
        1.0, ge=0, description="weight of a channel's reciprocal rank, summed over channels"
    )
    rank_offset: float = Field(
        10.0, gt=0, description="rank at which the reciprocal rank has fallen to a half (items)"
    )
    score_weight: float = Field(
        0.5, ge=0, description="weight of a channel's score, scaled to 0..1 within the request"
    )
    popularity_weight: float = Field(
        0.1, ge=0, description="weight of log(1 + orders / mean orders)"
    )


class FunnelSpec(Spec):
    """What one request may cost, and what its page may hold."""

    deadline_s: float = Field(0.050, gt=0, description="time after which recall goes on (s)")
    merge: MergeSpec = Field(MergeSpec(), description="the merge of the channels' candidates")
    keep: int = Field(100, gt=0, description="most candidates that reach the ranker (items)")
    slots: int = Field(20, gt=0, description="most results on a page (items)")
    exploration: float = Field(
        0.0, ge=0, le=1, description="share of queries shown in a random order of the ranked items"
    )
    ranking_base_s: float = Field(0.004, ge=0, description="time to rank nothing (s)")
    ranking_per_item_s: float = Field(2e-5, ge=0, description="time to rank a candidate (s)")
    preranker: PrerankerSpec = Field(PrerankerSpec(), description="the cut before the ranker")
