"""The contract of a reward's answer, checked at every call."""

from typing import Any

import numpy as np

from cqsid.rewards.reward import Floats
from simulator.errors import ContractError


class RewardFault(ValueError):
    """What is wrong with an answer: the value found and the value wanted."""

    def __init__(self, place: str, found: str, wanted: str) -> None:
        super().__init__(f"{place} == {found}, must be {wanted}")
        self.place, self.found, self.wanted = place, found, wanted


def validated(values: Any, shape: tuple[int, ...]) -> Floats:
    """The answer as float32.

    Raises:
        RewardFault: another shape, no numbers, or a number that is not finite in float32.
    """
    try:
        found = np.asarray(values)
    except Exception as error:
        raise RewardFault("values", f"{type(values).__name__} ({error})", "an array") from error
    if found.dtype.kind not in "fiub":
        raise RewardFault("dtype", str(found.dtype), "convertible to float32")
    if found.shape != shape:
        raise RewardFault("shape", str(found.shape), str(shape))
    with np.errstate(over="ignore"):  # it becomes infinite, which is told below
        out = found.astype(np.float32)
    finite = np.isfinite(out)
    if not finite.all():
        at = tuple(int(place[0]) for place in np.nonzero(~finite))
        place = f"values[{', '.join(map(str, at))}]"
        raise RewardFault(place, str(found[at]), "finite in float32")
    return out


def checked(values: Any, shape: tuple[int, ...], place: str) -> Floats:
    """The same for what runs.

    Raises:
        ContractError: a fault, with the reward's place.
    """
    try:
        return validated(values, shape)
    except RewardFault as fault:
        raise ContractError(f"{place}: {fault}") from fault
