"""The conformance suite of an augmentation, run on a tiny shop."""

from collections.abc import Callable, Iterator

import numpy as np

from recall.augmenting.augmentation import Augmentation, Synthetic, validate_synthetic
from recall.sampleshop import sample_catalog, sample_history, sample_texts, title_texts
from recall.steps.neverasked import never_asked
from recall.steps.tools import Tools
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError
from simulator.log.history import History
from simulator.plugins import Violation


def check_augmentation(
    factory: Callable[[], Augmentation], catalog: Catalog | None = None
) -> list[Violation]:
    """Every way in which the augmentations of `factory` break the contract; [] if none.

    An augmentation makes pairs of a tiny shop with a log and without one, twice by the same luck,
    and must not read texts that exist and that nobody has asked.

    Args:
        factory: makes an augmentation.
        catalog: the items; None: those of a tiny shop.
    """
    texts = title_texts(catalog) if catalog is not None else sample_texts()
    items = catalog if catalog is not None else sample_catalog()
    log = sample_history(items, texts=texts)

    def made(history: History) -> Synthetic:
        augmentation = call("factory()", factory)
        rng = np.random.default_rng(0)
        found: Synthetic = call("pairs()", augmentation.pairs, items, history, Tools(), rng=rng)
        return found

    try:
        augmentation = call("factory()", factory)
    except Exception as error:
        return [Violation.raised("factory()", error, "make an augmentation")]
    if not isinstance(augmentation, Augmentation):
        return [Violation("augmentation", type(augmentation).__name__, "have name and pairs")]
    nothing = sample_history(items, 0, texts=texts)
    findings = [
        *_valid("pairs()", lambda: made(log), len(items)),
        *_valid("pairs() with an empty history", lambda: made(nothing), len(items)),
    ]
    return findings or list(never_asked(made, log))


def _valid(place: str, make: Callable[[], Synthetic], items: int) -> Iterator[Violation]:
    try:
        first, second = make(), make()
        validate_synthetic(first, items)
        names = ("text_P", "item_P", "weight_P")
        if any(not np.array_equal(getattr(first, n), getattr(second, n)) for n in names):
            yield Violation(place, "other pairs by the same luck", "draw from rng alone")
    except ContractError as error:
        yield Violation.broken(place, error)
    except Exception as error:
        yield Violation.raised(place, error, "make pairs")
