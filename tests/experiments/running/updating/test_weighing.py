"""Examples of all arms, drawn anew so that a ranker learns what one arm's own would teach it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from experiments.running.updating.weighing import repeated, times, weighed_examples
from ranking.examples import Examples, build_examples
from ranking.features import Feature, FeatureSet, text_scorer
from ranking.rankers.labels import Labels
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.settings import LearnedSpec
from ranking.settings import ExamplesSpec
from recall.candidates import Pool
from recall.sampleshop import sample_catalog, sample_history
from simulator.protocols import Requests

ROWS = arrays(np.float64, st.integers(0, 40), elements=st.floats(0, 3))


CATALOG = sample_catalog(60)
FEW = LearnedSpec(epochs=2)


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    """Of a shop without channels in its ranker's view."""
    return FeatureSet(CATALOG, (), text_scorer(CATALOG, rng=np.random.default_rng(0)))


@pytest.fixture(scope="module")
def examples() -> Examples:
    """Of the later half of a log."""
    log, rng = sample_history(CATALOG, 2000), np.random.default_rng(0)
    return build_examples(log, CATALOG, None, ExamplesSpec(), rng=rng)


@given(ROWS, st.integers(0, 2**32 - 1))
def test_an_exposure_counts_as_often_as_its_weight_but_for_less_than_one(
    weight_P: np.ndarray, seed: int
) -> None:
    times_P = times(weight_P, rng=np.random.default_rng(seed))
    assert (np.abs(times_P - weight_P) < 1 + 1e-9).all()
    assert abs(times_P.sum() - weight_P.sum()) < 1 + 1e-9


def test_it_counts_so_often_on_average() -> None:
    weight_P = np.array([0.2, 1.7, 0.0, 1.0, 2.4])
    drawn = [times(weight_P, rng=np.random.default_rng(seed)) for seed in range(4000)]
    np.testing.assert_allclose(np.mean(drawn, axis=0), weight_P, atol=0.03)


def test_examples_that_are_there_once_are_as_they_were(examples: Examples) -> None:
    held_BN = examples.pool.items_BN >= 0
    found = repeated(examples, held_BN.astype(np.int64))
    for name in ("position_BN", "clicked_BN", "carted_BN", "bought_BN"):
        np.testing.assert_array_equal(getattr(found, name), getattr(examples, name))
    np.testing.assert_array_equal(found.pool.items_BN, examples.pool.items_BN)


def test_each_time_that_an_exposure_is_there_its_features_and_labels_are_its_own(
    examples: Examples, features: FeatureSet
) -> None:
    held_BN = examples.pool.items_BN >= 0
    times_BN = np.random.default_rng(1).integers(0, 4, held_BN.shape) * held_BN
    found = repeated(examples, times_BN)

    def rows(of: Examples) -> np.ndarray:
        features.refresh(of.index, 0)
        labels = Labels.of(of)
        seen_PF = features(of.requests, of.pool)[of.pool.items_BN >= 0]
        told_P4 = np.column_stack([labels.slot_P, labels.device_P, labels.clicked_P])
        return np.column_stack([seen_PF, told_P4, labels.wanted_P])

    wanted_PX = np.repeat(rows(examples), times_BN[held_BN], axis=0)
    found_PX = rows(found)
    for each_PX in (wanted_PX, found_PX):
        each_PX[:] = each_PX[np.lexsort(each_PX.T)]
    np.testing.assert_array_equal(found_PX, wanted_PX)


def parted(examples: Examples, features: FeatureSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(B,) the arm's requests, which show dearer items, (B,) those of the experiment, prices."""
    features.refresh(examples.index, 0)
    price_BN = features(examples.requests, examples.pool)[:, :, Feature.LOG_PRICE]
    held_BN = examples.pool.items_BN >= 0
    mean_B = (price_BN * held_BN).sum(axis=1) / held_BN.sum(axis=1)
    rng = np.random.default_rng(3)
    own_B = mean_B + rng.normal(0, mean_B.std(), len(mean_B)) > np.median(mean_B)
    return own_B, rng.random(len(mean_B)) < 0.8, price_BN


def test_what_the_arm_shows_weighs_more(examples: Examples, features: FeatureSet) -> None:
    own_B, within_B, price_BN = parted(examples, features)
    found = weighed_examples(examples, features, own_B, within_B, rng=np.random.default_rng(0))
    features.refresh(found.index, 0)
    drawn_BN = features(found.requests, found.pool)[:, :, Feature.LOG_PRICE]
    inside_B = np.isin(found.requests.id_B, examples.requests.id_B[within_B])
    held_BN, drawn_held_BN = examples.pool.items_BN >= 0, found.pool.items_BN >= 0
    mean = drawn_BN[inside_B][drawn_held_BN[inside_B]].mean()
    own, all_of_them = (
        price_BN[rows_B][held_BN[rows_B]].mean() for rows_B in (own_B & within_B, within_B)
    )
    assert own - all_of_them > 0.03
    assert abs(mean - own) < 0.2 * (own - all_of_them)
    assert drawn_held_BN[inside_B].sum() == pytest.approx(held_BN[within_B].sum(), rel=0.01)


def test_what_was_shown_before_the_experiment_counts_once(
    examples: Examples, features: FeatureSet
) -> None:
    own_B, within_B, _ = parted(examples, features)
    found = weighed_examples(examples, features, own_B, within_B, rng=np.random.default_rng(0))
    before = examples.requests.id_B[~within_B]
    inside_B = np.isin(found.requests.id_B, before)
    np.testing.assert_array_equal(found.requests.id_B[inside_B], before)
    np.testing.assert_array_equal(found.pool.items_BN[inside_B], examples.pool.items_BN[~within_B])


def test_a_ranker_learns_the_same_from_features_that_are_known_and_asks_for_none(
    examples: Examples, features: FeatureSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_B, within_B, _ = parted(examples, features)
    found = weighed_examples(examples, features, own_B, within_B, rng=np.random.default_rng(0))
    assert found.features_PF is not None
    asked = []
    computed = FeatureSet.__call__

    def counted(self: FeatureSet, requests: Requests, pool: Pool) -> np.ndarray:
        asked.append(len(requests))
        return computed(self, requests, pool)

    monkeypatch.setattr(FeatureSet, "__call__", counted)
    rankers = []
    for each in (found, replace(found, features_PF=None)):
        ranker = LearnedRanker(
            FeatureSet(CATALOG, (), text_scorer(CATALOG, rng=np.random.default_rng(0))), FEW
        )
        ranker.fit(each, rng=np.random.default_rng(5))
        rankers.append(ranker)
    assert asked == [len(found.requests)]  # by the second alone
    one, other = (each.network for each in rankers)
    assert one is not None
    assert other is not None
    for name in ("first", "second", "heads"):
        for mine, theirs in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert rankers[0].report == rankers[1].report


@pytest.mark.parametrize("own", [True, False])
def test_where_there_is_one_arm_there_is_nothing_to_weigh(
    examples: Examples, features: FeatureSet, own: bool
) -> None:
    one_B = np.ones(len(examples.requests), np.bool_)
    rng = np.random.default_rng(0)
    assert weighed_examples(examples, features, one_B & own, one_B, rng=rng) is examples
