"""The conformance suite of a rule of credit; `funnelab check rule` runs it too."""

from dataclasses import fields
from typing import Any

import numpy as np

from experiments.attribution.credit.customrules import RULE, CreditRule, Paths, credits_of
from simulator.errors import ContractError
from simulator.plugins import Violation

_SAME = 1e-9  # relative and absolute: last bits may depend on the shape of a batch


def check_rule(found: Any) -> list[Violation]:
    """Every way in which a rule breaks the contract; [] if none.

    It is asked about sample paths, about none, twice, outcome by outcome, in another order, and
    with arrays that cannot be written to.

    Args:
        found: a rule, or a class that makes one.
    """
    name = getattr(found, "__name__", type(found).__name__)
    try:
        rule: CreditRule = RULE.made(found, name, options={})
        paths = sample_paths()
        whole_EC = credits_of(rule, paths, name)
    except ContractError as error:
        return [Violation("rule()", str(error), "keep the contract")]
    rows, broken = np.arange(len(paths)), []
    alone = "not depend on the other outcomes of the batch"
    for place, orders, wanted in (
        ("rule() asked twice", [rows], "be a function of the paths"),
        ("rule() of no outcomes", [rows[:0], rows], "answer"),
        ("rule() outcome by outcome", [rows[e : e + 1] for e in rows], alone),
        ("rule() in another order", [rows[::-1]], alone),
    ):
        try:
            found = [credits_of(rule, _frozen(paths.rows(order)), name) for order in orders]
        except ContractError as error:
            broken.append(Violation(place, str(error), "keep the contract"))
            continue
        if not np.allclose(np.concatenate(found), whole_EC[np.concatenate(orders)], _SAME, _SAME):
            broken.append(Violation(place, "other credits", wanted))
    return broken


def _frozen(paths: Paths) -> Paths:
    for field in fields(paths)[1:]:
        getattr(paths, field.name).flags.writeable = False
    return paths


def sample_paths() -> Paths:
    """Eight outcomes of one to many touches: ties, ages of zero and beyond any window, all sets."""
    n_E = np.array([1, 2, 3, 1, 5, 2, 16, 1], np.int64)
    outcome_T = np.repeat(np.arange(len(n_E)), n_E)
    touch_T = np.arange(len(outcome_T))
    back_T = np.cumsum(n_E)[outcome_T] - 1 - touch_T  # 0 for an outcome's last touch
    sources_T = (1 + touch_T * 11 % 15).astype(np.int32)
    age_T = back_T // 2 * 40_000.0 + outcome_T % 3 * 7.0
    age_T[-1] = 90 * 86_400.0
    paths = Paths(
        channels=("lexical", "popular", "itemcf", "dense"),
        age_T=age_T,
        sources_T=sources_T,
        best_ranked_T=sources_T & -sources_T,
        position_T=(touch_T * 7 % 30).astype(np.int32),
        same_session_T=(back_T < 3) | (back_T % 5 == 0),
        own_T=back_T == np.minimum(n_E[outcome_T] - 1, outcome_T % 2),
        outcome_T=outcome_T,
        event_E=np.where(np.arange(len(n_E)) % 2 == 0, "cart", "purchase"),
        n_E=n_E,
    )
    return _frozen(paths)
