"""The words of queries and items, and their numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from recall.arrays import Ragged
from recall.understanding.filledcatalog import FilledCatalog
from simulator.catalogue.catalog import Catalog
from simulator.scripts import words_in


def singular(word: str) -> str:
    """Undo a plain English plural (the S-stemmer of Harman, JASIS 42(1), 1991).

    Short words and words with a digit stay as they are.
    """
    if len(word) < 4 or word[-1] != "s" or not word.isalpha():
        return word
    if word.endswith("ies"):
        return word if word[-4] in "ae" else word[:-3] + "y"
    if word.endswith("es"):
        return word if word[-3] in "aeo" else word[:-1]
    return word if word[-2] in "us" else word[:-1]


@lru_cache(maxsize=4_096)  # every channel and the features read the texts of the same batch
def words(text: str, *, plurals: bool = True) -> tuple[str, ...]:
    """Lowercase runs of letters and digits, in order; plurals undone where asked for.

    Where a script has no spaces between words, n-grams of its characters stand for them.
    """
    found = words_in(text.lower())
    return tuple(singular(word) for word in found) if plurals else tuple(found)


@dataclass(frozen=True)
class WordNumbers:
    """The words of some texts, numbered by first appearance."""

    number: dict[str, int]
    plurals: bool = True

    @staticmethod
    def learn(texts: Iterable[str], *, plurals: bool = True) -> tuple["WordNumbers", Ragged]:
        """The vocabulary of these texts, and the texts as word numbers."""
        number: dict[str, int] = {}
        lists = [
            [number.setdefault(word, len(number)) for word in words(text, plurals=plurals)]
            for text in texts
        ]
        return WordNumbers(number, plurals), Ragged.of(lists)

    def __len__(self) -> int:
        return len(self.number)

    def encode(self, texts: Sequence[str]) -> Ragged:
        """The known words of each text, in order; unknown words are left out."""
        number = self.number
        return Ragged.of(
            [
                [number[word] for word in words(text, plurals=self.plurals) if word in number]
                for text in texts
            ]
        )


def item_texts(
    catalog: Catalog, *, description: bool = False, brand: bool = False, category: bool = False
) -> list[str]:
    """Title of each item, with what else is asked for; unknown brands and categories add nothing.

    Of a category path the last part is taken. Words that a step of understanding has added stand at
    the end.
    """
    columns: list[Sequence[str]] = [list(catalog.title_I)]
    if description:
        columns.append(list(catalog.description_I))
    if brand:
        names = (*catalog.brands, "")
        columns.append([names[code] for code in catalog.brand_I])
    if category:
        leaves = (*(path.rpartition(">")[2].strip() for path in catalog.categories), "")
        columns.append([leaves[code] for code in catalog.category_I])
    if isinstance(catalog, FilledCatalog) and catalog.added_I is not None:
        columns.append(list(catalog.added_I))
    return [" ".join(parts) for parts in zip(*columns, strict=True)]
