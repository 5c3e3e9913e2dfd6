"""A catalogue as it is after a step of understanding."""

from dataclasses import dataclass

from simulator.catalogue.catalog import Catalog, Texts


@dataclass(frozen=True)
class FilledCatalog(Catalog):
    """A catalogue with the guesses that are sure enough.

    Attributes:
        added_I: words of filled values which title and description of an item do not have, ""
            where there are none. `recall.texts.words.item_texts` has them, too.
    """

    added_I: Texts | None = None
