"""Rules of credit that a user brings, and the conformance suite that `funnelab check rule` runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from inspect import isclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.config.attribution import BUILT_IN_RULES
from recall.conformance import Violation
from simulator.errors import ContractError
from simulator.plugins import load_object

GROUP: Final = "funnelab.credit_rules"
"""Entry points of this group are credit rules that a package brings, by their names."""

Floats = NDArray[np.float64]

_SETTING = "attribution.rules"
_TOLERANCE = 1e-6  # of sums of credits that a rule returns
_SAME = 1e-9  # relative and absolute: last bits may depend on the shape of a batch


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
    if ":" in name:
        return _made(load_object(name, _SETTING), name)
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        known = f" ({', '.join(sorted(points))})" if points else ", of which there are none"
        wanted = f"a built-in rule, MODULE:OBJECT or an entry point of {GROUP}{known}"
        raise ContractError(f"{_SETTING} == {name!r}, must be {wanted}")
    return _made(load_object(points[name].value, _SETTING), name)


def check_rules(rules: Sequence[str]) -> None:
    """Refuse rules of credit that do not exist before any work is done.

    Raises:
        ContractError: a rule that cannot be found or made.
    """
    for rule in rules:
        if rule not in BUILT_IN_RULES:
            load_rule(rule)


def _made(found: Any, name: str) -> CreditRule:
    made = found
    if isclass(found):
        try:
            made = found()
        except Exception as error:  # a user's class may fail in any way
            raise ContractError(
                f"rule {name}: {found.__name__}() raised {error!r}, must make a rule of paths"
            ) from error
    if not callable(made):
        raise ContractError(f"rule {name} == {type(made).__name__}, must be callable with paths")
    rule: CreditRule = made
    return rule


def credits_of(rule: CreditRule, paths: Paths, name: str) -> Floats:
    """(E, C) what a rule gives each channel of each outcome; a row sums to 1.

    Args:
        name: of the rule, for errors.

    Raises:
        ContractError: the rule raised, or its answer breaks the contract.
    """
    try:
        found = np.asarray(rule(paths))
    except Exception as error:  # a user's rule may fail in any way
        raise ContractError(f"rule {name} raised {error!r}, must return credits") from error
    if found.dtype.kind not in "fiub":
        raise ContractError(f"rule {name}: dtype == {found.dtype}, must be numbers")
    weights, credits = (len(paths.age_T),), (len(paths), len(paths.channels))
    if found.shape not in (weights, credits):
        raise ContractError(
            f"rule {name}: shape == {found.shape}, must be {weights} weights of touches "
            f"or {credits} credits of outcomes and channels"
        )
    values = found.astype(np.float64)
    _check(values, paths, name)
    return _shared(values, paths) if values.ndim == 1 else values / values.sum(1, keepdims=True)


def _check(values: Floats, paths: Paths, name: str) -> None:
    """Raise on a value that is not finite or is negative, and on sums that give no credit."""
    outcomes = values.ndim == 2
    row_N = np.arange(len(paths)) if outcomes else paths.outcome_T
    bad = ~(np.isfinite(values) & (values >= 0))
    bad_N = bad.any(axis=1) if outcomes else bad
    if bad_N.any():
        at = int(np.flatnonzero(bad_N)[0])
        told = values[at].tolist() if outcomes else values[at]
        raise ContractError(f"{_place(name, paths, row_N[at])} == {told}, must be finite and >= 0")
    if outcomes:
        sum_E = values.sum(axis=1)
        wrong_E, wanted = np.abs(sum_E - 1) > _TOLERANCE, "sum to 1"
    else:
        sum_E = np.bincount(paths.outcome_T, values, len(paths))
        wrong_E, wanted = ~((sum_E > 0) & np.isfinite(sum_E)), "have a positive, finite sum"
    if wrong_E.any():
        at = int(np.flatnonzero(wrong_E)[0])
        raise ContractError(f"{_place(name, paths, at)} sum to {sum_E[at]:g}, must {wanted}")


def _place(name: str, paths: Paths, row: int) -> str:
    return f"rule {name}: values of outcome {row} ({paths.event_E[row]}, {paths.n_E[row]} touches)"


def _shared(weight_T: Floats, paths: Paths) -> Floats:
    """(E, C) weights normalised over an outcome's touches, shared by each touch's channels."""
    whole_E = np.bincount(paths.outcome_T, weight_T, len(paths))
    found_TC = (paths.sources_T[:, None] >> np.arange(len(paths.channels))) & 1
    share_T = weight_T / whole_E[paths.outcome_T] / found_TC.sum(axis=1)
    columns = [
        np.bincount(paths.outcome_T, share_T * found_T, len(paths)) for found_T in found_TC.T
    ]
    return np.stack(columns, axis=1)


def check_rule(found: Any) -> list[Violation]:
    """Every way in which a rule breaks the contract; [] if none.

    It is asked about sample paths, about none, twice, outcome by outcome, in another order, and
    with arrays that cannot be written to.

    Args:
        found: a rule, or a class that makes one.
    """
    name = getattr(found, "__name__", type(found).__name__)
    try:
        rule = _made(found, name)
        paths = sample_paths()
        whole_EC = credits_of(rule, paths, name)
    except ContractError as error:
        return [Violation("rule()", str(error), "keep the contract")]
    return list(_repeated(rule, paths, whole_EC, name))


def _repeated(rule: CreditRule, paths: Paths, whole_EC: Floats, name: str) -> Iterator[Violation]:
    rows = np.arange(len(paths))
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
            yield Violation(place, str(error), "keep the contract")
            continue
        if not np.allclose(np.concatenate(found), whole_EC[np.concatenate(orders)], _SAME, _SAME):
            yield Violation(place, "other credits", wanted)


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
