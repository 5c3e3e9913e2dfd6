import numpy as np
import pytest

from ranking.rankers.network import Network


@pytest.fixture
def network():
    rng = np.random.default_rng(0)

    def layer(n_out, n_in):
        return rng.normal(size=(n_out, n_in)).astype(np.float32), rng.normal(size=n_out).astype(
            np.float32
        )

    return Network(layer(12, 7), layer(5, 12), layer(2, 5))


def test_logits_equal_plain_matrix_products(network):
    features = np.random.default_rng(1).normal(size=(101, 7)).astype(np.float32)
    hidden = features.astype(np.float64)
    for weights, bias in (network.first, network.second):
        hidden = np.maximum(hidden @ weights.T + bias, 0)
    expected = hidden @ network.heads[0].T + network.heads[1]
    np.testing.assert_allclose(network.logits(features), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        network.log_probabilities(features),
        -np.logaddexp(0, -network.logits(features).astype(np.float64)),
        rtol=1e-6,
    )


@pytest.mark.parametrize("size", [1, 5, 32, 33])
def test_logits_are_the_same_bits_in_any_batch(network, size):
    features = np.random.default_rng(2).normal(size=(101, 7)).astype(np.float32)
    parts = [network.logits(features[i : i + size]) for i in range(0, 101, size)]
    np.testing.assert_array_equal(np.concatenate(parts), network.logits(features))
