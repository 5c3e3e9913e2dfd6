"""How late pages are in a cell, and how often they come without a channel, alone and together.

An A/B test splits the load of a channel that one arm has; with everybody in that arm its servers
have more to do. Both are told, for that is what an A/B test does not see.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from experiments.inference.logs import read_manifest
from experiments.records.files import read_json
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Contrast
from experiments.records.reading import row_of
from experiments.records.sweep import CellService
from experiments.sweep.finished import Finished

_LATENCY = "latency"


def services(found: Finished) -> list[CellService]:
    """A row for each comparison of a cell whose worlds are there."""
    rows = []
    for contrast in found.metrics.contrasts:
        late = row_of(found.truths.truth, metric=_LATENCY, contrast=contrast)
        worlds = found.worlds(contrast, late.seeds) if late is not None else None
        if late is None or worlds is None:
            continue
        together = _missing(worlds.treatment, contrast[1])
        channel = max(together, key=lambda name: (together[name], name), default="")
        rows.append(
            CellService(
                cell=found.name,
                contrast=contrast,
                control=late.control,
                treatment=late.treatment,
                channel=channel,
                test=_in_test(found, contrast, channel),
                everybody=together[channel] if channel else 0.0,
                naive=_naive(found, contrast),
            )
        )
    return rows


def _missing(logs: Sequence[Path], arm: str) -> dict[str, float]:
    """The share of an arm's pages that came without each channel, in worlds of that arm alone."""
    counts: Counter[str] = Counter()
    for log in logs:
        for fault in read_manifest(log).faults:
            if fault["arm"] == arm:
                counts[fault["channel"]] += fault["requests"]
    pages = sum(read_json(log / "manifest.json")["rows"]["requests"] for log in logs)
    return {channel: count / pages for channel, count in counts.items()} if pages else {}


def _in_test(found: Finished, contrast: Contrast, channel: str) -> float:
    """The share of the treatment's pages that came without a channel in the A/B test."""
    dropped = found.metrics.health.dropped
    own = [row for row in dropped if (row.arm, row.channel) == (contrast[1], channel)]
    return sum(row.share or 0.0 for row in own)


def _naive(found: Finished, contrast: Contrast) -> Interval:
    row = found.metrics.lift(found.metrics.primary, contrast)
    return row.relative if row is not None else UNKNOWN
