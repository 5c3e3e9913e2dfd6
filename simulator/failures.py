"""What failed while work went on without it: kept in mind until whoever keeps the work asks."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Failure:
    """A part that failed, and what went on without it.

    Attributes:
        part: what failed, as `channel mine`.
        reason: in what way, a `simulator.protocols.FaultReason`.
        requests: that were served without it; 0 for a part that serves none.
        detail: the first message.
    """

    part: str
    reason: str
    requests: int
    detail: str


_failures: dict[tuple[str, str], Failure] = {}  # of this process, since they were last taken


def note_failure(failure: Failure) -> None:
    """Keep in mind that a part failed; of one part and reason, requests are added up."""
    key = failure.part, failure.reason
    known = _failures.get(key)
    if known is not None:
        failure = replace(known, requests=known.requests + failure.requests)
    _failures[key] = failure


def take_failures() -> tuple[Failure, ...]:
    """What has failed in this process since this was last asked; it is forgotten."""
    found = tuple(_failures.values())
    _failures.clear()
    return found
