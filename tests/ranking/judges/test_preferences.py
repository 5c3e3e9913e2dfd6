"""Preferences of a log: of clicked items over items that were seen and skipped, type by type."""

from dataclasses import replace

import numpy as np

from ranking.judges.itementities import SLOTS, ItemEntities
from ranking.judges.logistic import MOST_WEIGHT
from ranking.judges.preferences import preferences
from recall.sampleshop import sample_catalog, sample_history
from simulator.log.history import History

CATALOG = sample_catalog()
LOG = sample_history(CATALOG)
ENTITIES = ItemEntities.of(CATALOG)
PIECES = ENTITIES.entity_IM


def seen_and_skipped(log: History) -> set[tuple[int, int, int]]:
    """(text, clicked item, skipped item) of pages, read exposure by exposure."""
    found = set()
    for click in np.flatnonzero(log.clicked_X).tolist():
        for other in np.flatnonzero(log.row_X == log.row_X[click]).tolist():
            lower = log.position_X[other] > log.position_X[click] + 1
            if not log.clicked_X[other] and not lower:
                text = int(log.text_R[log.row_X[click]])
                found.add((text, int(log.item_X[click]), int(log.item_X[other])))
    return found


def test_items_that_are_preferred_were_clicked_and_the_others_were_seen_and_skipped() -> None:
    found = preferences(PIECES, LOG, np.random.default_rng(0))
    drawn = set(zip(*(c.tolist() for c in (found.text_J, *items_of(found))), strict=True))
    allowed = seen_and_skipped(LOG)
    assert drawn <= allowed
    assert len(drawn) > 0.5 * len(allowed)


def items_of(found) -> tuple[np.ndarray, np.ndarray]:
    return found.better_item_J, found.worse_item_J


def test_the_order_of_the_log_does_not_matter_to_who_is_seen() -> None:
    turned = np.random.default_rng(3).permutation(len(LOG.row_X))
    turned = turned[np.argsort(LOG.row_X[turned], kind="stable")]
    columns = "row_X", "item_X", "position_X", "clicked_X", "propensity_X"
    mixed = replace(LOG, **{name: getattr(LOG, name)[turned] for name in columns})
    one, other = (preferences(PIECES, log, np.random.default_rng(0)) for log in (LOG, mixed))
    assert sorted(one.better_J.tolist()) == sorted(other.better_J.tolist())
    assert sorted(one.worse_item_J.tolist()) == sorted(other.worse_item_J.tolist())


def test_a_piece_is_preferred_to_one_of_its_type_that_the_clicked_item_lacks() -> None:
    found = preferences(PIECES, LOG, np.random.default_rng(0))
    assert len(found) > 100
    type_E, (better, worse) = ENTITIES.type_E, items_of(found)
    assert (type_E[found.better_J] == type_E[found.worse_J]).all()
    assert set(type_E[found.better_J].tolist()) == {0, 1}  # the sample shop publishes no values
    for piece_J, its_J, not_its_J in (
        (found.better_J, better, worse),
        (found.worse_J, worse, better),
    ):
        assert (PIECES[its_J] == piece_J[:, None]).any(axis=1).all()
        assert not (PIECES[not_its_J] == piece_J[:, None]).any()


def test_rare_exposures_count_more_but_not_without_bound() -> None:
    often = replace(LOG, propensity_X=np.where(LOG.item_X < 30, 0.5, 1e-4).astype(np.float32))
    found = preferences(PIECES, often, np.random.default_rng(0))
    both = (found.better_item_J < 30) & (found.worse_item_J < 30)
    np.testing.assert_allclose(found.weight_J[~both] / found.weight_J[both][0], MOST_WEIGHT / 4)
    np.testing.assert_allclose(found.weight_J.mean(), 1, rtol=1e-5)


def test_a_log_without_clicks_or_with_nothing_else_prefers_nothing() -> None:
    for clicked in (False, True):
        log = replace(LOG, clicked_X=np.full(len(LOG.clicked_X), clicked))
        assert len(preferences(PIECES, log, np.random.default_rng(0))) == 0
    assert len(preferences(PIECES, History.empty(), np.random.default_rng(0))) == 0
    nothing = np.full((len(CATALOG), len(SLOTS)), -1, np.int32)
    assert len(preferences(nothing, LOG, np.random.default_rng(0))) == 0
