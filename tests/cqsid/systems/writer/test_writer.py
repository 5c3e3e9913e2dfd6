"""The text writer: it learns several tasks at once, and writes what is allowed and nothing else."""

from itertools import product

import numpy as np
import pytest
import torch

from cqsid.generator.settings import ModelSpec
from cqsid.systems.writer.lessons import Lessons
from cqsid.systems.writer.settings import WriterSpec
from cqsid.systems.writer.textcodes import TextTrie, TextVocabulary, text_codes
from cqsid.systems.writer.writer import TextWriter
from cqsid.training.settings import StageSpec
from recall.storage import saved_copy
from simulator.errors import ConfigError, DataError

COLOURS = ("red", "green", "blue", "black", "white", "violet")
THINGS = ("shoe", "lamp", "table lamp", "garden chair")
NAMES = tuple(f"{colour} {thing}" for colour, thing in product(COLOURS, THINGS))
SPEC = WriterSpec(
    longest=4,
    subwords=300,
    model=ModelSpec(hidden=32, heads=2, kv_heads=1, ffn=64),
    training=StageSpec(epochs=120.0, batch=24, learning_rate=0.01),
)


def lessons(answer: int) -> Lessons:
    """What colour, or what thing, an item is."""
    texts = (*NAMES, *COLOURS, *THINGS, "which")
    row = np.arange(len(NAMES), dtype=np.int32)
    answers = np.array(
        [texts.index(name.split(" ", 1)[answer], len(NAMES)) for name in NAMES], np.int32
    )
    asked = np.full(len(NAMES), len(texts) - 1, np.int32)
    return Lessons(texts, asked, row, answers, np.ones(len(NAMES)))


@pytest.fixture(scope="module")
def writer() -> TextWriter:
    made = TextWriter(SPEC)
    made.fit({"colour": lessons(0), "thing": lessons(1)}, rng=np.random.default_rng(0))
    return made


def test_it_learns_two_tasks_in_one_model(writer: TextWriter) -> None:
    allowed = writer.trie((*COLOURS, *THINGS))
    for task, part in (("colour", 0), ("thing", 1)):
        found = writer.write(task, ["which"] * len(NAMES), 2, among=allowed, about=NAMES)
        wrote = [(*COLOURS, *THINGS)[row] for row in found.text_BR[:, 0]]
        assert wrote == [name.split(" ", 1)[part] for name in NAMES]
        assert (np.diff(found.logp_BR, axis=1) <= 0).all()


def test_it_writes_allowed_texts_alone(writer: TextWriter) -> None:
    allowed = writer.trie(("green", "table lamp"))
    found = writer.write("colour", ["which"], 5, among=allowed, about=["red shoe"])
    assert sorted(found.text_BR[0].tolist()) == [-1, -1, -1, 0, 1]
    assert np.isneginf(found.logp_BR[0, 2:]).all()
    rng = np.random.default_rng(0)
    drawn = writer.sampled("colour", ["which"], 40, rng=rng, among=allowed, about=["red shoe"])
    assert (allowed.trie.find(drawn.reshape(-1, 4)) >= 0).all()
    free = writer.sampled("colour", ["which"], 40, rng=rng, temperature=9.0, about=["red shoe"])
    assert (allowed.trie.find(free.reshape(-1, 4)) < 0).any()


def test_chances_of_allowed_texts_sum_to_one(writer: TextWriter) -> None:
    texts = (*COLOURS, *THINGS)
    allowed = writer.trie(texts)
    codes_BRL = np.broadcast_to(writer.codes(texts), (2, len(texts), 4))
    about = ["red shoe", "blue table lamp"]
    logp = writer.logp("thing", ["which"] * 2, codes_BRL, among=allowed, about=about)
    assert np.exp(logp).sum(axis=1) == pytest.approx(1, abs=1e-5)
    found = writer.write("thing", ["which"] * 2, len(texts), among=allowed, about=about)
    own = np.take_along_axis(
        writer.logp("thing", ["which"] * 2, codes_BRL, about=about),
        found.text_BR.astype(np.int64),
        axis=1,
    )
    assert found.logp_BR == pytest.approx(own, abs=1e-4)


def test_a_question_gets_the_same_answer_in_any_company_and_through_a_file(
    writer: TextWriter,
) -> None:
    allowed, copy = writer.trie(THINGS), saved_copy(writer)
    whole = writer.write("thing", ["which"] * len(NAMES), 3, among=allowed, about=NAMES)
    for row in (0, 7, 23):
        alone = copy.write("thing", ["which"], 3, among=allowed, about=[NAMES[row]])
        assert np.array_equal(alone.text_BR[0], whole.text_BR[row])
        assert np.array_equal(alone.logp_BR[0], whole.logp_BR[row])


def test_the_same_seed_gives_the_same_bits_and_global_luck_stays() -> None:
    few = StageSpec(epochs=2.0, batch=24)
    spec = SPEC.model_copy(update={"training": few})
    torch.manual_seed(5)
    before, made = torch.random.get_rng_state(), []
    for seed in (0, 0, 1):
        one = TextWriter(spec)
        one.fit({"colour": lessons(0)}, rng=np.random.default_rng(seed))
        made.append(one.weights.embedding_VD.detach().numpy())
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
    assert torch.equal(before, torch.random.get_rng_state())


def test_codes_tell_texts_and_fill_the_rest_with_ends(writer: TextWriter) -> None:
    codes, whole = text_codes(("red", "", "red green blue black white"), writer.subwords, 4)
    end = writer.vocabulary.end
    assert codes[0, -1] == end
    assert (codes[1] == end).all()
    assert (codes[2] != end).all()
    assert whole.tolist() == [True, False, False]
    trie = TextTrie.of(("Red", "red", "x" * 40, "red green blue black white"), writer.subwords, 4)
    assert (len(trie), trie.text_S.tolist()) == (1, [0])
    assert trie.left_out == 2


def test_all_levels_of_texts_share_one_range() -> None:
    vocabulary = TextVocabulary.of(30, 4, ("rewrite", "attr"))
    assert vocabulary.offset_L.tolist() == [0] * 4
    assert len({vocabulary.task("rewrite"), vocabulary.task("attr"), vocabulary.age}) == 3
    assert vocabulary.task("attr") == len(vocabulary) - 1
    head = torch.arange(len(vocabulary) * 2.0).view(-1, 2)
    assert all(torch.equal(part, head[:31]) for part in vocabulary.heads(head))
    with pytest.raises(ConfigError, match="sizes == 12, must be 31 at every level"):
        TextVocabulary(30, (31, 12))
    with pytest.raises(ConfigError, match="tasks =="):
        TextVocabulary.of(30, 4, ("attr", "attr"))


def test_what_cannot_be_is_refused_by_name(writer: TextWriter) -> None:
    allowed = writer.trie(THINGS)
    with pytest.raises(DataError, match=r"texts\[1\] == 'red', must be a text of the trie"):
        writer.codes(("shoe", "red"), among=allowed)
    with pytest.raises(DataError, match=r"texts\[0\] == '\?!', must be 1 to 4 known subwords"):
        writer.codes(("?!",))
    with pytest.raises(ConfigError, match="task == 'judge', must be one of colour, thing"):
        writer.write("judge", ["which"], 1, among=allowed)
    with pytest.raises(DataError, match="about == 2 texts, must be 1"):
        writer.write("thing", ["which"], 1, among=allowed, about=["a", "b"])
    with pytest.raises(DataError, match="without one of 1 to 4 known subwords"):
        writer.trie(("?!", ""))
    other = TextTrie.of(THINGS, writer.subwords, 5)
    with pytest.raises(ConfigError, match="among == 5 levels"):
        writer.write("thing", ["which"], 1, among=other)
    with pytest.raises(DataError, match="lessons == 0, must be > 0"):
        TextWriter(SPEC).fit({}, rng=np.random.default_rng(0))
    wrong = Lessons(("a",), *(np.array([at], np.int32) for at in (0, -1, 3)), np.ones(1))
    with pytest.raises(DataError, match=r"lessons.x.answer_P\[0\] == 3, must be 0 to 0"):
        TextWriter(SPEC).fit({"x": wrong}, rng=np.random.default_rng(0))
