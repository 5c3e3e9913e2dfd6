"""Measures of judges equal those of a library, and their intervals are over texts."""

import numpy as np
import pytest

from experiments.stress.judging import measures, verdict_measures


def drawn(seed: int, pairs: int = 1_200, texts: int = 150) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    grade = rng.integers(0, 4, pairs)
    chances = rng.dirichlet(np.ones(4), pairs) + 0.6 * np.eye(4)[grade]
    return chances / chances.sum(axis=1, keepdims=True), grade, rng.integers(0, texts, pairs)


def told(chances: np.ndarray, grade: np.ndarray, text: np.ndarray) -> dict[str, object]:
    rng = np.random.default_rng(0)
    return {row.measure: row.value for row in measures("j", chances, grade, text, 0.95, rng)}


def area(score: np.ndarray, good: np.ndarray) -> float:
    above = score[good][:, None] - score[~good][None, :]
    return float((above > 0).mean() + (above == 0).mean() / 2)


def test_values_are_those_of_their_definitions() -> None:
    chances, grade, text = drawn(1)
    chances = np.round(chances, 1)  # with ties
    found = told(chances, grade, text)
    said = chances.argmax(axis=1)
    for each in range(4):
        hit = ((said == each) & (grade == each)).sum()
        wanted = 2 * hit / ((said == each).sum() + (grade == each).sum())
        assert found[f"f1_{each}"].estimate == pytest.approx(wanted)
    macro = np.mean([found[f"f1_{each}"].estimate for each in range(4)])
    assert found["macro_f1"].estimate == pytest.approx(macro)
    assert found["accuracy"].estimate == pytest.approx((said == grade).mean())
    wanted = area(chances @ np.arange(4), grade >= 2)
    assert found["auc"].estimate == pytest.approx(wanted)


def test_pairs_of_one_text_are_drawn_together() -> None:
    chances, grade, _ = drawn(1)
    many = told(chances, grade, np.arange(len(grade)))
    few = told(
        np.repeat(chances[:40], 30, axis=0), np.repeat(grade[:40], 30), np.arange(1_200) // 30
    )
    wide, narrow = (each["accuracy"].high - each["accuracy"].low for each in (few, many))
    assert wide > 3 * narrow


def test_a_grade_that_no_pair_has_is_unknown() -> None:
    chances, grade, text = drawn(1)
    found = told(chances, np.minimum(grade, 1), text)
    assert found["f1_3"].estimate is None
    assert found["auc"].estimate is None
    assert found["macro_f1"].estimate is not None


def test_nothing_is_measured_without_pairs() -> None:
    none = np.zeros(0, np.int64)
    assert all(value.estimate is None for value in told(np.zeros((0, 4)), none, none).values())


def test_a_verdict_is_measured_by_how_often_it_is_the_true_one() -> None:
    rng = np.random.default_rng(3)
    true_J, text_J = rng.integers(0, 3, 300), rng.integers(0, 60, 300)
    said_J = np.where(rng.random(300) < 0.8, true_J, 2 - true_J)
    true = {"category": true_J, "brand": true_J, "values": true_J}
    rows = verdict_measures("mine", true | {"brand": said_J}, true, true_J, text_J, 0.95, rng)
    names = [f"{name}_verdict" for name in true]
    assert [row.measure for row in rows] == [*names, "contradiction"]
    share = (said_J == true_J).mean()
    assert rows[1].value.estimate == pytest.approx(share)
    assert rows[1].value.low < share < rows[1].value.high < 1
    assert (rows[2].value.low, rows[2].value.high) == (1, 1)


def test_a_contradiction_is_a_grade_that_the_verdicts_do_not_give() -> None:
    """Same category and brand, all values: grade 3. Another category: 0."""
    said = {
        "category": np.array([0, 0, 2, 2]),
        "brand": np.array([1, 1, 0, 0]),
        "values": np.array([1, 1, 0, 0]),
    }
    true = said | {"category": np.array([0, 0, 0, 0])}
    rows = verdict_measures(
        *("one", said, true, np.array([3, 1, 0, 0]), np.arange(4), 0.95),
        np.random.default_rng(0),
    )
    found = {row.measure: row.value.estimate for row in rows}
    assert found["contradiction"] == 0.25
    assert found["category_verdict"] == 0.5
    assert found["brand_verdict"] == 1.0
