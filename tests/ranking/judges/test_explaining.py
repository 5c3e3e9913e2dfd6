"""What entities say, in the words of annotators; and judges whose reasons break the contract."""

from dataclasses import replace

import numpy as np
import pytest

from ranking.judges.conformance import check_judge
from ranking.judges.explaining import verdicts_of
from recall.judge import GRADES, PairVerdicts
from simulator.annotations.pairs import BrandVerdict, CategoryVerdict, ValuesVerdict
from tests.experiments.plugins import LongTitles

SAT, CON = "s", "c"


@pytest.mark.parametrize(
    ("said", "category", "brand", "values"),
    [
        ("......", CategoryVerdict.NEAR, BrandVerdict.NOT_ASKED, ValuesVerdict.NOT_ASKED),
        ("ss....", CategoryVerdict.SAME, BrandVerdict.SAME, ValuesVerdict.NOT_ASKED),
        ("cc....", CategoryVerdict.OTHER, BrandVerdict.OTHER, ValuesVerdict.NOT_ASKED),
        ("s.s.s.", CategoryVerdict.SAME, BrandVerdict.NOT_ASKED, ValuesVerdict.ALL),
        ("s.sc..", CategoryVerdict.SAME, BrandVerdict.NOT_ASKED, ValuesVerdict.SOME),
        ("sc.c.c", CategoryVerdict.SAME, BrandVerdict.OTHER, ValuesVerdict.NONE),
    ],
)
def test_verdicts_follow_from_what_entities_say(said, category, brand, values) -> None:
    row = np.array(list(said))
    both = np.stack([row, row])[None]  # an item, and padding
    grades = np.tile(np.array([0.1, 0.2, 0.4, 0.3], np.float32), (1, 2, 1))
    held = np.array([[True, False]])
    found = verdicts_of(both == SAT, both == CON, grades, held)
    codes = [found.category_BN, found.brand_BN, found.values_BN, found.grade_BN]
    assert [each[0, 0] for each in codes] == [category, brand, values, 2]
    assert [each[0, 1] for each in codes] == [-1] * 4
    assert {each.dtype for each in codes} == {np.dtype(np.int8)}


class Saying(LongTitles):
    """A judge that finds nothing wrong, and grades by the length of titles."""

    def verdicts(self, requests, items_BN):
        held = items_BN >= 0
        grade = np.where(held, self.grades(requests, items_BN).argmax(axis=2), -1)
        fine = np.where(held, 0, -1).astype(np.int8)
        return self.spoiled(PairVerdicts(fine, fine, fine, grade.astype(np.int8)), requests)

    def spoiled(self, found, requests):
        return found


class Wide(Saying):
    def spoiled(self, found, requests):
        return replace(found, brand_BN=found.brand_BN.astype(np.int64))


class OfPadding(Saying):
    def spoiled(self, found, requests):
        return replace(found, values_BN=np.maximum(found.values_BN, 0))


class Inventive(Saying):
    def spoiled(self, found, requests):
        return replace(found, category_BN=np.where(found.category_BN >= 0, 3, -1).astype(np.int8))


class Contrary(Saying):
    def spoiled(self, found, requests):
        other = np.where(found.grade_BN >= 0, GRADES - 1 - found.grade_BN, -1)
        return replace(found, grade_BN=other.astype(np.int8))


class Crowd(Saying):
    def spoiled(self, found, requests):
        brand = np.where(found.brand_BN >= 0, len(requests) == 1, -1)
        return replace(found, brand_BN=brand.astype(np.int8))


BROKEN = {
    Wide: "verdicts().brand_BN.dtype == int64, must be int8",
    OfPadding: "verdicts().values_BN == a verdict on padding, must be -1 there",
    Inventive: "verdicts().category_BN == an unknown code, must be 0 to 2",
    Contrary: "verdicts().grade_BN == another grade, must be the likeliest of grades()",
    Crowd: "verdicts() == other verdicts of request 0 alone, must be the same",
}


def test_a_judge_that_says_why_keeps_the_contract() -> None:
    assert check_judge(Saying) == []


@pytest.mark.parametrize("broken", BROKEN, ids=lambda kind: kind.__name__)
def test_each_breach_is_told(broken) -> None:
    assert BROKEN[broken] in [str(each) for each in check_judge(broken)]
