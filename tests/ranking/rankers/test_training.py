import numpy as np
import pytest
import torch

from ranking.rankers.labels import Labels
from ranking.rankers.settings import NetworkSpec
from ranking.rankers.training import train_network

SPEC = NetworkSpec(hidden=(16, 8), epochs=20)
SLOTS = 10


def examined(device, position):
    """Phones look less deep than desktops."""
    return (1 + position) ** np.where(device == 0, -1.0, -0.6)


def position_biased_log(n_requests=4000, seed=0):
    """Clicks of shoppers who see the top; the page was sorted by a mediocre ranker."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_requests, SLOTS, 4)).astype(np.float32)
    worth = 0.9 * features[..., 0] + 0.9 * features[..., 1] - 1.8
    attractive = 1 / (1 + np.exp(-worth))
    order = np.argsort(-(features[..., 1] + rng.normal(size=worth.shape)), axis=1)
    features = np.take_along_axis(features, order[..., None], axis=1)
    attractive = np.take_along_axis(attractive, order, axis=1)
    device = np.broadcast_to(rng.integers(0, 2, n_requests)[:, None], worth.shape)
    position = np.broadcast_to(np.arange(SLOTS), worth.shape)
    clicked = rng.random(worth.shape) < attractive * examined(device, position)
    bought = clicked & (rng.random(worth.shape) < 0.2 / (1 + np.exp(-features[..., 2])))
    labels = Labels(
        *(column.reshape(-1).astype(kind) for column, kind in (
            (device, np.int64), (position, np.int64), (clicked, bool), (bought, bool)
        ))
    )  # fmt: skip
    held_out = np.repeat(rng.random(n_requests) < 0.2, SLOTS)
    return features.reshape(-1, 4), labels, held_out, attractive.reshape(-1)


def trained(spec, seed=0, log=None):
    features, labels, held_out, _ = log or position_biased_log()
    return train_network(features, labels, held_out, spec, torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def log():
    return position_biased_log()


def test_scores_are_closer_to_the_true_attractiveness_than_without_the_position_term(log):
    features, _, _, attractive = log
    errors, correlations = [], []
    for spec in (SPEC, SPEC.model_copy(update={"position_bias": False})):
        chance = np.exp(trained(spec, log=log).network.log_probabilities(features)[:, 0])
        errors.append(np.mean((chance - attractive) ** 2))
        correlations.append(np.corrcoef(np.log(chance), np.log(attractive))[0, 1])
    assert errors[0] < 0.2 * errors[1]
    assert correlations[0] > max(0.98, correlations[1])


def test_the_position_effect_is_recovered_for_each_device(log):
    effect = trained(SPEC, log=log).examination_VP[:, :SLOTS]
    true = np.log(examined(np.array([[0], [1]]), np.arange(SLOTS)))
    assert (effect[:, 0] == 0).all()
    np.testing.assert_allclose(effect[:, :6], true[:, :6], atol=0.7)
    assert (effect[0, 1:] < effect[1, 1:]).all()


def test_purchases_are_learned_from_what_was_clicked(log):
    features, labels, _, _ = log
    chance = trained(SPEC, log=log).network.log_probabilities(features)[:, 1]
    assert np.corrcoef(chance[labels.clicked_P], features[labels.clicked_P, 2])[0, 1] > 0.6


def test_without_purchases_all_items_sell_equally_well(log):
    features, labels, held_out, _ = log
    none = Labels(labels.device_P, labels.slot_P, labels.clicked_P, labels.wanted_P & False)
    network = trained(SPEC, log=(features, none, held_out, None)).network
    assert np.ptp(network.log_probabilities(features[:500])[:, 1]) == 0


def test_a_feature_that_never_varied_in_training_decides_nothing(log):
    features, labels, held_out, _ = log
    constant = features.copy()
    constant[:, 3] = 7.0
    network = trained(SPEC, log=(constant, labels, held_out, None)).network
    moved = constant.copy()
    moved[:, 3] = -50.0
    np.testing.assert_array_equal(network.logits(moved), network.logits(constant))


def test_training_repeats_bit_for_bit_and_leaves_global_randomness_alone(log):
    short = SPEC.model_copy(update={"epochs": 2})
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first, second, other = (trained(short, seed, log).network for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.first[0], second.first[0])
    assert (first.first[0] != other.first[0]).any()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
