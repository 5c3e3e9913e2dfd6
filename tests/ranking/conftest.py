from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ranking.examples import build_examples
from ranking.features import FeatureSet
from ranking.funnel import Funnel
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.ranker import MergeOrderRanker
from ranking.rankers.settings import LearnedSpec
from ranking.recallstage import RecallStage
from ranking.settings import ExamplesSpec
from recall.candidates import Candidates, Pool
from recall.sampleshop import sample_catalog, sample_history, sample_index, sample_requests
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import Index, Requests
from simulator.randomness import Draws
from tests.ranking.funnels import SPEC, UNIVERSE


class FakeChannel:
    """Finds items by arithmetic on the text; the answer to a request depends on it alone."""

    def __init__(self, name: str, step: int = 1, width: int | None = None) -> None:
        self.name = name
        self.step = step
        self.width = width
        self.calls = 0

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        self.n_items = len(catalog)

    def recall(self, requests: Requests, limit: int) -> Candidates:
        self.calls += 1
        width = min(limit, self.width or limit)
        found_BN = requests.text_B[:, None] * 7 + self.step * np.arange(width)
        items_BN = (found_BN % self.n_items).astype(np.int32)
        scores_N = np.linspace(1.0, 0.5, width, dtype=np.float32)
        return Candidates(items_BN, np.tile(scores_N, (len(requests), 1)))


class FakeScorer:
    """A pair score that depends on the text and the item."""

    def pair_scores(self, requests: Requests, items_BN: Ints) -> np.ndarray:
        scores_BN = (requests.text_B[:, None] * 3 + items_BN * 5) % 11
        return np.where(items_BN >= 0, scores_BN, 0).astype(np.float32)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return sample_catalog(60)


@pytest.fixture(scope="session")
def history(catalog: Catalog) -> History:
    return sample_history(catalog, 300)


@pytest.fixture(scope="session")
def index(catalog: Catalog) -> Index:
    return sample_index(catalog)


@pytest.fixture
def requests_(catalog: Catalog) -> Requests:
    return sample_requests(catalog, 24)


@pytest.fixture
def asking(catalog: Catalog) -> Callable[..., Requests]:
    """Makes one request for each of these texts."""

    def make(*texts: str) -> Requests:
        made = sample_requests(catalog, len(texts), texts=texts)
        return replace(made, text_B=np.arange(len(texts), dtype=np.int32))

    return make


@pytest.fixture
def channel() -> Callable[..., FakeChannel]:
    """Makes a fitted fake channel."""

    def make(name: str, step: int = 1, width: int | None = None) -> FakeChannel:
        made = FakeChannel(name, step, width)
        made.n_items = 60
        return made

    return make


@pytest.fixture
def scorer() -> FakeScorer:
    return FakeScorer()


@pytest.fixture
def pool(catalog: Catalog, requests_: Requests) -> Pool:
    """Random candidates of three channels; later rows are shorter, the last is empty."""
    rng = np.random.default_rng(3)
    n_rows, width = len(requests_), 20
    items_BN = np.stack([rng.permutation(len(catalog))[:width] for _ in range(n_rows)])
    held_BN = np.arange(width) < np.linspace(width, 0, n_rows).astype(int)[:, None]
    ranks_BNC = rng.integers(-1, 30, (n_rows, width, 3))
    ranks_BNC[..., 0] = np.where((ranks_BNC < 0).all(axis=2), 5, ranks_BNC[..., 0])
    found_BNC = (ranks_BNC >= 0) & held_BN[..., None]
    scores_BNC = rng.normal(size=ranks_BNC.shape)
    return Pool(
        items_BN=np.where(held_BN, items_BN, -1).astype(np.int32),
        sources_BN=(found_BNC @ np.array([1, 2, 4])).astype(np.int32),
        ranks_BNC=np.where(found_BNC, ranks_BNC, -1).astype(np.int16),
        scores_BNC=np.where(found_BNC, scores_BNC, np.nan).astype(np.float32),
    )


@pytest.fixture
def permuted() -> Callable[[Pool, np.ndarray], Pool]:
    """The pool with its columns in another order."""

    def permute(pool: Pool, columns_N: np.ndarray) -> Pool:
        arrays = {name: getattr(pool, name)[:, columns_N] for name in pool.__dataclass_fields__}
        return replace(pool, **arrays)

    return permute


@pytest.fixture
def funnel(channel, index, history, catalog, scorer):
    def make(spec=SPEC, batch=512, latencies=None, ranker=None, **channels):
        channels = channels or {"a": channel("a", 1), "b": channel("b", 7)}
        limits = dict.fromkeys(UNIVERSE, 30)
        stage = RecallStage(60, channels, UNIVERSE, limits, spec.merge, batch)
        made = Funnel(
            "treatment", 0, stage, ranker or MergeOrderRanker(), spec, latencies or {}, Draws(11)
        )
        made.refresh(index)
        return made

    return make


@pytest.fixture
def learned(channel, history, catalog, scorer):
    channels = {"a": channel("a", 1), "b": channel("b", 7)}
    stage = RecallStage(60, channels, UNIVERSE, {"a": 30, "b": 30}, SPEC.merge)
    ranker = LearnedRanker(FeatureSet(catalog, UNIVERSE, scorer), LearnedSpec(epochs=2))
    rng = np.random.default_rng(0)
    ranker.fit(build_examples(history, catalog, stage.pool, ExamplesSpec(), rng=rng), rng=rng)
    return ranker


@pytest.fixture
def many(requests_):
    """200 requests of different shoppers, a third of them traced, on three pages."""
    rows = np.arange(200) % len(requests_)
    shopper_B = np.arange(200, dtype=np.int64)
    return replace(
        requests_.rows(rows),
        id_B=shopper_B << 28,
        shopper_B=shopper_B,
        page_B=(np.arange(200) % 3).astype(np.int16),
        slots_B=np.where(np.arange(200) % 2, 10, 6).astype(np.int16),
        traced_B=np.arange(200) % 3 == 0,
    )
