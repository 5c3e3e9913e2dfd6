"""The catalogue step that writes: it keeps the contract, and is sure of what texts tell alone."""

import numpy as np
import pytest

from cqsid.generator.settings import ModelSpec
from cqsid.registry import build_understanding
from cqsid.systems.attributes.questions import UNKNOWN, Answers, Items
from cqsid.systems.attributes.settings import WriterUnderstandingSpec
from cqsid.systems.attributes.writerunderstanding import WriterUnderstanding
from cqsid.systems.writer.settings import WriterSpec
from cqsid.training.settings import StageSpec
from recall.understanding.cells import published_cells
from recall.understanding.conformance import check_understanding
from recall.understanding.filled import structured_of
from recall.understanding.twin import shuffled
from tests.recall.understanding.filledshop import guessed, made_supply, taught

SMALL = WriterUnderstandingSpec(
    writer=WriterSpec(
        longest=4,
        question_subwords=3,
        about_subwords=24,
        subwords=300,
        model=ModelSpec(hidden=32, layers=1, heads=2, kv_heads=1, ffn=64),
        training=StageSpec(epochs=1.0, batch=64),
    )
)
SURE = 0.8


def test_it_keeps_the_contract() -> None:
    found = check_understanding(lambda: WriterUnderstanding(SMALL))
    assert [str(finding) for finding in found] == []
    assert isinstance(build_understanding(SMALL), WriterUnderstanding)


def test_what_it_is_asked_holds_neither_the_value_nor_where_asked_its_words() -> None:
    catalog = made_supply(items=200).catalog
    structured, cells = structured_of(catalog), published_cells(catalog)
    items = Items(catalog, catalog.category_I)
    everything = items.about_values(cells, np.zeros(len(cells), np.bool_))
    lessened = items.about_values(cells, np.ones(len(cells), np.bool_))
    for cell in range(len(cells)):
        gone = set(structured.value_names[cells.value_F[cell]].split())
        assert set(everything[cell].split()) - set(lessened[cell].split()) <= gone
    told = [name in text for name, text in zip(structured.value_names, everything, strict=False)]
    assert len(told)
    dropped = sum(
        len(a.split()) > len(b.split()) for a, b in zip(everything, lessened, strict=True)
    )
    assert dropped > 0.3 * len(cells)


def test_equal_names_are_one_answer() -> None:
    answers = Answers.of(["Red", "blue", "red"], np.array([4, 7, 9]), unknown=True)
    assert answers.texts == ("red", "blue", UNKNOWN)
    assert answers.code_R.tolist() == [4, 7, -1]


@pytest.mark.slow
def test_it_is_sure_of_what_texts_tell_and_its_twin_of_nothing() -> None:
    supply = made_supply()
    filled = taught(WriterUnderstanding(), supply.catalog).fill(supply.catalog)
    found = guessed(supply, filled)
    sure = found.sure_G >= SURE
    assert (sure & found.right_G)[found.told_G].mean() > 0.3
    assert found.right_G[sure].mean() > 0.9
    untold = (found.true_G >= 0) & ~found.told_G
    assert sure[untold].mean() < 0.05
    assert sure[found.true_G < 0].mean() < 0.03
    twin = taught(WriterUnderstanding(), shuffled(supply.catalog, np.random.default_rng(1)))
    lost = guessed(supply, twin.fill(supply.catalog))
    assert (lost.sure_G >= SURE).mean() < 0.01
