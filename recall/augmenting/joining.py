"""Pairs of a log and pairs that were made, as one set to learn from."""

from collections.abc import Sequence

import numpy as np

from recall.augmenting.augmentation import Synthetic
from simulator.catalogue.catalog import Ints


def joined(
    texts: Sequence[str],
    text_P: Ints,
    item_P: Ints,
    made: Sequence[Synthetic],
    share: float,
    rng: np.random.Generator,
) -> tuple[list[str], Ints, Ints]:
    """The pairs of a log with so many made ones behind them that these are a share of the whole.

    Args:
        texts, text_P, item_P: the log's.
        made: of each augmentation, all of which bring as many pairs.
        share: of the made pairs; without a pair of the log none is added.
        rng: draws them.

    Returns:
        Texts, and the text and item of each pair.
    """
    row_of = {text: row for row, text in enumerate(texts)}
    text_parts, item_parts = [text_P], [item_P]
    held = [each for each in made if len(each.text_P)]
    count = round(share / (1 - share) * len(text_P) / max(len(held), 1))
    for each in held:
        text_D, item_D = each.drawn(count, rng)
        number_U, row_D = np.unique(text_D, return_inverse=True)
        rows = [row_of.setdefault(each.texts[number], len(row_of)) for number in number_U.tolist()]
        text_parts.append(np.array(rows, np.int32)[row_D])
        item_parts.append(item_D)
    return list(row_of), np.concatenate(text_parts), np.concatenate(item_parts)
