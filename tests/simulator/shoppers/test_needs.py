import numpy as np
import pytest

from simulator.randomness import Draws
from simulator.shoppers.intents import Wording
from simulator.shoppers.needs import NARROWER, NeedSampler
from tests.simulator.worlds import population

VISITS = 40_000


@pytest.fixture(scope="module")
def people():
    return population(items=200, shoppers=30, intents=150)


@pytest.fixture(scope="module")
def sampler(people):
    return NeedSampler(people.intents, people.shoppers, Draws(2))


def test_a_shopper_wants_departments_by_affinity_and_intents_by_weight(people, sampler):
    intents, shopper = people.intents, 7
    found = sampler.intents_of(
        np.full(VISITS, shopper), np.arange(VISITS), np.zeros(VISITS, np.int64)
    )
    share_D = np.diff(people.shoppers.affinity_SD[shopper], prepend=0.0)
    weight_D = np.bincount(intents.department_Q, intents.weight_Q, minlength=len(share_D))
    expected_Q = share_D[intents.department_Q] * intents.weight_Q / weight_D[intents.department_Q]
    observed_Q = np.bincount(found, minlength=len(expected_Q)) / VISITS
    error_Q = 5 * np.sqrt(expected_Q * (1 - expected_Q) / VISITS) + 1e-4
    assert (np.abs(observed_Q - expected_Q) < error_Q).all()


def test_a_wording_is_always_one_that_the_intent_has(people, sampler):
    intent_B = np.arange(VISITS) % len(people.intents.weight_Q)
    session_B, zeros_B = np.arange(VISITS), np.zeros(VISITS, np.int64)
    first_B = sampler.first_wordings(intent_B, zeros_B, session_B, zeros_B)
    assert (people.intents.text_QX[intent_B, first_B] >= 0).all()
    next_B = sampler.rewordings(intent_B, first_B, zeros_B, session_B, zeros_B)
    told = next_B >= 0
    text_QX = people.intents.text_QX
    assert (text_QX[intent_B[told], next_B[told]] >= 0).all()
    assert (text_QX[intent_B[told], next_B[told]] != text_QX[intent_B[told], first_B[told]]).all()


def test_typing_errors_are_mostly_corrected(people, sampler):
    wrong = np.flatnonzero(people.intents.text_QX[:, Wording.MISSPELLED] >= 0)
    intent_B = np.resize(wrong, VISITS)
    zeros_B = np.zeros(VISITS, np.int64)
    next_B = sampler.rewordings(
        intent_B, np.full(VISITS, Wording.MISSPELLED), zeros_B, np.arange(VISITS), zeros_B
    )
    assert 0.5 < (next_B == Wording.SPECIFIC).mean() < 0.9  # others say it in other words


def test_who_was_understood_says_it_narrower_and_who_was_not_in_other_words(people, sampler):
    """The odds of narrower words are multiplied, whatever the table says."""
    ways_QX = people.intents.text_QX >= 0
    both = ways_QX[:, Wording.SPECIFIC] & ways_QX[:, Wording.GENERIC] & ways_QX[:, Wording.BRAND]
    intent = np.flatnonzero(both)[0]
    same = np.full(VISITS, intent), np.full(VISITS, Wording.SYNONYM)
    luck = np.zeros(VISITS, np.int64), np.arange(VISITS), np.zeros(VISITS, np.int64)

    def odds(factor):
        narrower_B = None if factor is None else np.full(VISITS, factor)
        share = NARROWER[sampler.rewordings(*same, *luck, narrower_B)].mean()
        return share / (1 - share)

    table = odds(None)
    assert odds(1.0) == table
    assert odds(3.0) == pytest.approx(3 * table, rel=0.15)
    assert odds(1 / 3) == pytest.approx(table / 3, rel=0.15)
