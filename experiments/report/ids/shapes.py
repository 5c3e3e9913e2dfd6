"""What the ids of each scheme look like: cluster sizes and balance."""

import numpy as np

from experiments.records.ids import IdsRecord
from experiments.report.ids.pictures import scheme_name, stacks
from experiments.report.ids.tables import quality_rows
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.tables import absent, figure, section, table
from experiments.report.kit.words import number, percent

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
    picture = stacks([(scheme_name(record, scheme), shares) for scheme, shares in known], names)
    cells = [
        [scheme_name(record, scheme), *(percent(share) for share in shares)]
        for scheme, shares in known
    ]
    numbers = table("Share of items by size of their cluster", ["Scheme", *names], cells)
    described = "Stacked bars: share of items by the size of their cluster, one for each scheme"
    return section(
        "shapes",
        TITLE,
        lead,
        figure("Share of items by the size of their cluster", picture, numbers, described),
        tag("div", quality_table(record), cls="shown"),
    )


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


def quality_table(record: IdsRecord) -> Html:
    """Perplexity, balance, purity and cost of every scheme."""
    head = ["Scheme", "Ids", "Perplexity by level", "Gini", "p99", "Largest"]
    head += ["Category purity", "Nearest shares", "Training"]
    rows = [[scheme_name(record, scheme), *cells] for scheme, cells in quality_rows(record)]
    caption = (
        "Means over seeds. Perplexity: how many codes a level uses as if evenly. Gini, p99 and "
        "largest: items per id. Nearest shares: items whose nearest other item, by text vector, "
        "has the same id."
    )
    return table(caption, head, rows)
