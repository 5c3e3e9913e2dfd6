import numpy as np
import pytest

from recall.understanding.fillers.sureness import Sureness, chance_there, published_share


def drawn(published: float, luck: int = 1) -> tuple[np.ndarray, ...]:
    """Signs, whether a cell is published, whether its guess is right there, and in truth."""
    rng = np.random.default_rng(luck)
    there_F = rng.random(20_000) < 0.4
    known_F = there_F & (rng.random(20_000) < 0.8)
    signs_FS = np.stack([np.ones(20_000), rng.normal(5.0 * known_F)], axis=1)
    right_F = known_F | (there_F & (rng.random(20_000) < 0.2))
    told_F = there_F & (rng.random(20_000) < published)
    return signs_FS, told_F, right_F


@pytest.mark.parametrize("published", [0.3, 0.5, 0.9])
def test_what_a_shop_publishes_is_read_off_the_surest_cells(published: float) -> None:
    signs_FS, told_F, right_F = drawn(published)
    found = published_share(signs_FS[:, 1], told_F, told_F & right_F)
    assert found == pytest.approx(published, abs=0.03)


@pytest.mark.parametrize("published", [0.3, 0.5, 0.9])
def test_chances_are_those_of_missing_cells(published: float) -> None:
    signs_FS, told_F, right_F = drawn(published)
    sure = Sureness.of(signs_FS, told_F, right_F)
    signs_FS, told_F, right_F = drawn(published, luck=2)
    chance_F = sure(signs_FS[~told_F])
    for low, high in ((0.0, 0.1), (0.9, 1.0)):
        some = (chance_F >= low) & (chance_F <= high)
        assert some.sum() > 100
        assert chance_F[some].mean() == pytest.approx(right_F[~told_F][some].mean(), abs=0.05)


def test_where_guesses_are_never_sure_the_surest_are_not_taken_for_right() -> None:
    """Of a model that knows nothing, the best third is as often right as the worst."""
    rng = np.random.default_rng(0)
    signs_FS = np.stack([np.ones(20_000), rng.normal(size=20_000)], axis=1)
    told_F = rng.random(20_000) < 0.2
    sure = Sureness.of(signs_FS, told_F, rng.random(20_000) < 0.3)
    assert sure(signs_FS).max() < 0.5


def test_without_anything_published_nothing_is_sure() -> None:
    nothing = np.zeros(10, bool)
    sure = Sureness.of(np.ones((10, 1)), nothing, nothing)
    assert sure(np.ones((3, 1))).tolist() == [0, 0, 0]


def test_of_missing_cells_as_many_have_a_value_as_are_published_times_the_odds() -> None:
    """c = 0.5: beside 40 published cells, 40 of 100 unpublished ones have a value."""
    assert chance_there(np.array([40 / 140]), 0.5) == pytest.approx([0.4])
    assert chance_there(np.array([20 / 120]), 0.2) == pytest.approx([0.8])
    assert chance_there(np.array([1.0]), 0.5) == pytest.approx([1.0])
