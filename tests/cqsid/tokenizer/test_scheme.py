"""What a scheme of anybody's may return, and what is made of it."""

from dataclasses import replace

import numpy as np
import pytest

from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.scheme import first_ids, with_newcomers
from simulator.errors import ContractError
from tests.cqsid.shop import tiny_signals
from tests.experiments.schemes import ByNumber

SIGNALS = tiny_signals(40)
EVERYTHING_I = np.ones(len(SIGNALS), bool)


def first(scheme):
    return first_ids(scheme, SIGNALS, rng=np.random.default_rng(0))


class Changing(ByNumber):
    """Assigns, then changes its table."""

    def __init__(self, change):
        super().__init__()
        self.change, self.fitted = change, False

    def assign(self, signals, items_N, ids):
        more = super().assign(signals, items_N, ids)
        if not self.fitted:
            self.fitted = True
            return more
        return self.change(more)


def test_known_items_get_ids_first_and_new_ones_in_order_of_arrival():
    asked = []

    class Noting(ByNumber):
        def assign(self, signals, items_N, ids):
            asked.append(items_N.tolist())
            return super().assign(signals, items_N, ids)

    scheme = Noting()
    ids = first(scheme)
    new_N = np.flatnonzero(~SIGNALS.known_I)
    arrives_I = SIGNALS.created_at_I.copy()
    arrives_I[new_N] = 2e9 - np.arange(len(new_N))
    found = with_newcomers(scheme, replace(SIGNALS, created_at_I=arrives_I), ids, EVERYTHING_I)
    assert asked == [np.flatnonzero(SIGNALS.known_I).tolist(), new_N[::-1].tolist()]
    assert (found.sid_I >= 0).all()
    assert with_newcomers(scheme, SIGNALS, found, EVERYTHING_I) is found


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda ids: None, r"Changing.assign\(\) == NoneType, must be SemanticIds"),
        (
            lambda ids: SemanticIds(ids.codes_IL[:-1], ids.sizes),
            r"== 39 items of codes \(4, 10\), must be 40 items of codes \(4, 10\)",
        ),
        (
            lambda ids: SemanticIds(ids.codes_IL, (ids.sizes[0] + 1, *ids.sizes[1:])),
            r"== 40 items of codes \(5, 10\), must be 40",
        ),
        (
            lambda ids: SemanticIds(ids.codes_IL[::-1].copy(), ids.sizes),
            r"Changing.assign\(\) changed ids, must keep those that were there",
        ),
    ],
)
def test_new_items_must_leave_the_ids_of_others(change, wanted):
    scheme = Changing(change)
    ids = first(scheme)
    with pytest.raises(ContractError, match=wanted):
        with_newcomers(scheme, SIGNALS, ids, EVERYTHING_I)
