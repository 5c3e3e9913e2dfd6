"""The rankers' models as they serve, beside the same ones in torch and in LightGBM."""

from itertools import pairwise
from time import process_time

import lightgbm
import numpy as np
import pytest
import torch
from torch import nn

from ranking.features import Feature
from ranking.rankers.network import Network
from ranking.rankers.settings import BoostedSpec
from ranking.rankers.trees import Trees

N_PAIRS, N_FEATURES, HIDDEN = 51_200, 17, (32, 16)  # 512 requests of 100 candidates

pytestmark = pytest.mark.benchmark(timer=process_time)


def test_the_network(race):
    rng = np.random.default_rng(0)
    sizes = (N_FEATURES, *HIDDEN, 2)
    module = nn.Sequential()
    layers = []
    for n_in, n_out in pairwise(sizes):
        weights = rng.normal(size=(n_out, n_in)).astype(np.float32) / np.float32(n_in**0.5)
        bias = rng.normal(size=n_out).astype(np.float32)
        layers.append((weights, bias))
        linear = nn.Linear(n_in, n_out)
        linear.weight.data, linear.bias.data = torch.from_numpy(weights), torch.from_numpy(bias)
        module.extend([linear, nn.ReLU()])
    module[-1] = nn.LogSigmoid()
    network = Network(*layers)
    features_PF = rng.normal(size=(N_PAIRS, N_FEATURES)).astype(np.float32)

    def torch_alone():
        with torch.inference_mode():
            return module(torch.from_numpy(features_PF)).numpy()

    found = race(
        "learned ranker's network, 100 candidates a request",
        "requests/s of one core",
        N_PAIRS / 100,
        lambda: network.log_probabilities(features_PF),
        {"torch": torch_alone},
    )
    np.testing.assert_allclose(found["ours"], found["torch"], rtol=1e-4, atol=1e-5)


def test_the_trees(race):
    rng = np.random.default_rng(0)
    features_PF = rng.normal(size=(N_PAIRS, len(Feature))).astype(np.float32)
    worth_P = features_PF[:, 0] + features_PF[:, 1] * features_PF[:, 2] - 2
    clicked_P = rng.random(N_PAIRS) < 1 / (1 + np.exp(-worth_P))
    data = lightgbm.Dataset(features_PF, clicked_P)
    booster = lightgbm.train(BoostedSpec().parameters(), data, 100)
    trees = Trees.of_dump(booster.dump_model())

    def lightgbm_alone():
        return booster.predict(features_PF, raw_score=True, num_threads=1)

    found = race(
        "boosted ranker's 100 trees, 100 candidates a request",
        "requests/s of one core",
        N_PAIRS / 100,
        lambda: trees.sums(features_PF),
        {"LightGBM": lightgbm_alone},
    )
    np.testing.assert_array_equal(found["ours"], found["LightGBM"])
