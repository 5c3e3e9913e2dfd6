"""A world that lives in a thread of its own and stops wherever its agent must act."""

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from experiments.environments.agentservice import AgentService, Offer
from experiments.environments.agentworld import AgentWorld
from experiments.environments.turns import Outcome, Scorer, Totals, TurnDesk
from experiments.running.worlds import OpenWorld, open_world

_GIVE_UP: Final = "give up"
_CLOSE: Final = "close"
_GO_ON: Final = "go on"
_Order = NDArray[np.intp] | Literal["give up", "close", "go on"]


@dataclass(frozen=True)
class News:
    """What a world tells when it stops.

    Attributes:
        offer: a request to be answered; None: the session has ended, or the world has.
        outcome: of the page before; None at the begin of a session.
        over: whether the period is over.
    """

    offer: Offer | None
    outcome: Outcome | None
    over: bool = False


class _Closed(BaseException):
    """Raised in the world's thread to end it; no handler of a plug-in's takes it."""


class LivingWorld:
    """One world under way. It moves only while `go_on` is waited for.

    Args:
        job: which world.
        folder: where its log goes, empty or absent.
        kept: whether the log is kept.
    """

    def __init__(self, job: AgentWorld, folder: Path, *, kept: bool) -> None:
        self._folder, self._kept = folder, kept
        self._orders: SimpleQueue[_Order] = SimpleQueue()
        self._news: SimpleQueue[News | BaseException] = SimpleQueue()
        opened = open_world(job, folder)
        service = opened.service
        assert isinstance(service, AgentService)
        self._service, self._scorer = service, Scorer(service)
        TurnDesk(opened.world, service, self._ended)
        opened.world.follow(self._scorer)
        service.choose = self._choose
        self._thread = threading.Thread(
            target=self._live, args=(opened,), name="funnelab world", daemon=True
        )

    @property
    def totals(self) -> Totals:
        """What has come of the agent's sessions so far."""
        return self._scorer.totals

    def begin(self) -> News:
        """Live up to the first request of the agent's first session, or to the end."""
        self._thread.start()
        return self._waited()

    def go_on(self, order_M: NDArray[np.intp] | None = None) -> News:
        """Show a page, or after a session's end go on to the next one.

        Args:
            order_M: columns of the offer from first to last; None at a session's end.
        """
        self._orders.put(_GO_ON if order_M is None else order_M)
        return self._waited()

    def give_up(self) -> News:
        """Leave the rest of the session to the funnel, and go on to the agent's next one."""
        self._orders.put(_GIVE_UP)
        return self._waited()

    def close(self) -> None:
        """End the world where it is; its log is not whole then, and is removed."""
        if self._thread.is_alive():
            self._orders.put(_CLOSE)
            self._thread.join()
        if not self._kept:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _waited(self) -> News:
        news = self._news.get()
        if isinstance(news, BaseException):
            raise news
        return news

    def _live(self, opened: OpenWorld) -> None:
        try:
            opened.run(lambda requests: None)
        except _Closed:
            self._kept = False
        except BaseException as error:  # whoever waits for the world must be told
            self._kept = False
            self._news.put(error)
        else:
            self._news.put(News(None, self._scorer.taken(), over=True))

    def _choose(self, offer: Offer) -> NDArray[np.intp] | None:
        """Ask the agent; in the world's thread."""
        order = self._told(News(offer, self._scorer.taken()))
        if isinstance(order, str):
            self._service.session = None  # given up
            return None
        return order

    def _ended(self) -> None:
        """Tell the agent that its session has ended; in the world's thread."""
        self._told(News(None, self._scorer.taken()))

    def _told(self, news: News) -> _Order:
        self._news.put(news)
        order = self._orders.get()
        if isinstance(order, str) and order == _CLOSE:
            raise _Closed
        return order
