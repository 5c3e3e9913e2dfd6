"""Worlds of the tiny market, lived and followed, and what arms share of their visits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.truth.files import OWN, write_table
from simulator.following.walk import TASTES, ExpectedWalk, follow
from simulator.living.sessions import Sessions
from simulator.living.world import Population
from simulator.randomness import Draws
from simulator.shoppers.needs import NeedSampler
from tests.experiments.tiny import market as tiny
from tests.experiments.tiny.needs import COLUMNS, Brought, Shop, Visit, brought


@dataclass(frozen=True)
class Followed:
    """A world that was lived and followed.

    Attributes:
        log: its log.
        totals: by column, what is expected of each of the S shoppers.
        visits: by shopper, what arms share of their visits.
    """

    log: Path
    totals: dict[str, NDArray[np.float64]]
    visits: list[list[Visit]]


def followed(
    folder: Path,
    people: Population,
    kind_U: NDArray[np.integer],
    shop: Shop,
    seed: int,
    *,
    tastes: int = TASTES,
) -> Followed:
    """Live and follow a world, every next need of it; its files go where those of a run go.

    Args:
        tastes: sets of tastes of the walk.
    """
    folder.mkdir(parents=True)
    opened = tiny.open_world(
        folder / "log",
        people,
        shop.channels,
        seed,
        shop.behavior,
        slow=shop.slow,
        sessions=shop.sessions,
        days=shop.days,
    )
    walk = follow(opened.world, opened.service.twin(), tastes=tastes)
    walk.next_needs = 1.0
    came = noted(walk)
    opened.run(lambda requests: None)
    found = walk.totals()
    write_table(folder / OWN, found)
    totals = {name: np.zeros(len(kind_U)) for name in found if name != "shopper"}
    for name, column in totals.items():
        column[found["shopper"]] = found[name]
    visits = visits_of(came, kind_U, opened.world.sampler, Draws(seed))
    return Followed(folder / "log", totals, visits)


def noted(walk: ExpectedWalk) -> list[Sessions]:
    """The sessions that a walk is told of; none before the world is lived."""
    came: list[Sessions] = []
    advance = walk.advance

    def noting(sessions: Sessions, until: float) -> None:
        came.append(sessions)
        advance(sessions, until)

    walk.advance = noting  # type: ignore[method-assign]
    return came


def visits_of(
    came: Sequence[Sessions], kind_U: NDArray[np.integer], sampler: NeedSampler, draws: Draws
) -> list[list[Visit]]:
    """By shopper, what arms share of the visits that begin these sessions."""
    visits: list[list[Visit]] = [[] for _ in kind_U]
    for sessions in (each for each in came if len(each)):
        for shopper, visit in _visits(sessions, kind_U, sampler, draws):
            visits[shopper].append(visit)
    return visits


def _visits(
    sessions: Sessions, kind_U: NDArray[np.integer], sampler: NeedSampler, draws: Draws
) -> Iterator[tuple[int, Visit]]:
    """Each shopper with a visit of theirs."""
    steps_NR = draws.uniform(
        "step", sessions.shopper_N[:, None], sessions.ordinal_N[:, None], np.arange(256)
    )
    later_N = sampler.intents_of(
        sessions.shopper_N, sessions.ordinal_N, np.ones(len(sessions), np.int64)
    )
    for row, shopper in enumerate(sessions.shopper_N.tolist()):
        intents = (int(sessions.intent_N[row]), int(later_N[row]))[: int(sessions.needs_N[row])]
        yield (
            shopper,
            Visit(
                session=int(sessions.id_N[row]),
                kind=int(kind_U[shopper]),
                start=float(sessions.start_N[row]),
                intents=intents,
                patience=int(sessions.patience_N[row]),
                steps=tuple(steps_NR[row]),
            ),
        )


def exact(shop: Shop, visits: Sequence[Sequence[Visit]]) -> dict[str, NDArray[np.float64]]:
    """By column, exactly what is expected of each shopper with these visits."""
    totals = {name: np.zeros(len(visits)) for name in (*COLUMNS, "bought", "clicked")}
    for shopper, own in enumerate(visits):
        found: list[Brought] = [brought(shop, visit) for visit in own]
        for name in COLUMNS:
            totals[name][shopper] = sum(each.totals[name] for each in found)
        for name in ("bought", "clicked"):
            none = np.prod([1.0 - getattr(each, name) for each in found])
            totals[name][shopper] = 1.0 - none
    return totals
