"""The learned ranker: chances of a click and of a purchase, by a small network."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import entropy

from ranking.examples import Examples
from ranking.features import Feature, FeatureSet
from ranking.ndcg import ndcg
from ranking.ordering import on_grid
from ranking.rankers.network import Network
from ranking.rankers.ranker import MergeOrderRanker
from ranking.rankers.training import Labels, NetworkSpec, Trained, train_network
from recall.candidates import Pool
from simulator.protocols import Index, Requests

Floats = NDArray[np.float32]

logger = logging.getLogger(__name__)


class LearnedSpec(NetworkSpec):
    """The learned ranker: its network, its training and what a place on the page is worth."""

    price_power: float = Field(
        0.0,
        ge=0,
        description="power of the price in an item's value: 0 ranks for purchases, 1 for GMV",
    )


@dataclass(frozen=True)
class RankerReport:
    """How well a ranker fits exposures that it did not learn from.

    Attributes:
        requests, exposures, clicks, purchases: size of all examples.
        epochs: passes over the examples.
        click_loss, purchase_loss: log loss per held-out exposure, in nats.
        base_click_loss: log loss of predicting the click-through rate everywhere.
        ndcg: NDCG of clicks over held-out requests with a click, by click probability.
        shown_ndcg: the same in the order in which they were shown, which shoppers favour: they
            look at the top.
    """

    requests: int
    exposures: int
    clicks: int
    purchases: int
    epochs: int
    click_loss: float
    purchase_loss: float
    base_click_loss: float
    ndcg: float
    shown_ndcg: float


class LearnedRanker:
    """Values a place by click probability x purchase probability x price ** power.

    Without enough clicks to learn from it keeps the order of the merge, and says so.
    """

    name = "learned"

    def __init__(self, features: FeatureSet, spec: LearnedSpec | None = None) -> None:
        self.features = features
        self.spec = spec or LearnedSpec()
        self.network: Network | None = None
        self.report: RankerReport | None = None
        self.examination_VP: Floats | None = None

    def refresh(self, index: Index, arm: int) -> None:
        """Read prices and the statistics of an arm."""
        self.features.refresh(index, arm)

    def fit(self, examples: Examples, *, rng: np.random.Generator) -> None:
        """Train the network; the held-out requests decide when to stop and fill `report`."""
        self.network, self.report, self.examination_VP = None, None, None
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
        self.features.refresh(examples.index, 0)
        features_PF = self._read(examples.requests, examples.pool)
        labels, generator = _labels(examples), torch.Generator()
        generator.manual_seed(int(rng.integers(2**62)))
        held_out_P = np.repeat(held_out_B, held_BN.sum(axis=1))
        trained = train_network(features_PF, labels, held_out_P, self.spec, generator)
        self.network, self.examination_VP = trained.network, trained.examination_VP
        clicks_BN = np.full(held_BN.shape, -np.inf, np.float32)
        clicks_BN[held_BN] = trained.network.logits(features_PF)[:, 0]
        self.report = _report(examples, labels, trained, clicks_BN, held_out_B)

    def score(self, requests: Requests, pool: Pool) -> Floats:
        """(B, N) log of the value, `on_grid`, -inf on padding."""
        if self.network is None:
            return MergeOrderRanker().score(requests, pool)
        held_BN = pool.items_BN >= 0
        features_PF = self._read(requests, pool)
        chances_P2 = self.network.log_probabilities(features_PF)
        power = np.float32(self.spec.price_power)
        scores_BN = np.full(held_BN.shape, -np.inf, np.float32)
        scores_BN[held_BN] = (
            chances_P2[:, 0] + chances_P2[:, 1] + power * features_PF[:, Feature.LOG_PRICE]
        )
        return on_grid(scores_BN)

    def _read(self, requests: Requests, pool: Pool) -> Floats:
        """(P, F) features of the pool's P candidates that the network reads."""
        return self.features(requests, pool)[pool.items_BN >= 0]


def _labels(examples: Examples) -> Labels:
    held_BN = examples.pool.items_BN >= 0
    device_BN = np.broadcast_to(examples.requests.device_B[:, None], held_BN.shape)
    return Labels(
        device_P=device_BN[held_BN].astype(np.int64),
        position_P=examples.position_BN[held_BN].astype(np.int64),
        clicked_P=examples.clicked_BN[held_BN],
        bought_P=(examples.bought_BN & examples.clicked_BN)[held_BN],
    )


def _report(
    examples: Examples,
    labels: Labels,
    trained: Trained,
    clicks_BN: Floats,
    held_out_B: NDArray[np.bool_],
) -> RankerReport:
    items_BN, clicked_BN = examples.pool.items_BN[held_out_B], examples.clicked_BN[held_out_B]
    rate = labels.clicked_P.mean()
    return RankerReport(
        requests=len(examples.requests),
        exposures=len(labels.clicked_P),
        clicks=int(labels.clicked_P.sum()),
        purchases=int(labels.bought_P.sum()),
        epochs=trained.epochs,
        click_loss=trained.click_loss,
        purchase_loss=trained.purchase_loss,
        base_click_loss=float(entropy([rate, 1 - rate])),
        ndcg=ndcg(clicks_BN[held_out_B], items_BN, clicked_BN),
        shown_ndcg=ndcg(-examples.position_BN[held_out_B].astype(np.float32), items_BN, clicked_BN),
    )
