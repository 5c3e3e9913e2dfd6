"""Rules of credit that a user brings, and the contract of their answers, checked at every call."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.config.attribution import BUILT_IN_RULES
from simulator.calling import blaming, call
from simulator.errors import ContractError
from simulator.plugins import Kind

GROUP: Final = "funnelab.credit_rules"
"""Entry points of this group are credit rules that a package brings, by their names."""

RULE: Final = Kind(
    "a rule", called_with=("paths",), itself=True, group=GROUP, built_in=BUILT_IN_RULES
)

_TOLERANCE = 1e-6  # of sums of credits that a rule returns

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Paths:
    """The touches of a batch of outcomes; see `paths` for what touches an outcome has.

    Touches are in the order of outcome, then time; each outcome has its own one at least.

    Attributes:
        channels: names; bit c of a mask is channel c.
        age_T: (T,) seconds before the outcome, >= 0.
        sources_T: (T,) bitmask of all channels that found the item.
        best_ranked_T: (T,) those of them that ranked it best.
        position_T: (T,) 0-based, on which it was shown.
        same_session_T: (T,) whether in the session in which the outcome's item was found.
        own_T: (T,) whether it is the exposure on which the outcome's item was found.
        outcome_T: (T,) row of the outcome among the E of the batch, ascending.
        event_E: (E,) "cart" or "purchase".
        n_E: (E,) touches of each outcome, >= 1.
    """

    channels: tuple[str, ...]
    age_T: Floats
    sources_T: NDArray[np.int32]
    best_ranked_T: NDArray[np.int32]
    position_T: NDArray[np.int32]
    same_session_T: NDArray[np.bool_]
    own_T: NDArray[np.bool_]
    outcome_T: NDArray[np.int64]
    event_E: NDArray[np.str_]
    n_E: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.n_E)

    def rows(self, row_J: NDArray[np.integer]) -> "Paths":
        """These outcomes, in this order, and their touches."""
        first_E = np.cumsum(self.n_E) - self.n_E
        n_J = self.n_E[row_J]
        outcome_T = np.repeat(np.arange(len(row_J)), n_J)
        start_J = first_E[row_J] - (np.cumsum(n_J) - n_J)
        touch_T = np.arange(len(outcome_T)) + start_J[outcome_T]
        taken = {field.name: getattr(self, field.name) for field in fields(self)}
        taken |= {name: taken[name][touch_T] for name in taken if name.endswith("_T")}
        return Paths(
            **(taken | {"outcome_T": outcome_T, "event_E": self.event_E[row_J], "n_E": n_J})
        )


class CreditRule(Protocol):
    """A rule that gives each outcome's credit to its touches, or to channels.

    It is a function of each outcome's own path: of nothing else in the batch, nor of luck.
    """

    def __call__(self, paths: Paths) -> NDArray[Any]:
        """Either (T,) weights of touches or (E, C) credits of channels, all >= 0.

        Weights have a positive sum for each outcome. They are normalised over its touches, and a
        touch's credit is shared equally by the channels that found it. Credits sum to 1 a row.
        """


def load_rule(name: str) -> CreditRule:
    """The rule of an entry point, or MODULE:OBJECT; a class is instantiated.

    Raises:
        ContractError: nothing of that name, or a class that refuses to be made.
    """
    rule: CreditRule = RULE.make(name, options={}, setting="attribution.rules")
    return rule


def check_rules(rules: Sequence[str]) -> None:
    """Refuse rules of credit that do not exist before any work is done.

    Raises:
        ContractError: a rule that cannot be found or made, or two of nearly one name.
    """
    folded = [rule.casefold() for rule in rules]  # as the log's engine reads names of columns
    for rule in rules:
        if folded.count(rule.casefold()) > 1:
            raise ContractError(
                f"attribution.rules == {rule!r} and another that differs in capitals at most, "
                "must differ in more"
            )
        if rule not in BUILT_IN_RULES:
            load_rule(rule)


def credits_of(rule: CreditRule, paths: Paths, name: str) -> Floats:
    """(E, C) what a rule gives each channel of each outcome; a row sums to 1.

    Args:
        name: of the rule, for errors.

    Raises:
        ContractError: the rule raised, or its answer breaks the contract.
    """
    with blaming(f"rule {name}", "return credits"):
        found = np.asarray(call(f"rule {name}", rule, paths))
    if found.dtype.kind not in "fiub":
        raise ContractError(f"rule {name}: dtype == {found.dtype}, must be numbers")
    weights, credits = (len(paths.age_T),), (len(paths), len(paths.channels))
    if found.shape not in (weights, credits):
        raise ContractError(
            f"rule {name}: shape == {found.shape}, must be {weights} weights of touches "
            f"or {credits} credits of outcomes and channels"
        )
    values = found.astype(np.float64)
    outcomes = values.ndim == 2
    row_N, cells = (
        (np.arange(len(paths)), values) if outcomes else (paths.outcome_T, values[:, None])
    )
    sum_E = np.bincount(row_N, cells.sum(axis=1), len(paths))

    def told(row: int) -> str:
        touches = f"({paths.event_E[row]}, {paths.n_E[row]} touches)"
        return f"rule {name}: values of outcome {row} {touches}"

    bad_N = ~(np.isfinite(cells) & (cells >= 0)).all(axis=1)
    if bad_N.any():
        at = int(bad_N.argmax())
        raise ContractError(f"{told(row_N[at])} == {values[at].tolist()}, must be finite and >= 0")
    wrong_E, wanted = ~((sum_E > 0) & np.isfinite(sum_E)), "have a positive, finite sum"
    if outcomes:
        wrong_E, wanted = np.abs(sum_E - 1) > _TOLERANCE, "sum to 1"
    if wrong_E.any():
        row = int(wrong_E.argmax())
        raise ContractError(f"{told(row)} sum to {sum_E[row]:g}, must {wanted}")
    return values / sum_E[:, None] if outcomes else _shared(values, paths)


def _shared(weight_T: Floats, paths: Paths) -> Floats:
    """(E, C) weights normalised over an outcome's touches, shared by each touch's channels."""
    whole_E = np.bincount(paths.outcome_T, weight_T, len(paths))
    found_TC = (paths.sources_T[:, None] >> np.arange(len(paths.channels))) & 1
    share_T = weight_T / whole_E[paths.outcome_T] / found_TC.sum(axis=1)
    columns = [
        np.bincount(paths.outcome_T, share_T * found_T, len(paths)) for found_T in found_TC.T
    ]
    return np.stack(columns, axis=1)
