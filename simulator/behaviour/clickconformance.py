"""The conformance suite of a click model; `funnelab check click` runs it too."""

from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.behaviour.clickmodels import CheckedClickModel, ClickModel, Flags, Reals
from simulator.errors import ContractError
from simulator.plugins import Violation

_PAGES, _SLOTS = 40, 12


def check_click_model(factory: Callable[[], ClickModel]) -> list[Violation]:
    """Every way in which the click models that `factory` makes break the contract; [] if none.

    One is shown pages of phones and desktops, full ones and some with empty slots, twice, singly
    and in another order, no page, and pages on which nothing or everything attracts.
    """
    try:
        model = CheckedClickModel(factory(), "model")
    except ContractError as error:
        return [Violation("model", str(error), "be made")]
    pages: tuple[Any, ...] = _pages()
    try:
        whole = model(*pages)
    except ContractError as error:
        return [Violation("a page", str(error), "keep the contract")]
    rows = np.arange(_PAGES)
    nothing = (np.zeros_like(pages[0]), *pages[1:])
    found = []
    for place, orders, wanted in (
        ("model() asked twice", [rows], "be a function of its arguments"),
        ("model() asked singly", [rows[b : b + 1] for b in rows], "not depend on other pages"),
        ("model() in another order", [rows[::-1]], "not depend on other pages"),
        ("model() of no pages", [rows[:0], rows], "answer"),
    ):
        try:
            parts = [model(*(each[order] for each in pages)) for order in orders]
        except ContractError as error:
            found.append(Violation(place, str(error), "keep the contract"))
            continue
        order = np.concatenate(orders)
        for part, known in zip(zip(*parts, strict=True), whole, strict=True):
            if not np.array_equal(np.concatenate(part), known[order]):
                found.append(Violation(place, "another answer", wanted))
                break
    try:
        if model(*nothing)[1].any():
            wanted = "click nothing that does not attract (empty slots attract nothing)"
            found.append(Violation("model() of attraction 0", "clicks", wanted))
    except ContractError as error:
        found.append(Violation("model() of attraction 0", str(error), "keep the contract"))
    return found


def _pages() -> tuple[Reals, Flags, Reals, Reals]:
    """Attraction, devices and luck of pages; every third has empty slots at its end."""
    rng = np.random.default_rng(6)
    attraction_BK = rng.random((_PAGES, _SLOTS)).astype(np.float32)
    attraction_BK[::3, _SLOTS // 2 :] = 0
    attraction_BK[1] = 1
    look_BK, click_BK = rng.random((2, _PAGES, _SLOTS)).astype(np.float32)
    return attraction_BK, rng.random(_PAGES) < 0.5, look_BK, click_BK
