import numpy as np
from scipy.optimize import minimize

from recall.arrays import Ragged
from recall.understanding.fillers.softmax import Rows, fit_softmax

SIZES = np.array([3, 4])  # two values and unknown; three and unknown


def rows_of(features: list[list[int]], attribute: list[int]) -> Rows:
    lists = Ragged.of(features)
    nothing = Ragged.of([[] for _ in features])
    return Rows(np.array(attribute), Ragged(lists.values.astype(np.int64), lists.pointer), nothing)


def test_chances_are_near_those_of_the_exact_solution() -> None:
    """One attribute, three features, against scipy on the penalised likelihood."""
    rng = np.random.default_rng(0)
    true_FK = np.array([[2.0, -1.0, 0.0], [-1.0, 1.5, 0.0], [0.5, 0.5, 0.0]])
    has_NF = rng.random((4_000, 3)) < 0.5
    chance_NK = np.exp(has_NF @ true_FK)
    chance_NK /= chance_NK.sum(axis=1, keepdims=True)
    target_N = (rng.random((4_000, 1)) > np.cumsum(chance_NK, axis=1)).sum(axis=1)
    rows = rows_of([np.flatnonzero(row).tolist() for row in has_NF], [0] * 4_000)
    model = fit_softmax(rows, target_N, SIZES, ridge=1.0, rng=np.random.default_rng(1))

    inputs_NF = np.column_stack([np.ones(4_000), has_NF])

    def loss(flat: np.ndarray) -> float:
        weights_FK = flat.reshape(4, 3)
        logits_NK = inputs_NF @ weights_FK
        all_N = np.logaddexp.reduce(logits_NK, axis=1)
        told = logits_NK[np.arange(4_000), target_N]
        return float((all_N - told).sum() + (weights_FK[1:] ** 2).sum() / 2)

    exact_FK = minimize(loss, np.zeros(12), method="L-BFGS-B").x.reshape(4, 3)
    exact_NK = np.exp(inputs_NF @ exact_FK)
    exact_NK /= exact_NK.sum(axis=1, keepdims=True)
    found = model.read(rows, target_N)
    told_N = exact_NK[np.arange(4_000), target_N]
    assert np.abs(np.exp(found.target_logp_N) - told_N).mean() < 0.02
    assert np.abs(np.exp(found.unknown_logp_N) - exact_NK[:, 2]).mean() < 0.02


def test_attributes_do_not_read_each_others_weights() -> None:
    alone = rows_of([[1]] * 40, [0] * 40)
    both = rows_of([[1]] * 80, [0] * 40 + [1] * 40)
    target = np.array([0, 1] * 20)
    asked = rows_of([[1]], [0])
    luck = [np.random.default_rng(0) for _ in range(2)]
    one = fit_softmax(alone, target, SIZES, ridge=1.0, rng=luck[0])
    two = fit_softmax(both, np.concatenate([target, [2] * 40]), SIZES, ridge=1.0, rng=luck[1])
    chances = [np.exp(each.read(asked, np.array([0])).target_logp_N) for each in (one, two)]
    np.testing.assert_allclose(*chances, atol=0.05)


def test_features_that_nobody_has_seen_are_passed_over() -> None:
    rows = rows_of([[1]] * 20 + [[2]] * 20, [0] * 40)
    model = fit_softmax(
        rows, np.array([0] * 20 + [1] * 20), SIZES, ridge=1.0, rng=np.random.default_rng(0)
    )
    known = model.read(rows_of([[1]], [0]), np.array([0]))
    more = model.read(rows_of([[1, 99]], [0]), np.array([0]))
    np.testing.assert_array_equal(known.target_logp_N, more.target_logp_N)
    assert known.best_N.tolist() == [0]


def test_a_named_value_is_told_in_attributes_that_have_not_named_it_before() -> None:
    """The weight of being named is shared by values and attributes."""
    numbers = [[0]] * 30 + [[]] * 30
    named = Ragged.of(numbers)
    plain = rows_of([[]] * 60, [0] * 60)
    rows = Rows(
        plain.attribute_N, plain.features, Ragged(named.values.astype(np.int64), named.pointer)
    )
    target = np.array([0] * 30 + [2] * 30)
    model = fit_softmax(rows, target, SIZES, ridge=1.0, rng=np.random.default_rng(0))
    other = rows_of([[]], [1])
    told = Rows(other.attribute_N, other.features, Ragged(np.array([2]), np.array([0, 1])))
    assert model.read(told, np.array([2])).best_N.tolist() == [2]
