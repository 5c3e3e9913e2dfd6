"""Chains: every combination once, in either order, and which of them contradict themselves."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from cqsid.systems.chain.chains import Chains
from simulator.annotations.pairs import Annotations, grade_of

ORDERS = ("answer_first", "think_first")


@pytest.mark.parametrize("order", ORDERS)
def test_there_are_all_144_chains_and_each_is_its_own_number(order: Any) -> None:
    chains = Chains(order)
    codes_SL = chains.ids.codes_IL
    assert sorted(map(tuple, codes_SL.tolist())) == list(product(*map(range, chains.sizes)))
    assert np.array_equal(chains.numbers(codes_SL), np.arange(144))
    assert np.array_equal(chains.trie.find(codes_SL), np.arange(144))


def test_the_grade_alone_is_a_chain_of_one_code() -> None:
    chains = Chains("answer_first", verdicts=False)
    assert (chains.names, chains.sizes, chains.grade_level) == (("grade",), (4,), 0)


@pytest.mark.parametrize("order", ORDERS)
def test_a_chain_agrees_with_itself_where_its_verdicts_give_its_grade(order: Any) -> None:
    chains = Chains(order)
    verdicts = np.array(list(product(range(3), range(3), range(4))), np.int8)
    grade = grade_of(*verdicts.T)
    for wrong in range(4):
        told = (grade + wrong) % 4
        columns = (np.arange(36), np.arange(36), told, *verdicts.T)
        pairs = Annotations(("a",) * 36, *(np.asarray(each) for each in columns))
        assert (chains.agrees(chains.codes(pairs)) == (wrong == 0)).all()
