"""The conformance suite of a catalogue step, run on a tiny shop."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recall.sampleshop import sample_catalog, sample_history, sample_texts, title_texts
from recall.storage import saved_copy
from recall.understanding.contract import violations
from recall.understanding.filled import Filled, values_of
from recall.understanding.understanding import Understanding
from simulator.calling import call
from simulator.catalogue.catalog import Catalog, Structured
from simulator.errors import FunnelabError
from simulator.log.history import History
from simulator.plugins import Violation

_ITEMS = 120
_TOLERANCE = 1e-6


def check_understanding(
    factory: Callable[[], Understanding], catalog: Catalog | None = None
) -> list[Violation]:
    """Every way in which the steps that `factory` makes break the contract; [] if none.

    A step is fitted on a tiny shop with a log and without one, and asked to fill it: whole, turned
    around, a few items alone, and after it was saved. Two shops are to be refused with an error of
    funnelab's own, where they are not filled: one that publishes no values, whose categories alone
    can be filled, and one with an attribute of one value.

    Args:
        factory: makes a step.
        catalog: the items; None: those of a tiny shop.
    """
    texts = title_texts(catalog) if catalog is not None else sample_texts()
    public = _locked(catalog if catalog is not None else shop_with_values())
    findings: list[Violation] = []
    log = sample_history(public, 200, texts=texts)
    for label, history in (("", log), (" without a log", History.empty())):
        try:
            step = call("factory()", factory)
            if not isinstance(step, Understanding):
                return [Violation("understanding", type(step).__name__, "have fit and fill")]
            call("fit()", step.fit, public, history, rng=np.random.default_rng(0))
        except Exception as error:
            findings.append(Violation.raised(f"fit(){label}", error, "learn"))
            continue
        findings += _Check(step, public, label).run()
    return [*findings, *_refusals(factory, public)]


def shop_with_values(items: int = _ITEMS) -> Catalog:
    """The tiny shop with colours, which titles tell, and sizes, both published in part."""
    plain, item_I = sample_catalog(items), np.arange(items)
    colours = ("red", "blue", "black", "white", "green")
    sizes = ("small", "large")
    colour_I = np.where(item_I % 7 < 4, (item_I // 6) % 5, -1)
    size_I = np.where(item_I % 5 < 2, 5 + item_I % 4 // 2, -1)
    first_I = np.where(colour_I >= 0, colour_I, size_I)
    second_I = np.where(colour_I >= 0, size_I, -1)
    structured = Structured(
        values_IV=np.stack([first_I, second_I], axis=1).astype(np.int32),
        value_names=(*colours, *sizes),
        attribute_W=np.array([0] * 5 + [1] * 2, np.int32),
        attributes=("colour", "size"),
    )
    return replace(plain, structured=structured)


def rows_of(catalog: Catalog, rows: NDArray[np.integer]) -> Catalog:
    """Some items of a catalogue, in this order."""
    columns = {
        each.name: getattr(catalog, each.name)[rows]
        for each in fields(catalog)
        if each.name.endswith("_I")
    }
    structured = catalog.structured
    if structured is not None:
        structured = replace(structured, values_IV=structured.values_IV[rows])
    return replace(catalog, **columns, structured=structured)


def _locked(catalog: Catalog) -> Catalog:
    """The same with arrays that nobody may write."""
    columns: dict[str, Any] = {}
    for each in fields(catalog):
        value = getattr(catalog, each.name)
        if isinstance(value, np.ndarray):
            columns[each.name] = value.copy()
            columns[each.name].flags.writeable = False
    structured = catalog.structured
    if structured is not None:
        values_IV = structured.values_IV.copy()
        values_IV.flags.writeable = False
        structured = replace(structured, values_IV=values_IV)
    return replace(catalog, **columns, structured=structured)


class _Check:
    """The checks of one fitted step."""

    def __init__(self, step: Understanding, public: Catalog, label: str) -> None:
        self._step, self._public, self._label = step, public, label

    def run(self) -> list[Violation]:
        """All violations; the later checks are left out where a plain filling already fails."""
        findings = list(self._guarded("fill()", self._plain))
        if not findings:
            turned = np.arange(len(self._public))[::-1]
            few = np.arange(len(self._public))[3:6]
            for place, check in (
                ("fill() asked twice", lambda at: self._rows(at, turned[::-1])),
                ("fill() of items in another order", lambda at: self._rows(at, turned)),
                ("fill() of a few items", lambda at: self._rows(at, few)),
                ("saving", self._kept),
            ):
                findings += self._guarded(place, check)
        return findings

    def _guarded(
        self, place: str, check: Callable[[str], Iterator[Violation]]
    ) -> Iterator[Violation]:
        place += self._label
        try:
            yield from check(place)
        except Exception as error:
            yield Violation.raised(place, error, "answer")

    def _fill(self, catalog: Catalog) -> Filled:
        return call("fill()", self._step.fill, catalog)

    def _plain(self, place: str) -> Iterator[Violation]:
        corrects = bool(getattr(self._step, "corrects", False))
        yield from violations(self._public, self._fill(self._public), corrects=corrects)

    def _rows(self, place: str, rows: NDArray[np.integer]) -> Iterator[Violation]:
        whole = self._fill(self._public)
        some = self._fill(_locked(rows_of(self._public, rows)))
        if not _alike(whole, some, rows):
            yield Violation(place, "other guesses", "depend on each item alone")

    def _kept(self, place: str) -> Iterator[Violation]:
        before = self._fill(self._public)
        after = saved_copy(self._step).fill(self._public)
        if not _alike(before, after, np.arange(len(self._public))):
            yield Violation(place, "other guesses of a saved copy", "be kept")


def _alike(whole: Filled, some: Filled, rows: NDArray[np.integer]) -> bool:
    """Whether the rows of a filled catalogue are those of another one."""
    if not np.array_equal(whole.catalog.category_I[rows], some.catalog.category_I):
        return False
    width = max(whole.confidence_IV.shape[1], some.confidence_IV.shape[1])
    values, sure = [], [whole.category_confidence_I[rows], some.category_confidence_I]
    for filled, kept in ((whole, rows), (some, np.arange(len(rows)))):
        missing = ((0, 0), (0, width - filled.confidence_IV.shape[1]))
        values_IV = values_of(filled.catalog).values_IV[kept]
        values.append(np.pad(values_IV, missing, constant_values=-1))
        sure.append(np.pad(filled.confidence_IV[kept], missing))
    return (
        np.array_equal(values[0], values[1])
        and np.allclose(sure[0], sure[1], atol=_TOLERANCE)
        and np.allclose(sure[2], sure[3], atol=_TOLERANCE)
    )


def _refusals(factory: Callable[[], Understanding], public: Catalog) -> Iterator[Violation]:
    """Shops that cannot be filled are filled, or refused in words."""
    one = Structured(
        values_IV=np.zeros((len(public), 1), np.int32),
        value_names=("red",),
        attribute_W=np.zeros(1, np.int32),
        attributes=("colour",),
    )
    for where, shop in (
        ("on a shop without values", replace(public, structured=None)),
        ("on an attribute of one value", replace(public, structured=one)),
    ):
        try:
            step = factory()
            step.fit(shop, History.empty(), rng=np.random.default_rng(0))
            step.fill(shop)
        except FunnelabError:
            continue
        except Exception as error:
            wanted = "fill it, or raise a ConfigError or DataError"
            yield Violation.raised(f"fit() {where}", error, wanted)
            continue
        if shop.structured is None:
            yield from _Check(step, shop, f" {where}").run()
