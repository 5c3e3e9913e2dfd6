"""The contract of a credit rule's answer, checked at every call."""

import numpy as np

from experiments.attribution.credit.customrules import CreditRule, Floats, Paths
from simulator.errors import ContractError
from simulator.plugins import blaming

_TOLERANCE = 1e-6  # of sums of credits that a rule returns


def credits_of(rule: CreditRule, paths: Paths, name: str) -> Floats:
    """(E, C) what a rule gives each channel of each outcome; a row sums to 1.

    Args:
        name: of the rule, for errors.

    Raises:
        ContractError: the rule raised, or its answer breaks the contract.
    """
    with blaming(f"rule {name}", "return credits"):
        found = np.asarray(rule(paths))
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
