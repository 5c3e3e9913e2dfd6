"""Soft logic is logic where everything is true or false, and monotone between."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from ranking.judges.logic import relevance

LOGICS = ("product", "goedel", "lukasiewicz")
TYPES = (0, 1, 1)


def boolean(satisfied: tuple[bool, ...], contradicted: tuple[bool, ...]) -> bool:
    met, against = [], []
    for kind in dict.fromkeys(TYPES):
        own = [at for at, each in enumerate(TYPES) if each == kind]
        sat = any(satisfied[at] for at in own)
        met.append(sat)
        against.append(not sat and any(contradicted[at] for at in own))
    return not any(against) and any(met)


@pytest.mark.parametrize("logic", LOGICS)
def test_where_all_is_true_or_false_it_is_the_boolean_table(logic: str) -> None:
    cases = list(product([False, True], repeat=2 * len(TYPES)))
    truth = torch.tensor(cases, dtype=torch.float64)
    found = relevance(truth[:, : len(TYPES)], truth[:, len(TYPES) :], TYPES, logic)
    wanted = [boolean(case[: len(TYPES)], case[len(TYPES) :]) for case in cases]
    np.testing.assert_allclose(found.numpy(), np.array(wanted, float), atol=1e-12)


@pytest.mark.parametrize("logic", LOGICS)
@settings(max_examples=200, deadline=None)
@given(
    truth=st.lists(st.floats(0, 1), min_size=6, max_size=6),
    place=st.integers(0, 5),
    more=st.floats(0, 1),
)
def test_it_rises_with_what_satisfies_and_falls_with_what_contradicts(
    logic: str, truth: list[float], place: int, more: float
) -> None:
    lower, higher = torch.tensor([truth, truth], dtype=torch.float64)
    higher[place] = lower[place] + more * (1 - lower[place])
    one, two = (
        float(relevance(each[None, :3], each[None, 3:], TYPES, logic)) for each in (lower, higher)
    )
    assert 0 <= one <= 1
    assert two >= one - 1e-12 if place < 3 else two <= one + 1e-12


def test_nobody_there_is_of_no_relevance_and_contradicts_nothing() -> None:
    none = torch.zeros((1, 3), dtype=torch.float64)
    met = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    assert float(relevance(none, none, TYPES)) == 0
    assert float(relevance(met, none, TYPES)) == 1
