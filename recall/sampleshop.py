"""A tiny shop, made of public columns only, to try channels and rankers on."""

from dataclasses import replace

import numpy as np

from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.protocols import (
    DAY,
    EARLIER,
    Index,
    ItemStatistics,
    Requests,
    request_ids,
    session_ids,
)

_THINGS = ("chair", "table", "lamp", "laptop", "mouse", "camera")
_COLOURS = ("red", "blue", "black", "white", "green")
_BRANDS = ("Acme", "Nordlys", "Kestrel")


def sample_catalog(n_items: int = 60) -> Catalog:
    """Items of six categories, three brands and five colours; some lack category or brand."""
    item_I = np.arange(n_items)
    thing_I, colour_I, brand_I = item_I % 6, (item_I // 6) % 5, item_I % 3
    titles = [
        f"{_BRANDS[b]} {_COLOURS[c]} {_THINGS[t]} {100 + i % 7}"
        for i, t, c, b in zip(item_I, thing_I, colour_I, brand_I, strict=True)
    ]
    return Catalog(
        key_I=np.array([f"sku-{i}" for i in item_I], dtype=object),
        title_I=np.array(titles, dtype=object),
        description_I=np.array([f"a {_THINGS[t]}" if t else "" for t in thing_I], dtype=object),
        brand_I=np.where(item_I % 11 == 10, -1, brand_I).astype(np.int32),
        category_I=np.where(item_I % 13 == 12, -1, thing_I).astype(np.int32),
        price_I=(10.0 + item_I).astype(np.float64),
        seller_I=(item_I % 4).astype(np.int32),
        rating_I=np.full(n_items, 4.0, np.float32),
        created_at_I=np.full(n_items, -30 * DAY),
        retired_at_I=np.full(n_items, np.inf),
        brands=_BRANDS,
        categories=tuple(f"{'Home' if t < 3 else 'Tech'} > {_THINGS[t]}" for t in range(6)),
        department_C=np.array([0, 0, 0, 1, 1, 1], np.int32),
    )


def sample_texts() -> tuple[str, ...]:
    """A colour and a thing, a thing alone, and texts that no item matches."""
    pairs = [f"{colour} {thing}" for thing in _THINGS for colour in _COLOURS[:2]]
    return (*pairs, *_THINGS, "zzzz qqqq", "", "lap top blu", "?!")


def title_texts(catalog: Catalog, most: int = 24) -> tuple[str, ...]:
    """Queries for a catalogue of any shop: the first words of some titles, and odd ones."""
    some = np.linspace(0, len(catalog) - 1, min(most, len(catalog))).astype(np.int64)
    words = (" ".join(str(title).split()[:2]) for title in catalog.title_I[some])
    return (*dict.fromkeys(words), "zzzz qqqq", "", "?!")


def sample_history(
    catalog: Catalog,
    n_requests: int = 200,
    seed: int = 7,
    texts: tuple[str, ...] | None = None,
) -> History:
    """A log in which shoppers saw four random items a request and clicked and bought some.

    With `n_requests=0` the log is empty.
    """
    rng = np.random.default_rng(seed)
    texts, n_shown = sample_texts() if texts is None else texts, 4 * n_requests
    row_R = np.arange(n_requests)
    session_R = session_ids(row_R // 6, (row_R // 3) % 2)
    row_X = np.repeat(row_R, 4).astype(np.int32)
    item_X = rng.integers(0, len(catalog), n_shown).astype(np.int32)
    clicked_X = rng.random(n_shown) < 0.4
    bought = np.flatnonzero(clicked_X & (rng.random(n_shown) < 0.3))
    return History(
        texts=texts,
        channels=("lexical",),
        request_R=request_ids(session_R, row_R % 3).astype(np.int64),
        shopper_R=(row_R // 6).astype(np.int64),
        text_R=rng.integers(0, len(texts), n_requests).astype(np.int32),
        at_R=(row_R * 60.0).astype(np.float64),
        page_R=np.zeros(n_requests, np.int16),
        device_R=np.zeros(n_requests, np.int8),
        gender_R=np.full(n_requests, 2, np.int8),
        age_R=np.zeros(n_requests, np.int8),
        row_X=row_X,
        item_X=item_X,
        position_X=np.tile(np.arange(4), n_requests).astype(np.int16),
        sources_X=np.ones(n_shown, np.int32),
        clicked_X=clicked_X,
        carted_X=np.isin(np.arange(n_shown), bought),
        propensity_X=np.full(n_shown, 1 / max(len(catalog), 1), np.float32),
        order_row_O=row_X[bought],
        order_item_O=item_X[bought],
        order_price_O=catalog.price_I[item_X[bought]],
        order_quantity_O=np.ones(len(bought), np.int16),
        order_at_O=(row_X[bought] * 60.0 + 30.0).astype(np.float64),
    )


def sample_requests(
    catalog: Catalog, n_requests: int = 24, seed: int = 8, texts: tuple[str, ...] | None = None
) -> Requests:
    """Requests for all texts in turn, by shoppers with no, some or a full history."""
    rng = np.random.default_rng(seed)
    texts = sample_texts() if texts is None else texts
    row_B = np.arange(n_requests)
    history_BH = rng.integers(0, len(catalog), (n_requests, 5))
    earlier_BQ = np.sort(rng.integers(0, 2 * len(texts), (n_requests, EARLIER)))  # some are none
    return replace(
        Requests.of_texts(texts).rows(row_B % len(texts)),
        id_B=request_ids(session_ids(row_B, row_B * 0), row_B * 0).astype(np.int64),
        shopper_B=row_B.astype(np.int64),
        at_B=(30 * DAY + row_B).astype(np.float64),
        earlier_BQ=np.where(earlier_BQ < len(texts), earlier_BQ, -1).astype(np.int32),
        history_BH=np.where(np.arange(5) < (row_B % 6)[:, None], history_BH, -1).astype(np.int32),
        device_B=(row_B % 2).astype(np.int8),
        gender_B=(row_B % 3).astype(np.int8),
        age_B=(row_B % 6).astype(np.int8),
    )


def sample_index(catalog: Catalog, seed: int = 9) -> Index:
    """A snapshot in which every seventh item is sold out."""
    rng = np.random.default_rng(seed)
    orders_I = rng.poisson(1.0, len(catalog)).astype(np.float32)
    statistics = ItemStatistics(orders_I * 50 + 20, orders_I * 5, orders_I)
    available_I = np.arange(len(catalog)) % 7 != 6
    return Index(30 * DAY, catalog.price_I, available_I, (statistics,))
