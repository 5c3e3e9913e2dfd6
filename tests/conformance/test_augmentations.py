"""The conformance suite over every augmentation, and over some that break it in one way each."""

from dataclasses import replace

import numpy as np
import pytest

from recall.augmenting.conformance import check_augmentation
from recall.augmenting.hits import HitsAugmentation
from recall.augmenting.repeat import RepeatAugmentation
from recall.augmenting.settings import LexicalHitsSpec

AUGMENTATIONS = {
    "lexical": HitsAugmentation,
    "permuted": lambda: HitsAugmentation(LexicalHitsSpec(permuted=True)),
    "repeat": RepeatAugmentation,
}


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_an_augmentation_keeps_its_contract(kind):
    assert [str(finding) for finding in check_augmentation(AUGMENTATIONS[kind])] == []


class Spoiled(RepeatAugmentation):
    def pairs(self, catalog, history, tools, *, rng):
        found = super().pairs(catalog, history, tools, rng=rng)
        return self.spoiled(found, history)


class Twice(Spoiled):
    def spoiled(self, found, history):
        first = {name: np.repeat(getattr(found, name), 2) for name in ("text_P", "item_P")}
        return replace(found, **first, weight_P=np.repeat(found.weight_P, 2))


class Unknown(Spoiled):
    def spoiled(self, found, history):
        return replace(found, item_P=found.item_P + np.int32(10_000))


class Weightless(Spoiled):
    def spoiled(self, found, history):
        return replace(found, weight_P=np.zeros_like(found.weight_P))


class Nosy(Spoiled):
    def spoiled(self, found, history):
        return replace(found, texts=(*found.texts, *sorted(history.texts)))


class Lucky(Spoiled):
    def spoiled(self, found, history):
        luck = np.random.default_rng().random(len(found.weight_P))
        return replace(found, weight_P=(found.weight_P + luck).astype(np.float32))


BROKEN = {
    Twice: "a pair twice, must be each once",
    Unknown: "must be 0 to 59",
    Weightless: "must be finite and above 0",
    Nosy: "fit() with more texts that nobody has asked == another model",
    Lucky: "other pairs by the same luck",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda kind: kind.__name__)
def test_each_breach_is_told(broken):
    assert BROKEN[broken] in "\n".join(str(finding) for finding in check_augmentation(broken))
