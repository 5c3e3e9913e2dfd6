"""Ranked lists against human grades: recall@100, NDCG@10 and judged@10.

NDCG's gain is 2**grade - 1 and its discount 1 / log2(rank + 1), rank from 1 (Burges et al. 2005);
the ideal list holds the query's judged items by falling grade. Recall counts items of grade >= 1.
An item that nobody judged counts as grade 0, which favours channels that resemble the pool that
was judged; judged@10 says by how much that may matter.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.config.schema import Config
from experiments.records.files import write_json
from experiments.records.metrics import Retrieval
from experiments.running.models import LOG, MODEL, POPULATION, load_channel, load_saved
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from ranking.examples import history_index
from recall.candidates import Candidates
from recall.channel import Refreshable
from recall.contract import validate_candidates
from simulator.calling import blaming, call
from simulator.catalogue.catalog import Ints
from simulator.errors import placing
from simulator.living.world import Population
from simulator.log.history import load_history
from simulator.protocols import Index, Requests
from simulator.shoppers.intents import Judgments

RETRIEVAL = "retrieval.json"
DEPTH = 100
"""Items that are looked at of each list."""


@dataclass(frozen=True)
class GradesJob:
    """Channels to be asked the human-judged queries.

    Attributes:
        catalog, history: folders of these stages.
        channels: model folders of the channels.
    """

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    channels: Mapping[str, Path]


def grade_channels(job: GradesJob, *, advance: Advance) -> None:
    """Each channel's recall@100, NDCG@10 and judged@10 on the human-judged queries.

    The shopper is unknown (no history of clicks), and every item is on sale.
    """
    with job.stage.write() as folder:
        population: Population = load_saved(job.catalog / POPULATION)
        catalog, judgments = population.supply.catalog, population.intents.judgments
        index = history_index(catalog, load_history(job.history / LOG))
        requests = Requests.of_texts(judgments.queries)
        query_B = np.arange(len(judgments.queries), dtype=np.int32)
        rows = []
        for name, model in job.channels.items():
            found = asked(job.config, name, model, index, requests, DEPTH)
            grades = graded_retrieval(found.items_BN, query_B, judgments, len(catalog))
            rows.append(grades.row(name))
        write_json(folder / RETRIEVAL, [asdict(row) for row in rows])
    advance(len(rows))


def asked(
    config: Config, name: str, model: Path, index: Index, requests: Requests, limit: int
) -> Candidates:
    """What a channel, opened anew from its folder, finds apart from any funnel.

    Raises:
        ContractError: it breaks, or breaks its contract.
    """
    channel, place = load_channel(model / MODEL, config, name), f"channels.{name}"
    with blaming(place, "answer requests"), placing(place):
        if isinstance(channel, Refreshable):
            call(f"{place}: refresh()", channel.refresh, index, 0)
        found: Candidates = call(f"{place}: recall()", channel.recall, requests, limit)
        validate_candidates(found, len(requests), limit, len(index.price_I))
    return found


@dataclass(frozen=True)
class GradedRetrieval:
    """How ranked lists agree with human grades: per list, and averaged.

    Attributes:
        queries: lists whose query has an item of grade >= 1; recall and NDCG average these.
        without_positives: lists of judged queries left out because no item has such a grade.
        recall_B: share of the query's positives among the first `depth` items; NaN if left out.
        ndcg_B: normalised discounted cumulative gain of the first `top` items; NaN if left out.
        judged_B: share of the items among the first `top` that somebody judged; NaN where the
            query has no judgments or the list is empty.
    """

    queries: int
    without_positives: int
    recall_B: NDArray[np.float64]
    ndcg_B: NDArray[np.float64]
    judged_B: NDArray[np.float64]

    def row(self, channel: str) -> Retrieval:
        """The averages as metrics.json has them; None over no queries."""
        return Retrieval(
            channel=channel,
            queries=self.queries,
            without_positives=self.without_positives,
            recall_at_100=_mean(self.recall_B),
            ndcg_at_10=_mean(self.ndcg_B),
            judged_at_10=_mean(self.judged_B),
        )


def graded_retrieval(
    items_BN: Ints,
    query_B: Ints,
    judgments: Judgments,
    n_items: int,
    *,
    depth: int = DEPTH,
    top: int = 10,
) -> GradedRetrieval:
    """Compare B ranked lists with the grades of their queries.

    Args:
        items_BN: distinct item ids, best first, -1 padded on the right.
        query_B: index into `judgments.queries`, -1 for a query that nobody judged.
        judgments: the human grades.
        n_items: items in the catalogue.
        depth: how far recall looks.
        top: how far NDCG and judged look.
    """
    grades_BN = judgments.grades(query_B, items_BN[:, :depth], n_items)
    positive_Q, judged_Q, ideal_Q = _of_queries(judgments, top)
    known_B = query_B >= 0
    positives_B = np.where(known_B, positive_Q[query_B], 0) if len(positive_Q) else 0 * query_B
    graded_B = known_B & (judged_Q[query_B] > 0) if len(judged_Q) else np.zeros_like(known_B)
    ideal_B = np.where(known_B, ideal_Q[query_B], 0.0) if len(ideal_Q) else 0.0 * query_B

    found_B = (np.nan_to_num(grades_BN) >= 1).sum(axis=1)
    gains_BK = np.exp2(np.nan_to_num(grades_BN[:, :top])) - 1
    dcg_B = gains_BK @ _discounts(gains_BK.shape[1])
    returned_B = (items_BN[:, :top] >= 0).sum(axis=1)
    seen_B = (~np.isnan(grades_BN[:, :top])).sum(axis=1)
    return GradedRetrieval(
        queries=int((positives_B > 0).sum()),
        without_positives=int((graded_B & (positives_B == 0)).sum()),
        recall_B=_divide(found_B, positives_B),
        ndcg_B=_divide(dcg_B, ideal_B),
        judged_B=_divide(seen_B, np.where(graded_B, returned_B, 0)),
    )


def _of_queries(
    judgments: Judgments, top: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """(Q,) positives, judged items and ideal discounted gain of every judged query."""
    n_queries = len(judgments.queries)
    best_J = np.lexsort((-judgments.grade_J.astype(np.int64), judgments.query_J))
    query_J, grade_J = judgments.query_J[best_J], judgments.grade_J[best_J].astype(np.float64)
    judged_Q = np.bincount(query_J, minlength=n_queries).astype(np.int64)
    positive_Q = np.bincount(query_J[grade_J >= 1], minlength=n_queries).astype(np.int64)
    rank_J = np.arange(len(query_J)) - np.repeat(np.cumsum(judged_Q) - judged_Q, judged_Q)
    first_J = rank_J < top
    gain_J = (np.exp2(grade_J) - 1)[first_J] * _discounts(top)[rank_J[first_J]]
    ideal_Q = np.bincount(query_J[first_J], gain_J, minlength=n_queries).astype(np.float64)
    return positive_Q, judged_Q, ideal_Q


def _discounts(top: int) -> NDArray[np.float64]:
    discounts: NDArray[np.float64] = 1 / np.log2(np.arange(top) + 2.0)
    return discounts


def _divide(part_B: NDArray[np.number], whole_B: NDArray[np.number]) -> NDArray[np.float64]:
    result_B = np.full(len(part_B), np.nan)
    np.divide(part_B, whole_B, out=result_B, where=np.asarray(whole_B) > 0)
    return result_B


def _mean(value_B: NDArray[np.float64]) -> float | None:
    known_B = value_B[~np.isnan(value_B)]
    return float(known_B.mean()) if len(known_B) else None
