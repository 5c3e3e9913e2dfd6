"""What the ids of each scheme look like: cluster sizes and balance."""

from collections.abc import Iterable, Sequence
from statistics import fmean

import numpy as np

from experiments.records.ids import IdsRecord, Quality
from experiments.report.ids.schemes import scheme_name
from experiments.report.kit.bars import Part, stacked
from experiments.report.kit.digits import duration, fixed, number, percent
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import absent, figure, section
from experiments.report.kit.tables import Table

TITLE = "The ids themselves"


def shapes(record: IdsRecord) -> Html:
    """The section with the distribution of cluster sizes and the measures of balance."""
    if not record.quality:
        return section("shapes", TITLE, None, absent("The bench holds no measures of ids."))
    lead = (
        "How many items share an id, and how evenly the codes of each level are used. Large "
        "clusters raise hit rates and fill the list with what was not asked for."
    )
    names = bin_names(record.cluster_bins)
    rows = [(scheme, mean_shares(record, scheme)) for scheme in record.schemes]
    known = [(scheme, shares) for scheme, shares in rows if shares]
    picture = join(
        [shades(names), tag("div", *(stack(record, *each, names) for each in known), cls="stacks")]
    )
    cells = [
        [scheme_name(record, scheme), *(percent(share) for share in shares)]
        for scheme, shares in known
    ]
    numbers = Table("Share of items by size of their cluster", ["Scheme", *names], cells)
    described = "Stacked bars: share of items by the size of their cluster, one for each scheme"
    return section(
        "shapes",
        TITLE,
        lead,
        figure(picture, numbers, described, "Share of items by the size of their cluster"),
        tag("div", quality_table(record), cls="shown"),
    )


def shades(names: Sequence[str]) -> Html:
    """What the shades mean."""
    keys = (
        tag("span", tag("i", cls="key", style=f"--step:{at}"), name, cls="named")
        for at, name in enumerate(names)
    )
    return tag("div", *keys, cls="legend")


def stack(record: IdsRecord, scheme: str, shares: Sequence[float], names: Sequence[str]) -> Html:
    """A scheme's bar, darker for larger clusters."""
    parts = [
        Part(share, "", name, step=at)
        for at, (share, name) in enumerate(zip(shares, names, strict=True))
    ]
    label = tag("span", scheme_name(record, scheme), cls="label")
    return tag("div", label, stacked(parts))


def bin_names(bins: tuple[int, ...]) -> list[str]:
    """What each bin of the distribution holds."""
    starts = [1, *(end + 1 for end in bins[:-1])]
    names = [
        "alone" if end == 1 else f"{start} to {end}"
        for start, end in zip(starts, bins, strict=True)
    ]
    return [*names, f"over {number(bins[-1])}"]


def mean_shares(record: IdsRecord, scheme: str) -> list[float]:
    """A scheme's distribution, mean over seeds; empty where it has none."""
    own = [row.cluster_shares for row in record.quality if row.scheme == scheme]
    return [float(share) for share in np.mean(own, axis=0)] if own else []


def quality_table(record: IdsRecord) -> Table:
    """Perplexity, balance, purity and cost of every scheme."""
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
    rows = []
    for scheme in record.schemes:
        own = [row for row in record.quality if row.scheme == scheme]
        if own:
            rows.append((scheme, _quality_cells(own)))
    return rows


def _quality_cells(own: Sequence[Quality]) -> list[str]:
    levels = zip(*(row.perplexity_L for row in own), strict=True)
    return [
        fixed(fmean(row.ids for row in own), 0),
        " / ".join(number(mean(values), 2) for values in levels),
        number(mean(row.gini for row in own), 2),
        number(mean(row.p99 for row in own), 2),
        fixed(fmean(row.largest for row in own), 0),
        percent(mean(row.purity for row in own)),
        percent(mean(row.embedding_hit for row in own)),
        duration(mean(row.training_s for row in own)),
    ]


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
