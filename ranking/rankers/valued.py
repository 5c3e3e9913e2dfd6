"""What built-in rankers that learn have in common: a place is worth the purchases it brings."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy

from ranking.examples import Examples
from ranking.features import Feature, FeatureSet
from ranking.ndcg import ndcg
from ranking.ordering import on_grid
from ranking.rankers.labels import Labels
from ranking.rankers.light import fit_light, light_scores
from ranking.rankers.ranker import MergeOrderRanker
from ranking.rankers.settings import ValuedSpec
from recall.candidates import Pool
from simulator.protocols import Index, Requests

Floats = NDArray[np.float32]
Tell = Callable[[float], None]
"""Takes the share of a piece of work that is done, which grows from 0 to 1."""


def nobody(share: float) -> None:
    """Tell nobody."""


_MOST_WEIGHT = np.float32(np.log(20.0))  # a few clicks from far below must not decide the mean

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """What a training showed.

    Attributes:
        click_loss, want_loss: log loss per held-out exposure, in nats.
        rounds: passes of a network over the examples, or trees.
    """

    click_loss: float
    want_loss: float
    rounds: int


@dataclass(frozen=True)
class RankerReport:
    """How well a ranker fits exposures that it did not learn from.

    Attributes:
        requests, exposures, clicks, carts, purchases: size of all examples.
        rounds, click_loss, want_loss: as of `Training`.
        base_click_loss: log loss of predicting the click-through rate everywhere.
        ndcg: NDCG of held-out clicks, by click probability. A click counts the more the less its
            place is looked at, so that what was shown at the top has no advantage (Joachims,
            Swaminathan and Schnabel, "Unbiased learning-to-rank with biased feedback", WSDM 2017).
        shown_ndcg: the same in the order in which they were shown.
    """

    requests: int
    exposures: int
    clicks: int
    carts: int
    purchases: int
    rounds: int
    click_loss: float
    want_loss: float
    base_click_loss: float
    ndcg: float
    shown_ndcg: float


class ValuedRanker(ABC):
    """Values a place by click probability x want probability x price ** power.

    The probability of a click is that at the top position; that of wanting the item, given a click,
    stands for that of buying it, which is proportional. Without enough clicks to learn from it
    keeps the order of the merge, and says so.

    Attributes:
        training_share: of the time of `train` in that of `train` and `settle`, about.
    """

    name: str
    training_share = 1.0
    _tell: Tell | None = None  # of the next `fit`

    def __init__(self, features: FeatureSet, spec: ValuedSpec) -> None:
        self.features = features
        self.spec = spec
        self.report: RankerReport | None = None
        self.examination_VP: Floats | None = None
        self.light_X: Floats | None = None

    @abstractmethod
    def train(
        self,
        features_PF: Floats,
        labels: Labels,
        held_out_P: NDArray[np.bool_],
        rng: np.random.Generator,
        tell: Tell = nobody,
    ) -> Training:
        """Learn, so that `log_chances` answers; held-out exposures only decide when to stop.

        Fills `examination_VP`: the effect of device and place on the click's logit, 0 at the top.
        `tell` is told how much of it is done.
        """

    def settle(self, features_PF: Floats, labels: Labels, tell: Tell = nobody) -> None:
        """Learn once more, for service: from all exposures, as long as `train` found best.

        Not every model can: a network that stops early needs exposures that tell it when.
        """
        return

    @abstractmethod
    def log_chances(self, features_PF: Floats) -> Floats:
        """(P, 2) log of the chance of a click at the top, and of wanting the item given one."""

    def watch(self, tell: Tell) -> None:
        """Tell of the next `fit` how much of it is done; see `recall.channel.Watchable`."""
        self._tell = tell

    def refresh(self, index: Index, arm: int) -> None:
        """Read prices and the statistics of an arm."""
        self.features.refresh(index, arm)

    def fit(self, examples: Examples, *, rng: np.random.Generator) -> None:
        """Learn; the held-out requests decide when to stop and fill `report`."""
        tell, first = self._told(), self.training_share
        self.report, self.light_X = None, None
        held_BN = examples.pool.items_BN >= 0
        held_out_B = rng.random(len(held_BN)) < self.spec.held_out
        clicks_B = (examples.clicked_BN & held_BN).sum(axis=1)
        learning, holding = int(clicks_B[~held_out_B].sum()), int(clicks_B[held_out_B].sum())
        if not learning or not holding:
            logger.warning(
                "ranker.clicks == %d to learn from and %d held out, must be > 0 each; "
                "the ranker keeps the order of the merge",
                learning,
                holding,
            )
            return
        features_PF = self._seen(examples)
        held_out_P = np.repeat(held_out_B, held_BN.sum(axis=1))
        labels = Labels.of(examples)
        training = self.train(
            features_PF, labels, held_out_P, rng, lambda share: tell(first * share)
        )
        clicks_BN = np.full(held_BN.shape, -np.inf, np.float32)
        clicks_BN[held_BN] = self.log_chances(features_PF)[:, 0]
        self.report = _report(examples, training, clicks_BN, held_out_B, self._gains(examples))
        self.settle(features_PF, labels, lambda share: tell(first + (1 - first) * share))
        assert self.examination_VP is not None
        self.light_X = fit_light(features_PF, labels, self.examination_VP)

    def score(self, requests: Requests, pool: Pool) -> Floats:
        """(B, N) log of the value, `on_grid`, -inf on padding."""
        if self.report is None:
            return MergeOrderRanker().score(requests, pool)
        held_BN = pool.items_BN >= 0
        features_PF = self._read(requests, pool)
        chances_P2 = self.log_chances(features_PF)
        power = np.float32(self.spec.price_power)
        scores_BN = np.full(held_BN.shape, -np.inf, np.float32)
        scores_BN[held_BN] = (
            chances_P2[:, 0] + chances_P2[:, 1] + power * features_PF[:, Feature.LOG_PRICE]
        )
        return on_grid(scores_BN)

    def prescore(self, requests: Requests, pool: Pool) -> Floats | None:
        """(B, N) by a light linear model of clicks; None where nothing was learned."""
        if self.light_X is None:
            return None
        facts_BNX = self.features.facts(requests, pool.items_BN)
        return light_scores(facts_BNX, self.light_X, pool.items_BN)

    def _told(self) -> Tell:
        """Whom this `fit` tells of itself; nobody is kept beyond it."""
        tell = self._tell
        if tell is None:
            return nobody
        del self._tell
        return tell

    def _gains(self, examples: Examples) -> Floats:
        """(B, N) what each click counts: the inverse of how its place is looked at."""
        clicked_BN = examples.clicked_BN.astype(np.float32)
        if self.examination_VP is None:
            return clicked_BN
        most = self.examination_VP.shape[1] - 1
        device_BN = np.broadcast_to(examples.requests.device_B[:, None], clicked_BN.shape)
        place = device_BN.astype(np.intp), np.minimum(examples.slot_BN, most)
        weight_BN = np.exp(np.minimum(-self.examination_VP[place], _MOST_WEIGHT))
        return np.asarray(clicked_BN * weight_BN, np.float32)

    def _seen(self, examples: Examples) -> Floats:
        """(P, F) features of the exposures, as they were before the examples."""
        self.features.refresh(examples.index, 0)
        if examples.features_PF is not None:
            return examples.features_PF
        return self._read(examples.requests, examples.pool)

    def _read(self, requests: Requests, pool: Pool) -> Floats:
        """(P, F) features of the pool's P candidates."""
        return self.features(requests, pool)[pool.items_BN >= 0]


def _report(
    examples: Examples,
    training: Training,
    clicks_BN: Floats,
    held_out_B: NDArray[np.bool_],
    gains_BN: Floats,
) -> RankerReport:
    held_BN = examples.pool.items_BN >= 0
    items_BN, gains_BN = examples.pool.items_BN[held_out_B], gains_BN[held_out_B]
    shown_BN = -examples.slot_BN[held_out_B].astype(np.float32)
    rate = examples.clicked_BN[held_BN].mean()
    return RankerReport(
        requests=len(examples.requests),
        exposures=int(held_BN.sum()),
        clicks=int(examples.clicked_BN[held_BN].sum()),
        carts=int((examples.carted_BN & examples.clicked_BN)[held_BN].sum()),
        purchases=int((examples.bought_BN & examples.clicked_BN)[held_BN].sum()),
        rounds=training.rounds,
        click_loss=training.click_loss,
        want_loss=training.want_loss,
        base_click_loss=float(entropy([rate, 1 - rate])),
        ndcg=ndcg(clicks_BN[held_out_B], items_BN, gains_BN),
        shown_ndcg=ndcg(shown_BN, items_BN, gains_BN),
    )
