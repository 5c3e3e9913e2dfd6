"""What all trainings of a lab share: the supervised system, the shop, the requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cqsid.alignment.measures import measures
from cqsid.alignment.settings import AlgorithmSpec
from cqsid.decoding.decoder import Decoder
from cqsid.decoding.shelves import Shelves, item_values
from cqsid.decoding.trie import Trie
from cqsid.generator.transformer import Weights
from cqsid.learned import GenerativeChannel, Learned
from cqsid.registry import generative
from cqsid.rewards.logged import Logged
from cqsid.rewards.mix import Mix
from cqsid.rewards.registry import RewardMix, build_mix
from cqsid.rewards.reward import Reward, Samples
from cqsid.rewards.shop import Elsewhere, Shop
from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.scheme import with_newcomers
from experiments.config.reward_lab import PolicySpec, RewardLabSpec
from experiments.config.schema import Config
from experiments.rewardlab.oracle import SimulatedOracle
from experiments.running.funnels import recall_stage
from experiments.running.heldout import clicked_rows, test_rows, test_start
from experiments.running.models import CATALOG, LOG, MODEL, POPULATION, load_channel, load_saved
from ranking.examples import history_index
from ranking.rankers.ranker import Ranker
from recall.channel import Refreshable
from recall.device import one_thread
from recall.texts.cache import TextCache
from simulator.catalogue.catalog import Catalog
from simulator.living.world import Population
from simulator.log.history import History, load_history
from simulator.protocols import DAY, Index
from simulator.randomness import Draws

TEST_DAYS = "reward_lab.test_days"
FRESH_DAYS = "reward_lab.test_days + fresh_days"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Folders:
    """The stages that all trainings of a lab read.

    Attributes:
        catalog, history: as everywhere.
        sft: the supervised model.
        channels: the other channels of the lab's arm, by name.
        ranker: the arm's.
        judges: those that rewards ask, by name.
    """

    catalog: Path
    history: Path
    sft: Path
    channels: Mapping[str, Path]
    ranker: Path
    judges: Mapping[str, Path] = field(default_factory=dict)


def asks_oracle(mix: RewardMix, algorithm: AlgorithmSpec) -> bool:
    """Whether a policy is trained with the help of the simulated shopper."""
    return mix.asks_oracle or algorithm.off_policy == "propensity"


def learned_rows(history: History, lab: RewardLabSpec) -> NDArray[np.int64]:
    """Rows of the requests with a click that policies learn from or are validated with."""
    until = test_start(history, lab.test_days, TEST_DAYS)
    return clicked_rows(history, until - lab.fresh_days * DAY if lab.fresh_days else 0.0, until)


def ids_at(learned: Learned, until: float) -> SemanticIds:
    """Ids of all items that have entered the shop by a moment (simulated seconds)."""
    signals = learned.signals
    return with_newcomers(
        learned.scheme, signals, learned.ids, signals.known_I | (signals.created_at_I <= until)
    )


class Lab:
    """What all trainings of a lab share, loaded.

    Attributes:
        spec: settings of the generative channel, on the run's device.
        learned: the supervised system.
    """

    def __init__(self, config: Config, folders: Folders, arm: int) -> None:
        self.spec = generative(config.channels)[config.reward_lab.channel].on_device(config.device)
        channel: GenerativeChannel = load_saved(folders.sft / MODEL, config)
        self.learned = channel.learned
        self._config, self._folders, self._arm = config, folders, arm
        self._catalog: Catalog = load_saved(folders.catalog / CATALOG)
        self._whole: History = load_history(folders.history / LOG)
        self._start = test_start(self._whole, config.reward_lab.test_days, TEST_DAYS)
        self._shop = self._open_shop()

    def _open_shop(self) -> Shop:
        """The shop when the training log ends, without a door to the simulated shoppers.

        The ids are those of all items that have entered by then: an item that has left keeps its
        id, so that prompts which tell of it and logged clicks on it keep their meaning. It is on no
        shelf.
        """
        catalog, start, learned = self._catalog, self._start, self.learned
        there_I = (catalog.created_at_I <= start) & (catalog.retired_at_I > start)
        index = replace(history_index(catalog, self._whole, start), available_I=there_I)
        ids = ids_at(learned, start)
        ranker: Ranker = load_saved(self._folders.ranker / MODEL, self._config)
        if isinstance(ranker, Refreshable):
            ranker.refresh(index, self._arm)
        return Shop(
            catalog=catalog,
            ids=ids,
            shelves=self._shelves(ids, index).on_sale(there_I),
            index=index,
            vectors=learned.vectors,
            item_ID=learned.signals.item_ID,
            elsewhere=self._elsewhere(index) if self._folders.channels else None,
            ranker=ranker,
            judges={
                name: load_saved(folder / MODEL, self._config)
                for name, folder in self._folders.judges.items()
            },
        )

    def _shelves(self, ids: SemanticIds, index: Index) -> Shelves:
        """Items behind the ids in the order of service, by the statistics of a snapshot."""
        statistics, created_at_I = index.statistics_of(self._arm), self.learned.signals.created_at_I
        return Shelves.of(ids, item_values(self.spec.serving.shelves, statistics, created_at_I))

    def _elsewhere(self, index: Index) -> Elsewhere:
        """What the arm's other channels find, in the merge of the arm."""
        config, channels, arm = self._config, self._config.channels, self._arm
        universe = tuple(channels)
        fitted = {
            name: load_channel(folder / MODEL, config, name)
            for name, folder in self._folders.channels.items()
        }
        stage = recall_stage(config, self._catalog, fitted, universe, channels, config.arms[arm])
        stage.refresh(index, arm)
        return Elsewhere(stage.pool, universe.index(config.reward_lab.channel), len(universe))

    def train(self) -> Logged:
        """The last requests with a click before those that validate."""
        alignment = self._config.reward_lab.alignment
        rows = self._clicked()[: -alignment.held_out]
        return Logged.of(self._whole, rows[-alignment.requests :])

    def held(self) -> Logged:
        """The last requests with a click before the test days; those that can be asked."""
        rows = self._clicked()[-self._config.reward_lab.alignment.held_out :]
        logged = Logged.of(self._whole, rows)
        _, known_B = self.learned.ask(
            logged.requests, self._shop.ids, TextCache(), personalised=self.spec.personalised
        )
        return logged.rows(np.flatnonzero(known_B))

    def _clicked(self) -> NDArray[np.int64]:
        """Rows with a click before the test days, in the order of their time."""
        rows = learned_rows(self._whole, self._config.reward_lab)
        return rows[np.argsort(self._whole.at_R[rows], kind="stable")]

    def rewarded(self, policy: PolicySpec) -> tuple[Mix, Shop]:
        """A policy's reward and the shop that it may look into."""
        return self.reward(policy.reward, self._config.reward_lab.algorithms[policy.algorithm])

    def reward(self, name: str, algorithm: AlgorithmSpec | None = None) -> tuple[Mix, Shop]:
        """A reward of the config by its name, and the shop that it may look into.

        The algorithm that learns from it may need what only a simulation knows.
        """
        lab, shop = self._config.reward_lab, self._shop
        mix = lab.rewards[name]
        if asks_oracle(mix, algorithm or AlgorithmSpec()):
            shop = replace(shop, oracle=self._oracle(lab.oracle_noise))
        return build_mix(mix, shop, f"reward_lab.rewards.{name}"), shop

    def probe(self) -> Reward:
        """The expected purchases of the simulated shopper, without noise: measured, not learned."""
        shop = replace(self._shop, oracle=self._oracle(0.0))
        mix = build_mix(RewardMix(components=({"type": "oracle"},)), shop, "the probe")

        def expected(logged: Logged, samples: Samples, shop: Shop) -> NDArray[np.float32]:
            return mix(logged, samples)

        return expected

    @cached_property
    def _population(self) -> Population:
        found: Population = load_saved(self._folders.catalog / POPULATION)
        return found

    def _oracle(self, noise: float) -> SimulatedOracle:
        return SimulatedOracle(
            self._population,
            self._config.world,
            self._folders.history / LOG,
            self._shop.index,
            draws=Draws(self._config.seed),
            noise=noise,
        )

    def offline(self, weights: Weights) -> dict[str, Floats]:
        """(B,) values of the test requests by measure, from beams of the evaluations' width."""
        lab, whole, learned = self._config.reward_lab, self._whole, self.learned
        rows = test_rows(
            whole, lab.test_days, lab.test_requests, seed=self._config.seed, place=TEST_DAYS
        )
        logged = Logged.of(whole, rows)
        ids = ids_at(learned, float(whole.at_R.max()))
        prompts, known_B = learned.ask(
            logged.requests, ids, TextCache(), personalised=self.spec.personalised
        )
        vocabulary, trie = learned.prompts.vocabulary, Trie.of(ids.sids_SL, ids.sizes)
        decoder = Decoder(weights, vocabulary, trie, softmax=learned.softmax)
        asked = np.flatnonzero(known_B)
        sid_BN = np.full((len(rows), lab.alignment.beam), -1, np.int32)
        with one_thread():
            sid_BN[asked] = decoder.decode(prompts.rows(asked), lab.alignment.beam).sid_BN
        index = history_index(self._catalog, whole, self._start)
        shelves = self._shelves(ids, index)
        there_I = self._catalog.retired_at_I > self._start
        return measures(sid_BN, logged, ids, shelves.on_sale(there_I), self._catalog)
