"""A small log in which texts share clicks, and a channel whose parts are fitted with it."""

from dataclasses import replace
from typing import Any

import numpy as np

from recall.classic.lexical import LexicalChannel
from recall.rewriting.rewritten import RewrittenChannel
from recall.rewriting.settings import RewrittenSpec
from recall.sampleshop import sample_catalog, sample_history
from simulator.log.history import History

CATALOG = sample_catalog()


def clicked(texts: tuple[str, ...], clicks: list[tuple[int, list[int]]]) -> History:
    """A log of one request for each text number and the items that were clicked after it."""
    log = sample_history(CATALOG, len(clicks), texts=texts)
    rows = [row for row, (_, items) in enumerate(clicks) for _ in items]
    items = [item for _, items in clicks for item in items]
    none = np.zeros(0, np.int64)
    shown = len(rows)
    return replace(
        log,
        text_R=np.array([text for text, _ in clicks], np.int32),
        row_X=np.array(rows, np.int32),
        item_X=np.array(items, np.int32),
        position_X=np.zeros(shown, np.int16),
        sources_X=np.ones(shown, np.int32),
        clicked_X=np.ones(shown, np.bool_),
        carted_X=np.zeros(shown, np.bool_),
        propensity_X=np.ones(shown, np.float32),
        order_row_O=none.astype(np.int32),
        order_item_O=none.astype(np.int32),
        order_price_O=none.astype(np.float64),
        order_quantity_O=none.astype(np.int16),
        order_at_O=none.astype(np.float64),
    )


def rewritten(rewriter: Any, inner: Any = None, **settings: Any) -> RewrittenChannel:
    """A channel over unfitted parts, lexical where no inner channel is given."""
    spec = RewrittenSpec(rewriter="its", inner="lexical", **settings)
    return RewrittenChannel(spec, rewriter=rewriter, inner=inner or LexicalChannel())
