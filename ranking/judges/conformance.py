"""The conformance suite of a relevance judge, run on a tiny shop."""

from collections.abc import Callable, Iterator

import numpy as np

from recall.judge import GRADES, Explaining, Floats, Judge, PairVerdicts, expected_grade
from recall.sampleshop import (
    sample_catalog,
    sample_history,
    sample_requests,
    sample_texts,
    title_texts,
)
from recall.storage import saved_copy
from simulator.annotations.pairs import (
    Annotations,
    BrandVerdict,
    CategoryVerdict,
    ValuesVerdict,
    grade_of,
)
from simulator.calling import call
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.plugins import Violation
from simulator.protocols import Requests

_WIDTH = 12
_PAIRS = 240
_TOLERANCE = 1e-5
_CODES = {  # of each verdict the largest code
    "category_BN": max(CategoryVerdict),
    "brand_BN": max(BrandVerdict),
    "values_BN": max(ValuesVerdict),
    "grade_BN": GRADES - 1,
}


def check_judge(factory: Callable[[], Judge], catalog: Catalog | None = None) -> list[Violation]:
    """Every way in which the judges that `factory` makes break the contract; [] if none.

    A judge is fitted on a tiny shop with annotations, without any, and without a log either, and
    asked in a batch, singly, about items in another order, about padding, and about nobody. One
    that says why (`Explaining`) is asked for its verdicts, too.

    Args:
        factory: makes a judge.
        catalog: the items; None: those of a tiny shop.
    """
    texts = title_texts(catalog) if catalog is not None else sample_texts()
    catalog = catalog if catalog is not None else sample_catalog()
    log = sample_history(catalog, 200, texts=texts)
    bought = _annotated(texts, len(catalog))
    findings: list[Violation] = []
    for label, history, annotations in (
        ("", log, bought),
        (" without annotations", log, Annotations.empty()),
        (" without a log", History.empty(), Annotations.empty()),
    ):
        try:
            judge = call("factory()", factory)
            if not isinstance(judge, Judge):
                found = type(judge).__name__
                return [Violation("judge", found, "have name, fit, grades and pair_scores")]
            rng = np.random.default_rng(0)
            call("fit()", judge.fit, catalog, history, annotations, rng=rng)
        except Exception as error:
            findings.append(Violation.raised(f"judge{label}", error, "be made and fitted"))
            continue
        findings += _Check(judge, catalog, sample_requests(catalog, texts=texts), label).run()
    return findings


def _annotated(texts: tuple[str, ...], items: int) -> Annotations:
    """Pairs with verdicts drawn at random, each once."""
    rng = np.random.default_rng(0)
    pair = rng.choice(len(texts) * items, min(_PAIRS, len(texts) * items), replace=False)
    verdicts = [rng.integers(0, most, len(pair)).astype(np.int8) for most in (3, 3, 4)]
    text_J, item_J = (each.astype(np.int32) for each in np.divmod(np.sort(pair), items))
    return Annotations(texts, text_J, item_J, grade_of(*verdicts), *verdicts)


class _Check:
    """The checks of one fitted judge."""

    def __init__(self, judge: Judge, catalog: Catalog, requests: Requests, label: str) -> None:
        self._judge, self._requests, self._label = judge, requests, label
        rng = np.random.default_rng(1)
        items_BN = np.stack([rng.permutation(len(catalog))[:_WIDTH] for _ in range(len(requests))])
        kept_B = np.linspace(items_BN.shape[1], 0, len(requests)).astype(int)
        held_BN = np.arange(items_BN.shape[1]) < kept_B[:, None]
        self._items_BN = np.where(held_BN, items_BN, -1).astype(np.int32)
        self._items_BN.flags.writeable = False

    def run(self) -> list[Violation]:
        """All violations; the later checks are left out where plain grades already fail."""
        findings = list(self._guarded("grades()", self._plain))
        if not findings:
            for place, check in (
                ("pair_scores()", self._scores),
                ("grades() of no requests", self._nobody),
                ("grades() asked singly", self._singles),
                ("grades() of items in another order", self._reordered),
                ("saving", self._kept),
            ):
                findings += self._guarded(place, check)
            if isinstance(self._judge, Explaining):
                findings += self._guarded("verdicts()", self._explained)
        return findings

    def _grades(self, requests: Requests, items_BN: Ints) -> Floats:
        found: Floats = call("grades()", self._judge.grades, requests, items_BN)
        return found

    def _guarded(
        self, place: str, check: Callable[[str], Iterator[Violation]]
    ) -> Iterator[Violation]:
        place += self._label
        try:
            yield from check(place)
        except Exception as error:
            yield Violation.raised(place, error, "answer")

    def _plain(self, place: str) -> Iterator[Violation]:
        shape = (*self._items_BN.shape, GRADES)
        found = self._grades(self._requests, self._items_BN)
        if not isinstance(found, np.ndarray) or found.shape != shape:
            yield Violation(f"{place}.shape", str(getattr(found, "shape", found)), f"be {shape}")
            return
        if found.dtype != np.float32:
            yield Violation(f"{place}.dtype", str(found.dtype), "be float32")
            return
        held_BN = self._items_BN >= 0
        if not np.isfinite(found).all() or (found < 0).any():
            yield Violation(place, "nan, inf or below 0", "be probabilities")
        elif np.abs(found[held_BN].sum(axis=1) - 1).max(initial=0) > 1e-4:
            yield Violation(place, "grades that do not sum to 1", "sum to 1 for every item")
        elif found[~held_BN].any():
            yield Violation(place, "a grade on padding", "be 0 there")

    def _scores(self, place: str) -> Iterator[Violation]:
        wanted = expected_grade(self._grades(self._requests, self._items_BN))
        found = call("pair_scores()", self._judge.pair_scores, self._requests, self._items_BN)
        if np.shape(found) != wanted.shape or not np.allclose(found, wanted, atol=_TOLERANCE):
            yield Violation(place, "other scores", "be the expected grade / 3")

    def _nobody(self, place: str) -> Iterator[Violation]:
        none = self._requests.rows(slice(0, 0))
        found = self._grades(none, self._items_BN[:0])
        if found.shape != (0, self._items_BN.shape[1], GRADES):
            yield Violation(f"{place}.shape", str(found.shape), "be empty")

    def _singles(self, place: str) -> Iterator[Violation]:
        together = self._grades(self._requests, self._items_BN)
        for row in range(len(self._requests)):
            some = slice(row, row + 1)
            alone = self._grades(self._requests.rows(some), self._items_BN[some])
            if not np.allclose(alone[0], together[row], atol=_TOLERANCE):
                yield Violation(place, f"other grades of request {row}", "be those of the batch")
                return

    def _reordered(self, place: str) -> Iterator[Violation]:
        plain = self._grades(self._requests, self._items_BN)
        turned = self._grades(self._requests, np.ascontiguousarray(self._items_BN[:, ::-1]))
        if not np.allclose(turned[:, ::-1], plain, atol=_TOLERANCE):
            yield Violation(place, "other grades", "depend on text and item alone")

    def _verdicts(self, requests: Requests, items_BN: Ints) -> PairVerdicts:
        assert isinstance(self._judge, Explaining)
        found: PairVerdicts = call("verdicts()", self._judge.verdicts, requests, items_BN)
        return found

    def _explained(self, place: str) -> Iterator[Violation]:
        found, held_BN = self._verdicts(self._requests, self._items_BN), self._items_BN >= 0
        for name, most in _CODES.items():
            codes_BN = getattr(found, name, None)
            if not isinstance(codes_BN, np.ndarray) or codes_BN.dtype != np.int8:
                said = getattr(codes_BN, "dtype", type(codes_BN).__name__)
                yield Violation(f"{place}.{name}.dtype", str(said), "be int8")
                return
            if codes_BN.shape != held_BN.shape:
                yield Violation(f"{place}.{name}.shape", str(codes_BN.shape), f"be {held_BN.shape}")
                return
            if (codes_BN[~held_BN] != -1).any():
                yield Violation(f"{place}.{name}", "a verdict on padding", "be -1 there")
            if ((codes_BN < 0) | (codes_BN > most))[held_BN].any():
                yield Violation(f"{place}.{name}", "an unknown code", f"be 0 to {most}")
        likeliest_BN = self._grades(self._requests, self._items_BN).argmax(axis=2)
        if (found.grade_BN != likeliest_BN)[held_BN].any():
            yield Violation(f"{place}.grade_BN", "another grade", "be the likeliest of grades()")
        for row in range(len(self._requests)):
            some = slice(row, row + 1)
            alone = self._verdicts(self._requests.rows(some), self._items_BN[some])
            if any((getattr(alone, n)[0] != getattr(found, n)[row]).any() for n in _CODES):
                yield Violation(place, f"other verdicts of request {row} alone", "be the same")
                return

    def _kept(self, place: str) -> Iterator[Violation]:
        before = self._grades(self._requests, self._items_BN)
        copy = saved_copy(self._judge)
        if not np.allclose(copy.grades(self._requests, self._items_BN), before, atol=_TOLERANCE):
            yield Violation(place, "other grades of a saved copy", "be kept")
