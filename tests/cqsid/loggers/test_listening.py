"""Loggers hear of every training, and none of them learns another bit for it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cqsid.loggers.listening import EVENTS, keep_events, logged
from cqsid.tokenizer.quantize.rqvae import Rqvae
from cqsid.tokenizer.quantize.rqvaespec import RqvaeSpec
from cqsid.training.settings import StageSpec
from ranking.features import Feature, FeatureSet, text_scorer
from ranking.judges.entities import EntityJudge
from ranking.rankers.boosted import BoostedRanker
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.settings import BoostedSpec, LearnedSpec
from recall.classic.dense import DenseChannel
from recall.classic.settings import DenseSpec
from recall.sampleshop import sample_catalog, sample_history, sample_texts
from simulator.annotations.pairs import Annotations
from simulator.log.history import History
from tests.cqsid.shop import tiny_signals
from tests.cqsid.training.toys import SPEC, trained
from tests.ranking.rankers.test_training import position_biased_log

OWN = "tests.cqsid.loggers.own:Lines"
CATALOG = sample_catalog(60)


def dense() -> Any:
    channel = DenseChannel(DenseSpec(device="cpu", epochs=2, buckets=2**8, batch_size=64))
    channel.fit(CATALOG, sample_history(CATALOG, 300), rng=np.random.default_rng(0))
    return channel.item_vectors


def rqvae() -> Any:
    signals = tiny_signals(60)
    spec = RqvaeSpec(device="cpu", epochs=3, batch=32, latent=8, hidden=16)
    quantizer = Rqvae(spec, (signals.categories + 2, 8))
    quantizer.fit(signals, rng=np.random.default_rng(0))
    return quantizer.vectors(signals, np.arange(len(signals), dtype=np.int32))


def generator() -> Any:
    short = StageSpec(epochs=0.5, batch=32, learning_rate=0.005, evaluate_every=2)
    spec = SPEC.model_copy(update=dict.fromkeys(("item", "query", "shopper"), short))
    weights, _ = trained(spec=spec)
    return np.concatenate([each.numpy().ravel() for each in weights.values()])


def _ranked(kind: type[LearnedRanker | BoostedRanker], spec: Any) -> Any:
    seen_PF, labels, held_out_P, _ = position_biased_log(600)
    wide_PF = np.zeros((len(seen_PF), len(Feature)), np.float32)
    wide_PF[:, : seen_PF.shape[1]] = seen_PF
    features = FeatureSet(CATALOG, (), text_scorer(CATALOG, rng=np.random.default_rng(0)))
    ranker = kind(features, spec)
    ranker.train(wide_PF, labels, held_out_P, np.random.default_rng(0))
    return ranker.log_chances(wide_PF)


def network() -> Any:
    return _ranked(LearnedRanker, LearnedSpec(epochs=2))


def boosted() -> Any:
    return _ranked(BoostedRanker, BoostedSpec(trees=10, depth=3))


def judge() -> Any:
    texts, at_J = sample_texts(), np.arange(60, dtype=np.int32)
    pairs = Annotations.unexplained(texts, at_J % len(texts), at_J, at_J % 4)
    found = EntityJudge()
    found.fit(CATALOG, History.empty(), pairs, rng=np.random.default_rng(0))
    return found._state["into.weight"]


PARTS: dict[Callable[[], Any], dict[str, set[str]]] = {
    dense: {"towers": {"train/loss"}},
    rqvae: {"rqvae": {"train/loss"}},
    generator: {
        part: {"train/loss", "eval/loss", "eval/hit_rate/1", "eval/hit_rate/10"}
        for part in ("item", "query", "shopper")
    },
    network: {"network": {"train/loss", "eval/click_loss", "eval/want_loss"}},
    boosted: {"trees": {"eval/click_loss"}},
    judge: {"entities": {"train/loss"}},
}


def lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("train", PARTS, ids=lambda train: train.__name__)
def test_every_training_tells_its_losses_and_learns_what_it_learns_unheard(
    train: Callable[[], Any], tmp_path: Path
) -> None:
    with logged((OWN,), "execution.loggers", name="a-model", workspace=tmp_path):
        heard = train()
    np.testing.assert_array_equal(heard, train())
    found = {path.name: path for path in (tmp_path / EVENTS).iterdir()}
    assert set(found) == set(PARTS[train])
    for part, tags in PARTS[train].items():
        *told, end = lines(found[part] / OWN.replace(":", ".") / f"a-model.{part}.jsonl")
        assert end == {"closed": True}
        assert {tag for each in told for tag in each} == tags | {"step"}
        steps = [each["step"] for each in told]
        assert steps == sorted(steps)
        assert steps[0] == 1
        assert all(np.isfinite(list(each.values())).all() for each in told)


def test_trainings_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    with logged((OWN,), "execution.loggers", name="twice", workspace=tmp_path):
        dense()
        dense()
    assert {path.name for path in (tmp_path / EVENTS).iterdir()} == {"towers", "towers-2"}


def test_what_was_written_is_kept_without_links(tmp_path: Path) -> None:
    workspace, folder = tmp_path / "unfinished", tmp_path / "stage"
    folder.mkdir()
    keep_events(workspace, folder)
    assert not list(folder.iterdir())
    (workspace / EVENTS / "item").mkdir(parents=True)
    (workspace / EVENTS / "item" / "a.txt").write_text("a")
    (workspace / EVENTS / "item" / "latest").symlink_to("a.txt")
    keep_events(workspace, folder)
    assert [path.name for path in (folder / EVENTS / "item").iterdir()] == ["a.txt"]


def test_without_loggers_nobody_listens(tmp_path: Path) -> None:
    with logged((), "execution.loggers", name="a-model", workspace=tmp_path):
        dense()
    assert not list(tmp_path.iterdir())
