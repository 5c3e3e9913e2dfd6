"""The learned ranker: chances of a click and of wanting the item, by a small network."""

import numpy as np
import torch
from numpy.typing import NDArray

from ranking.features import FeatureSet
from ranking.rankers.labels import Labels
from ranking.rankers.network import Network
from ranking.rankers.settings import LearnedSpec
from ranking.rankers.training import train_network
from ranking.rankers.valued import Tell, Training, ValuedRanker, nobody

Floats = NDArray[np.float32]


class LearnedRanker(ValuedRanker):
    """A network of two hidden layers gives both chances."""

    name = "learned"

    def __init__(self, features: FeatureSet, spec: LearnedSpec | None = None) -> None:
        self.network_spec = spec or LearnedSpec()
        super().__init__(features, self.network_spec)
        self.network: Network | None = None

    def train(
        self,
        features_PF: Floats,
        labels: Labels,
        held_out_P: NDArray[np.bool_],
        rng: np.random.Generator,
        tell: Tell = nobody,
    ) -> Training:
        """Train the network."""
        generator = torch.Generator()
        generator.manual_seed(int(rng.integers(2**62)))
        trained = train_network(features_PF, labels, held_out_P, self.network_spec, generator, tell)
        self.network, self.examination_VP = trained.network, trained.examination_VP
        return Training(trained.click_loss, trained.want_loss, trained.epochs)

    def log_chances(self, features_PF: Floats) -> Floats:
        """(P, 2) by the network."""
        assert self.network is not None
        return self.network.log_probabilities(features_PF)
