"""Shopping sessions as a gymnasium environment."""

import math
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import gymnasium
import numpy as np
from numpy.typing import NDArray

from experiments.environments.agentservice import Offer
from experiments.environments.agentworld import AgentWorld, open_agent_world
from experiments.environments.livingworld import LivingWorld, News
from experiments.environments.observing import (
    Observation,
    Sizes,
    action_space,
    observation_space,
    observed,
)
from experiments.environments.turns import Outcome, Totals
from experiments.running.models import POPULATION, load_saved
from experiments.running.pipeline import luck_of
from simulator.errors import ConfigError, ContractError, closest
from simulator.living.world import Population
from simulator.protocols import REQUEST_BITS

REWARDS = ("clicks", "orders", "gmv")
"""What a reward may be made of."""

_ONLY_GMV = MappingProxyType({"gmv": 1.0})
_SEEDS = 2**31


class SessionEnv(gymnasium.Env[Observation, NDArray[np.float32]]):
    """The searches of one shopper after another, each page ordered by an agent.

    The market is that of a finished run: `reset(seed=n)` begins the world of the truth of number
    n, with the same shoppers, draws, stock and models, everybody in one arm. An episode is a
    session. Each step is a request: the funnel of the arm recalls and ranks candidates, the action
    orders them, and the page shows the first of them (the next ones on a next page). All
    shoppers who come while the agent's shopper is searching are served by the funnel, and buy from
    the same shelves. The world moves only within `reset` and `step`.

    *Action*: (M,) float32 in -1..1, a value for each of the M = `funnel.keep` candidates as the
    observation has them. The highest comes first; equal ones stay in the order of the funnel.
    Values of padding count for nothing. `funnel_action` keeps the funnel's own order.

    *Observation*: a dictionary. Of the candidates, in the funnel's own order, padding last:

    - `items` (M,) int32: item, its row in the catalogue; -1: padding.
    - `scores` (M,) float32: the ranker's.
    - `prices` (M,) float32: currency of the catalogue, at the last refresh of the index.
    - `statistics` (M, 3) float32: decayed exposures, clicks and orders at the begin of the day.
    - `ranks` (M, C) int16: 0-based rank in each channel of the run; -1: not found there.
    - `shown` (M,) int8: 1 where an earlier page of the session has shown it.

    Of the request: `history` (10,) int32, items that the shopper clicked lately, newest first, -1
    padded; `text`, the number of the query text (`info["query"]` has it in letters); `request`,
    0-based number in the session; `page`, 0 for the first page of results; `slots`, how many
    results it shows; `hour` (1,) float32 of the day; `device`, `gender` and `age` as in the log.

    *Reward*: the weighted sum of clicks, orders and GMV of the page (see `Outcome`): what its
    shopper decides to buy there. What was sold in truth is in `totals`.

    *End*: `terminated` where the session ends; `truncated` where the period does. The next `reset`
    goes on with the next session of the same world, and after its last one with a new world, whose
    luck comes from the seed, too.

    Example:
        Random pages of one session::

            env = SessionEnv.of_run("runs/demo", arm="control")
            observation, info = env.reset(seed=0)
            done = False
            while not done:
                action = env.action_space.sample()
                observation, reward, terminated, truncated, info = env.step(action)
                done = terminated or truncated
            env.close()

    Args:
        job: the world, see `of_run`; it can be pickled, for environments in other processes.
        reward: weight of each of `clicks`, `orders` (per item) and `gmv` (per unit of currency).
        logs: a folder to keep the logs of worlds that are lived to their end in, each in a folder
            of its own, `world-0` and so on; None: none is kept.

    Raises:
        ConfigError: a reward of unknown parts or weights.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - declared so by gymnasium

    def __init__(
        self,
        job: AgentWorld,
        *,
        reward: Mapping[str, float] = _ONLY_GMV,
        logs: Path | None = None,
    ) -> None:
        self.job = job
        self.reward = _checked_reward(reward)
        self._sizes, self._texts = _read_off(job)
        self.observation_space = observation_space(self._sizes)
        self.action_space = action_space(self._sizes)
        self._logs, self._worlds = logs, 0
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._world: LivingWorld | None = None
        self._news: News | None = None
        self._shown: set[int] = set()
        self._last: Observation = {}

    @classmethod
    def of_run(cls, folder: str | Path, *, arm: str | None = None, **options: Any) -> Self:
        """The environment over the market of a finished run.

        Args:
            folder: of the run.
            arm: whose channels and ranker propose the candidates; None: control.
            options: `reward` and `logs`.

        Raises:
            StoreError: no finished run, or one whose worlds cannot be lived again.
            ConfigError: no such arm, or models that are trained anew in the world.
        """
        return cls(open_agent_world(Path(folder), arm), **options)

    @property
    def funnel_action(self) -> NDArray[np.float32]:
        """The action that leaves the order as the funnel has it."""
        return np.linspace(1, -1, self._sizes.candidates, dtype=np.float32)

    @property
    def totals(self) -> Totals:
        """What has come of the agent's sessions in the present world so far."""
        return Totals() if self._world is None else self._world.totals

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Go to the first request of the next session.

        A session that has not ended is left to the funnel.

        Args:
            seed: begin the world of the truth of this number; None: stay in the present one.
            options: none are known.

        Raises:
            ConfigError: options, or a world in which no session begins.
        """
        if options:
            raise ConfigError(f"reset(options={options}), must be empty: none are known")
        super().reset(seed=seed)
        if seed is not None:
            self._leave()
            news = self._enter(seed)
        else:
            news = self._next()
        assert news.offer is not None
        self._shown = set()
        return self._observation(news.offer), self._info(news.offer)

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Show the page of the present request.

        Returns:
            The next request, or the same once more where there is none; the reward of the page;
            whether the session has ended; whether the period is over; and the session, the shopper
            and the query of the request, with `clicks`, `orders` and `gmv` of the page.

        Raises:
            ContractError: an action outside the space, or no request to be answered.
        """
        offer = self._news.offer if self._news is not None else None
        if self._world is None or offer is None:
            raise ContractError(
                "step() == called where no request waits, must be after reset() and before the "
                "session's end"
            )
        order_M = self._order(action)
        self._show(offer, order_M)
        world = self._world
        news = self._moved(lambda: world.go_on(order_M))
        outcome = news.outcome or Outcome()
        told = {name: value for name, value in asdict(outcome).items() if name in REWARDS}
        info = self._info(news.offer or offer) | told
        reward = sum(weight * told[name] for name, weight in self.reward.items())
        ended = news.offer is None and not news.over
        return self._observation(news.offer or offer), float(reward), ended, news.over, info

    def close(self) -> None:
        """Leave the world where it is."""
        self._leave()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None
        super().close()

    def _next(self) -> News:
        """Go to the next session, in a new world where the present one has no other."""
        world, news = self._world, self._news
        if world is not None and news is not None and not news.over:
            news = self._moved(world.give_up if news.offer is not None else world.go_on)
            if not news.over:
                return news
        self._leave()
        return self._enter(int(self.np_random.integers(_SEEDS)))

    def _enter(self, seed: int) -> News:
        """Begin a world."""
        if self._logs is not None:
            folder = self._logs / f"world-{self._worlds}"
        else:
            self._scratch = self._scratch or tempfile.TemporaryDirectory(prefix="funnelab-")
            folder = Path(self._scratch.name) / f"world-{self._worlds}"
        self._worlds += 1
        world = LivingWorld(self.job.with_luck(luck_of(seed)), folder, kept=self._logs is not None)
        self._world = world
        weakref.finalize(self, world.close)
        news = self._moved(world.begin)
        if news.over:
            self._leave()
            raise ConfigError(
                f"world.days == {self.job.days}, must be more: no session begins in the period"
            )
        return news

    def _leave(self) -> None:
        """End the present world."""
        if self._world is not None:
            self._world.close()
        self._world = self._news = None

    def _moved(self, move: Callable[[], News]) -> News:
        """What the world tells next; where it fails or is interrupted, it is left."""
        try:
            self._news = move()
        except BaseException:
            self._leave()
            raise
        assert self._news is not None
        return self._news

    def _order(self, action: NDArray[np.float32]) -> NDArray[np.intp]:
        """Columns of the candidates from first to last."""
        if not isinstance(action, np.ndarray) or not self.action_space.contains(action):
            raise ContractError(f"action == {_told(action)}, must be of {self.action_space}")
        return np.argsort(-action, kind="stable")

    def _show(self, offer: Offer, order_M: NDArray[np.intp]) -> None:
        """Remember what the page shows."""
        slots, page = int(offer.requests.slots_B[0]), int(offer.requests.page_B[0])
        real_M = offer.items_M[order_M]
        real_M = real_M[real_M >= 0]
        self._shown |= set(real_M[page * slots : (page + 1) * slots].tolist())

    def _observation(self, offer: Offer) -> Observation:
        return observed(offer, self.job.arm, self._shown)

    def _info(self, offer: Offer) -> dict[str, Any]:
        requests = offer.requests
        return {
            "session": int(requests.id_B[0]) >> REQUEST_BITS,
            "shopper": int(requests.shopper_B[0]),
            "query": self._texts[int(requests.text_B[0])],
        }


def _read_off(job: AgentWorld) -> tuple[Sizes, Sequence[str]]:
    """The sizes of a job's spaces, and its query texts."""
    population: Population = load_saved(job.population / POPULATION)
    funnel, texts = job.config.funnel, population.intents.texts
    sizes = Sizes(
        candidates=funnel.keep,
        channels=len(job.config.channels),
        items=len(population.supply.catalog),
        texts=len(texts),
        slots=funnel.slots,
        pages=job.config.world.sessions.pages,
    )
    return sizes, texts


def _checked_reward(reward: Mapping[str, float]) -> dict[str, float]:
    """The weights of a reward.

    Raises:
        ConfigError: none, unknown ones, or such that are no finite numbers.
    """
    if not reward:
        raise ConfigError(f"reward == {{}}, must weigh one of {', '.join(REWARDS)} at least")
    for name, weight in reward.items():
        if name not in REWARDS:
            near = closest(str(name), REWARDS)
            hint = f": {near} (the closest known)" if near else ""
            raise ConfigError(f"reward has {name!r}, must be of {', '.join(REWARDS)}{hint}")
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight):
            raise ConfigError(f"reward[{name!r}] == {weight!r}, must be a finite number")
    return dict(reward)


def _told(action: object) -> str:
    """An action in few words."""
    if not isinstance(action, np.ndarray):
        return f"a {type(action).__name__}"
    found = f"{action.dtype} of shape {action.shape}"
    if action.size and action.dtype.kind in "fiu":
        found += f" from {action.min():g} to {action.max():g}"
    return found
