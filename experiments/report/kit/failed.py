"""What is said of parts that failed while a command went on without them."""

from collections.abc import Sequence

from experiments.records.manifest import Failed
from experiments.records.reading import grouped
from experiments.report.kit.sentences import REASONS, begun, counted

_SHOWN = 3  # stages that are named


def told_failed(rows: Sequence[Failed]) -> tuple[str, ...]:
    """A sentence for each part that failed, and each way in which it did."""
    parts = grouped(rows, lambda row: (row.part, row.reason))
    return tuple(_told(part, reason, own) for (part, reason), own in parts.items())


def _told(part: str, reason: str, rows: Sequence[Failed]) -> str:
    requests = sum(row.requests for row in rows)
    stages = list(dict.fromkeys(row.stage for row in rows if row.stage))
    more = [f"{len(stages) - _SHOWN} more"] if len(stages) > _SHOWN else []
    where = f" (in {', '.join([*stages[:_SHOWN], *more])})" if stages else ""
    what = "was left out" if not requests else f"is missing from {counted(requests, 'request')}"
    failed = REASONS.get(reason, reason) if requests else "failed"
    return begun(f"{part} {failed} and {what}{where}: {rows[0].detail}")
