"""Titles and descriptions, rendered from structured attributes with synonyms and omissions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints, Texts
from simulator.catalogue.sampling import Indices
from simulator.catalogue.taxonomy import Words, capitalised
from simulator.randomness import Draws

# How brands word their titles: b brand, m model, n noun, digits the slots of attribute values
# (the last slot is the kind of thing and stays with the noun).
_LAYOUTS = ("bm6n20415", "b061n3425", "b346n1025", "0246nb135m", "b6nm20143", "306nb5124")
_MODEL_SHARE = 0.3  # of items carry a model name
_MODELS = tuple("Pro Plus Neo Max One Air X S Lite Prime Edge GT".split())


@dataclass(frozen=True)
class WordTable:
    """Words per code, flattened, so that a whole column of codes is worded at once."""

    words: Texts
    start: Indices
    count: Indices

    @classmethod
    def of(cls, groups: tuple[Words, ...]) -> "WordTable":
        """From the words of each code, the canonical one first."""
        count = np.array([len(group) for group in groups], np.int64)
        flat = np.fromiter((word for group in groups for word in group), object)
        return cls(flat, np.cumsum(count) - count, count)

    def pick(
        self, code_B: Ints, synonym_share: float, purpose: str, key_B: Indices, draws: Draws
    ) -> Texts:
        """(B,) a word for each code, with some share of synonyms; "" where the code is -1."""
        if not len(self.words):
            return np.full(len(code_B), "", object)
        others_B = self.count[code_B] - 1
        chance_B = draws.uniform(purpose, slot=key_B)
        # The same uniform, stretched, chooses among the synonyms.
        which_B = np.minimum(chance_B / max(synonym_share, 1e-12) * others_B, others_B - 1)
        replaced_B = (chance_B < synonym_share) & (others_B > 0)
        at_B = self.start[code_B] + np.where(replaced_B, 1 + which_B, 0).astype(np.int64)
        return np.where(code_B >= 0, self.words[at_B], "")


def render_titles(
    category_I: Indices,
    brand_I: Indices,
    values_IS: Ints,
    nouns: tuple[Words, ...],
    values: tuple[Words, ...],
    brands: Words,
    synonym_share: float,
    omission_share: float,
    draws: Draws,
) -> tuple[Texts, Texts]:
    """(I,) titles and (I,) descriptions of a generated catalogue.

    Each value keeps to its slot s of S in `values_IS` (-1 where the item has none). A value is
    left out of the title with probability `omission_share`, and then mostly stands in the
    description; each word is a synonym with probability `synonym_share`.
    """
    item = np.arange(len(category_I))
    slots = values_IS.shape[1]
    cell_IS = item[:, None] * slots + np.arange(slots)
    omitted_IS = draws.uniform("title.omission", slot=cell_IS) < omission_share
    told_IS = draws.uniform("description.omission", slot=cell_IS) < 0.75
    table = WordTable.of(_titled(values))
    plain = WordTable.of(values)
    columns: dict[str, Texts] = {}
    details = []
    for slot in range(slots):
        code_I, key_I = values_IS[:, slot], cell_IS[:, slot]
        shown_I = np.where(omitted_IS[:, slot], -1, code_I)
        hidden_I = np.where(omitted_IS[:, slot] & told_IS[:, slot], code_I, -1)
        columns[str(slot)] = table.pick(shown_I, synonym_share, "title.word", key_I, draws)
        details.append(plain.pick(hidden_I, synonym_share, "description.word", key_I, draws))
    noun_I = category_I.astype(np.int32)
    titled = WordTable.of(_titled(nouns))
    columns["n"] = titled.pick(noun_I, synonym_share, "title.noun", item, draws)
    columns["b"] = np.array([*brands, ""], object)[brand_I]
    columns["m"] = _models(item, draws)
    layout_I = _layouts(brand_I, draws)
    return _join(columns, layout_I), _describe(details)


def _titled(groups: tuple[Words, ...]) -> tuple[Words, ...]:
    return tuple(tuple(capitalised(word) for word in group) for group in groups)


def _models(item: Indices, draws: Draws) -> Texts:
    bits_I = draws.bits("title.model", slot=item)
    chance_I = draws.uniform("title.has_model", slot=item)
    names = np.array([f"{name} {number}" for name in _MODELS for number in range(1, 100)], object)
    return np.where(chance_I < _MODEL_SHARE, names[bits_I % np.uint64(len(names))], "")


def _layouts(brand_I: Indices, draws: Draws) -> Indices:
    """(I,) a brand has one habit of wording; unbranded items vary."""
    key_I = np.where(brand_I >= 0, brand_I, -1 - np.arange(len(brand_I)))
    return (draws.bits("title.layout", slot=key_I) % np.uint64(len(_LAYOUTS))).astype(np.int64)


def _join(columns: dict[str, Texts], layout_I: Indices) -> Texts:
    titles = np.empty(len(layout_I), object)
    for number, layout in enumerate(_LAYOUTS):
        rows: NDArray[np.intp] = np.flatnonzero(layout_I == number)
        parts = [columns[piece][rows] for piece in layout if piece in columns]
        titles[rows] = [" ".join(filter(None, row)) for row in zip(*parts, strict=True)]
    return titles


def _describe(details: list[Texts]) -> Texts:
    joined = (", ".join(filter(None, row)) for row in zip(*details, strict=True))
    return np.fromiter((text and f"{text[0].upper()}{text[1:]}." for text in joined), object)
