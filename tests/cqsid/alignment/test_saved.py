"""Parameters of an aligned generator: read back bit for bit, and never those of another model."""

from pathlib import Path

import pytest
import torch

from cqsid.alignment.trainer import load_weights, save_weights
from cqsid.generator.model import build_model
from cqsid.generator.settings import ModelSpec
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from simulator.errors import DataError


def weights(*, tied: bool = True, seed: int = 1, hidden: int = 16, layers: int = 2) -> Weights:
    spec = ModelSpec(hidden=hidden, layers=layers, heads=2, kv_heads=1, ffn=16, tie_embeddings=tied)
    return Weights.of(build_model(spec, Vocabulary(30, (5, 6)), seed=seed)).detached()


def tensors(found: Weights) -> list[torch.Tensor]:
    layers = [part for layer in found.layers for part in vars(layer).values()]
    return [found.embedding_VD, found.head_VD, found.norm, *layers]


@pytest.mark.parametrize("tied", [True, False])
def test_weights_come_back_bit_for_bit_and_tied_tables_tied(tmp_path: Path, tied: bool) -> None:
    aligned, base = weights(tied=tied), weights(tied=tied, seed=2)
    save_weights(tmp_path / "weights", aligned)
    found = load_weights(tmp_path / "weights", base)
    for one, other in zip(tensors(found), tensors(aligned), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(found.embedding_VD, base.embedding_VD)
    assert (found.head_VD is found.embedding_VD) is tied


def test_a_tied_table_is_written_once(tmp_path: Path) -> None:
    save_weights(tmp_path / "tied", weights())
    save_weights(tmp_path / "untied", weights(tied=False))
    table = weights().embedding_VD
    more = (tmp_path / "untied").stat().st_size - (tmp_path / "tied").stat().st_size
    assert more >= table.numel() * table.element_size()


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        (weights(hidden=32), "must be .* as in the system that was aligned"),
        (weights(layers=1), r"layers\.1\.down == .*, must be left out"),
        (weights(layers=3), r"layers\.2\.down == missing, must be \(16, 16\)"),
        (weights(tied=False), "head_VD == missing"),
    ],
)
def test_weights_of_another_model_are_refused(tmp_path: Path, base: Weights, wanted: str) -> None:
    save_weights(tmp_path / "weights", weights())
    with pytest.raises(DataError, match=wanted):
        load_weights(tmp_path / "weights", base)


def test_a_file_that_is_cut_short_or_gone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    with pytest.raises(DataError, match="must be weights"):
        load_weights(path, weights())
    save_weights(path, weights())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="must be weights"):
        load_weights(path, weights())
