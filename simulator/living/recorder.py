"""From a planned block of requests to rows of the log."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.behavior import Reactions
from simulator.living.sessions import Sessions, Steps
from simulator.log.eventlog import EventLog
from simulator.log.tables import CONTESTED, TRIGGERS
from simulator.protocols import DAY, Contested, Pages, Requests


def record(
    log: EventLog,
    requests: Requests,
    sessions: Sessions,
    pages: Pages,
    reactions: Reactions,
    steps: Steps,
) -> None:
    """Append what a block of requests was shown and did to `requests`, `exposures`,
    `candidates` and `latent`; and what its pages tell of arms together to optional tables."""
    _log_requests(log, requests, sessions, pages, steps)
    _log_exposures(log, requests, pages, reactions)
    _log_latent(log, requests, sessions, reactions)
    _log_candidates(log, requests, pages)
    if pages.differs_B is not None:
        log.append(TRIGGERS, {"request": requests.id_B, "differs": pages.differs_B})
    if pages.contested is not None:
        log.append(CONTESTED, _contested_columns(requests, pages.contested))


def seen(pages: Pages, reactions: Reactions) -> NDArray[np.bool_]:
    """(B, K) slots that count as exposures: a page that came too late was seen by nobody."""
    return np.asarray((pages.items_BK >= 0) & ~reactions.left_B[:, None])


def _log_requests(
    log: EventLog,
    requests: Requests,
    sessions: Sessions,
    pages: Pages,
    steps: Steps,
) -> None:
    columns: dict[str, NDArray[Any]] = {
        "request": requests.id_B,
        "session": sessions.id_N,
        "shopper": requests.shopper_B,
        "arm": pages.arm_B,
        "at": requests.at_B,
        "day": requests.at_B // DAY,
        "text": requests.text_B,
        "page": requests.page_B,
        "device": requests.device_B,
        "gender": requests.gender_B,
        "age": requests.age_B,
        "latency": pages.latency_B,
        "dropped": pages.dropped_B,
        "merged": pages.merged_B,
        "ranked": pages.ranked_B,
        "shown": (pages.items_BK >= 0).sum(axis=1),
        "next_action": steps.action_N,
    }
    log.append("requests", columns)


def _log_exposures(log: EventLog, requests: Requests, pages: Pages, reactions: Reactions) -> None:
    rows, slots = np.nonzero(seen(pages, reactions))
    first_B = requests.page_B.astype(np.int16) * requests.slots_B
    columns: dict[str, NDArray[Any]] = {
        "request": requests.id_B[rows],
        "shopper": requests.shopper_B[rows],
        "arm": pages.arms_BK[rows, slots],
        "day": (requests.at_B // DAY).astype(np.int16)[rows],
        "item": pages.items_BK[rows, slots],
        "position": first_B[rows] + slots,
        "sources": pages.sources_BK[rows, slots],
        "best_ranked": pages.best_ranked_BK[rows, slots],
        "clicked": reactions.clicked_BK[rows, slots],
        "carted": reactions.carted_BK[rows, slots],
        "propensity": pages.propensity_BK[rows, slots],
    }
    log.append("exposures", columns)


def _log_latent(
    log: EventLog, requests: Requests, sessions: Sessions, reactions: Reactions
) -> None:
    bit_K = np.left_shift(np.int64(1), np.arange(reactions.examined_BK.shape[1]))
    columns: dict[str, NDArray[Any]] = {
        "request": requests.id_B,
        "intent": sessions.intent_N,
        "need": sessions.need_N,
        "wording": sessions.wording_N,
        "left": reactions.left_B,
        "examined": reactions.examined_BK @ bit_K,
    }
    log.append("latent", columns)


def _log_candidates(log: EventLog, requests: Requests, pages: Pages) -> None:
    traces = pages.traces
    columns: dict[str, NDArray[Any]] = {
        "request": requests.id_B[traces.row_R],
        "item": traces.item_R,
        "sources": traces.sources_R,
        "merged_rank": traces.merged_R,
        "ranker_score": traces.ranker_score_R,
    }
    for channel, name in enumerate(log.channels):
        columns[f"rank_{name}"] = traces.ranks_RC[:, channel]
        columns[f"score_{name}"] = traces.scores_RC[:, channel]
    log.append("candidates", columns)


def _contested_columns(requests: Requests, contested: Contested) -> dict[str, NDArray[Any]]:
    return {
        "request": requests.id_B[contested.row_R],
        "item": contested.item_R,
        "arm": contested.arm_R,
        "on_page": contested.on_page_R,
    }
