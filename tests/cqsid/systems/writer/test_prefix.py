"""A soft prefix: it is learned from, alone tells what it tells, and is nothing where it is none."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cqsid.alignment.policy import log_probabilities
from cqsid.generator.prefix import Prefix
from cqsid.systems.writer.lessons import Asked, Lessons, Prefixed
from cqsid.systems.writer.writer import TextWriter
from cqsid.training.loss import Batch, answer_loss
from cqsid.training.settings import StageSpec
from simulator.errors import ContractError, DataError
from tests.cqsid.systems.writer.test_writer import COLOURS, NAMES, SPEC, lessons

FACTS, MOST, ROWS, WIDTH = 6, 3, 240, 32
TASK = "colour"


def told(seed: int, rows: int = ROWS) -> tuple[np.ndarray, Prefixed]:
    """Colours that prefixes alone tell: by the sum of their one to three vectors of facts."""
    rng = np.random.default_rng(seed)
    colour_N = rng.integers(0, len(COLOURS), rows)
    count_N = rng.integers(1, MOST + 1, rows).astype(np.int32)
    facts_NMF = rng.normal(0, 0.3, (rows, MOST, FACTS)).astype(np.float32)
    facts_NMF[np.arange(rows), rng.integers(0, count_N), colour_N] += 2
    facts_NMF[np.arange(MOST) >= count_N[:, None]] = np.nan  # of padding nothing is read
    return colour_N, Prefixed(facts_NMF, count_N)


def taught(maker: nn.Module, *, mixed: bool = False) -> TextWriter:
    colour_N, prefixed = told(1)
    if mixed:
        order = np.random.default_rng(7).permutation(ROWS)
        prefixed = Prefixed(prefixed.facts_NMF[order], prefixed.count_N[order])
    asked = np.full(ROWS, len(COLOURS), np.int32)
    nothing = np.full(ROWS, -1, np.int32)
    known = Lessons(
        (*COLOURS, "which"),
        asked,
        nothing,
        colour_N.astype(np.int32),
        np.ones(ROWS),
        replace(prefixed, maker=maker),
    )
    training = StageSpec(epochs=16.0, batch=24, learning_rate=0.01)
    made = TextWriter(SPEC.model_copy(update={"training": training}))
    made.fit({TASK: known, "thing": lessons(1)}, rng=np.random.default_rng(0))
    return made


def linear() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Linear(FACTS, WIDTH)


@pytest.fixture(scope="module")
def maker() -> nn.Module:
    return linear()


@pytest.fixture(scope="module")
def writer(maker: nn.Module) -> TextWriter:
    return taught(maker)


def right(writer: TextWriter, prefixed: Prefixed, colour_N: np.ndarray) -> float:
    questions = ["which"] * len(colour_N)
    found = writer.write(TASK, questions, 1, among=writer.trie(COLOURS), prefixed=prefixed)
    return float((found.text_BR[:, 0] == colour_N).mean())


def test_an_answer_that_only_the_prefix_tells_is_learned(
    writer: TextWriter, maker: nn.Module
) -> None:
    colour_N, prefixed = told(2)
    own = replace(prefixed, maker=maker)
    assert right(writer, own, colour_N) > 0.8
    order = np.random.default_rng(3).permutation(ROWS)
    mixed = replace(own, facts_NMF=own.facts_NMF[order], count_N=own.count_N[order])
    chance = 1 / len(COLOURS)
    assert abs(right(writer, mixed, colour_N) - chance) < 4 * (chance / ROWS) ** 0.5


def test_prefixes_of_other_rows_teach_nothing() -> None:
    maker = linear()
    colour_N, prefixed = told(2)
    chance = 1 / len(COLOURS)
    found = right(taught(maker, mixed=True), replace(prefixed, maker=maker), colour_N)
    assert abs(found - chance) < 4 * (chance / ROWS) ** 0.5


def test_a_task_without_prefixes_is_learned_beside(writer: TextWriter) -> None:
    allowed = writer.trie((NAMES[0], "shoe", "lamp", "table lamp", "garden chair"))
    found = writer.write("thing", ["which"] * len(NAMES), 1, among=allowed, about=NAMES)
    assert (found.text_BR[:, 0] > 0).all()


def vectors(rows: int, most: int = MOST) -> Prefixed:
    rng = np.random.default_rng(5)
    facts = rng.normal(0, 0.1, (rows, most, WIDTH)).astype(np.float32)
    return Prefixed(facts, rng.integers(0, most + 1, rows).astype(np.int32))


def test_a_prompt_has_the_same_answer_in_any_company_and_padding_is_not_read(
    writer: TextWriter,
) -> None:
    own, allowed = vectors(12), writer.trie(COLOURS)
    codes = np.broadcast_to(writer.codes(COLOURS), (12, len(COLOURS), 4))
    about = NAMES[:12]
    whole = writer.write(TASK, ["which"] * 12, 3, among=allowed, about=about, prefixed=own)
    logp = writer.logp(TASK, ["which"] * 12, codes, about=about, prefixed=own)
    padded = np.pad(own.facts_NMF, ((0, 0), (0, 4), (0, 0)), constant_values=np.nan)
    for row in range(12):
        one = Prefixed(padded[row : row + 1], own.count_N[row : row + 1])
        asked = TASK, ["which"]
        alone = writer.write(*asked, 3, among=allowed, about=about[row : row + 1], prefixed=one)
        assert np.array_equal(alone.text_BR[0], whole.text_BR[row])
        assert np.array_equal(alone.logp_BR[0], whole.logp_BR[row])
        again = writer.logp(*asked, codes[:1], about=about[row : row + 1], prefixed=one)
        assert again[0] == pytest.approx(logp[row], abs=1e-5)
        if own.count_N[row] == 0:
            bare = writer.write(*asked, 3, among=allowed, about=about[row : row + 1])
            assert np.array_equal(bare.logp_BR[0], whole.logp_BR[row])


def test_training_and_serving_read_a_prefix_alike(writer: TextWriter) -> None:
    own = vectors(6)
    codes = np.broadcast_to(writer.codes(COLOURS), (6, len(COLOURS), 4)).copy()
    told_of = Asked.of(
        writer.vocabulary, writer.subwords, SPEC, TASK, ["which"] * 6, NAMES[:6], own
    )
    prompts = told_of.rows(np.arange(6))
    learned = log_probabilities(writer.weights, writer.vocabulary, prompts, codes)
    served = writer.logp(TASK, ["which"] * 6, codes, about=NAMES[:6], prefixed=own)
    with torch.enable_grad():
        weights = writer.weights.holding(
            {name: each.clone().requires_grad_() for name, each in writer.weights.tensors().items()}
        )
        taught_so = log_probabilities(weights, writer.vocabulary, prompts, codes)
    for scores in (learned, taught_so):
        assert scores.logp_BGL.sum(dim=-1).detach().numpy() == pytest.approx(served, abs=1e-4)


def test_the_gradient_reaches_the_maker_and_not_what_is_padding(
    writer: TextWriter, maker: nn.Module
) -> None:
    _, prefixed = told(4, 8)
    made = replace(prefixed, maker=maker).rows(np.arange(8)).vectors_BMD.detach().requires_grad_()
    own = replace(prefixed, maker=_Given(made))
    told_of = writer.vocabulary, writer.subwords, SPEC, TASK, ["which"] * 8, None, own
    prompts = Asked.of(*told_of).rows(np.arange(8))
    answers = writer.codes([COLOURS[0]] * 8)
    batch = Batch.of(prompts, answers, writer.vocabulary)
    answer_loss(writer.weights, writer.vocabulary, batch).backward()
    assert made.grad is not None
    norm_BM = made.grad.norm(dim=2).numpy()
    told_BM = np.arange(MOST) < prefixed.count_N[:, None]
    assert (norm_BM[told_BM] > 0).all()
    assert (norm_BM[~told_BM] == 0).all()


class _Given(nn.Module):
    """Makes the vectors that it was given."""

    def __init__(self, vectors_BMD: torch.Tensor) -> None:
        super().__init__()
        self.vectors_BMD = vectors_BMD

    def forward(self, facts_BMF: torch.Tensor) -> torch.Tensor:
        return self.vectors_BMD


def test_the_maker_learns_with_the_writer(maker: nn.Module, writer: TextWriter) -> None:
    assert writer.losses[-1] < writer.losses[0]
    assert not torch.equal(next(maker.parameters()), next(linear().parameters()))


def test_what_is_no_prefix_is_refused_by_name(writer: TextWriter) -> None:
    allowed = writer.trie(COLOURS)
    with pytest.raises(DataError, match="prefixed == 2 prefixes, must be 1"):
        writer.write(TASK, ["which"], 1, among=allowed, prefixed=vectors(2))
    narrow = Prefixed(np.zeros((1, 2, 8), np.float32), np.array([1], np.int32))
    with pytest.raises(
        ContractError, match=r"vectors_BMD.shape == \(1, 2, 8\), must be \(B, M, 32"
    ):
        writer.write(TASK, ["which"], 1, among=allowed, prefixed=narrow)
    with pytest.raises(ContractError, match=r"prefix.count_B\[0\] == 4, must be 0 to 3"):
        Prefix(torch.zeros(1, 3, 2), np.array([4]))
    with pytest.raises(ContractError, match=r"must be \(B, M, D\) of float32"):
        Prefix(torch.zeros(3, 2), np.array([1]))
    with pytest.raises(ContractError, match=r"prefix.count_B.shape == \(2,\), must be \(1,\)"):
        Prefix(torch.zeros(1, 3, 2), np.array([1, 1]))
    known = replace(lessons(0), prefixed=vectors(3))
    with pytest.raises(DataError, match=r"lessons.x.prefixed == 3 prefixes, must be 24"):
        TextWriter(SPEC).fit({"x": known}, rng=np.random.default_rng(0))
