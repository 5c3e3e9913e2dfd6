"""What the ids of each scheme look like: cluster sizes and balance."""

from collections.abc import Iterable, Sequence
from statistics import fmean

import numpy as np

from experiments.records.ids import IdsRecord, Quality
from experiments.records.reading import rows_of
from experiments.report.ids.schemes import scheme_name
from experiments.report.kit.bars import Part, stacked
from experiments.report.kit.digits import duration, fixed, number, percent
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, absent, figure
from experiments.report.kit.tables import Table


def shapes(record: IdsRecord) -> Content:
    """The distribution of cluster sizes, and the measures of balance."""
    if not record.quality:
        return (absent("The bench holds no measures of ids."),)
    lead = (
        "How many items share an id, and how evenly the codes of each level are used. Large "
        "clusters raise hit rates and fill the list with what was not asked for."
    )
    bins = record.cluster_bins
    starts = [1, *(end + 1 for end in bins[:-1])]
    names = [
        "alone" if end == 1 else f"{start} to {end}"
        for start, end in zip(starts, bins, strict=True)
    ]
    names.append(f"over {number(bins[-1])}")
    known = {
        scheme: [float(share) for share in np.mean([row.cluster_shares for row in own], axis=0)]
        for scheme in record.schemes
        if (own := rows_of(record.quality, scheme=scheme))
    }
    shades = (
        tag("span", tag("i", cls="key", style=f"--step:{at}"), name, cls="named")
        for at, name in enumerate(names)
    )
    stacks = (_stack(record, scheme, shares, names) for scheme, shares in known.items())
    picture = join([tag("div", *shades, cls="legend"), tag("div", *stacks, cls="stacks")])
    numbers = Table.grid(
        "Share of items by size of their cluster",
        "Scheme",
        {scheme: scheme_name(record, scheme) for scheme in known},
        dict(enumerate(names)),
        lambda scheme, at: percent(known[scheme][at]),
    )
    described = "Stacked bars: share of items by the size of their cluster, one for each scheme"
    caption = "Share of items by the size of their cluster"
    drawn = figure(picture, numbers, described, caption)
    return lead, drawn, tag("div", _quality_table(record), cls="shown")


def _stack(record: IdsRecord, scheme: str, shares: Sequence[float], names: Sequence[str]) -> Html:
    """A scheme's bar, darker for larger clusters."""
    parts = [
        Part(share, "", f"{scheme}, {name}: {percent(share)}", step=at)
        for at, (share, name) in enumerate(zip(shares, names, strict=True))
    ]
    return tag("div", tag("span", scheme_name(record, scheme), cls="label"), stacked(parts))


def _quality_table(record: IdsRecord) -> Table:
    head = ["Scheme", "Ids", "Perplexity by level", "Gini", "p99", "Largest"]
    head += ["Category purity", "Nearest shares", "Training"]
    rows = [[scheme_name(record, scheme), *cells] for scheme, cells in quality_rows(record)]
    caption = (
        "Means over seeds. Perplexity: how many codes a level uses as if evenly. Gini, p99 and "
        "largest: items per id. Nearest shares: items whose nearest other item, by text vector, "
        "has the same id."
    )
    return Table(caption, head, rows)


def quality_rows(record: IdsRecord) -> list[tuple[str, list[str]]]:
    """Each scheme's ids: number, perplexity by level, inequality, sizes, purity, cost."""
    found = {scheme: rows_of(record.quality, scheme=scheme) for scheme in record.schemes}
    return [(scheme, _quality_cells(own)) for scheme, own in found.items() if own]


def _quality_cells(own: Sequence[Quality]) -> list[str]:
    levels = zip(*(row.perplexity_L for row in own), strict=True)
    return [
        fixed(fmean(row.ids for row in own), 0),
        " / ".join(number(_mean(values), 2) for values in levels),
        number(_mean(row.gini for row in own), 2),
        number(_mean(row.p99 for row in own), 2),
        fixed(fmean(row.largest for row in own), 0),
        percent(_mean(row.purity for row in own)),
        percent(_mean(row.embedding_hit for row in own)),
        duration(_mean(row.training_s for row in own)),
    ]


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
