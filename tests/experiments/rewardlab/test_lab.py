"""The lab's shop is that of the end of the training log, and time parts all its requests."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cqsid.rewards.registry import RewardMix
from cqsid.rewards.reward import Samples
from experiments.config.reward_lab import PolicySpec
from experiments.config.schema import Config
from experiments.rewardlab.lab import Folders, Lab, asks_oracle, ids_at
from experiments.rewardlab.policies import lab_seed
from experiments.running.apart.judges import BOUGHT, known_then
from experiments.running.heldout import clicked_rows
from experiments.running.models import CATALOG, LOG, MODEL, POPULATION, load_saved, model_rng
from experiments.running.pipeline import Pipeline
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from ranking.judges.logistic import LogisticJudge
from recall.classic.popular import PopularChannel
from recall.sampleshop import sample_requests
from simulator.annotations.verdicts import Verdicts
from simulator.catalogue.catalog import Catalog
from simulator.errors import ConfigError
from simulator.living.world import Population
from simulator.log.history import History, load_history
from simulator.protocols import DAY
from tests.experiments.rewardlab.reward_runs import lab_config

GRADED = """
[annotations]
pairs = 600

[judges.plain]
type = "logistic"

[judges.twin]
permuted = true

[[reward_lab.rewards.graded.components]]
type = "judge"
judge = "plain"

[[reward_lab.rewards.twin.components]]
type = "judge"
judge = "twin"
"""
ARM = 1
TEST_DAYS = 1


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("lab")
    return lab_config(folder, "ranker.type=merge_order", more=GRADED)


def made(config: Config, folder: Path) -> tuple[Folders, Path]:
    """Stages up to the ranker, and the popularity channel of the control."""
    with RunFolder(folder) as run:
        pipeline = Pipeline(config, Maker(run, config.execution, NoProgress()), TEST_DAYS)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        sft = pipeline.models.supervised(catalogue, history, "cqsid", config.reward_lab.fresh_days)
        late, early = pipeline.models.channels(catalogue, history, {"cqsid": sft})
        rankers = pipeline.models.rankers(catalogue, history, late, early)
        others = {"lexical": late["lexical"].path}
        judges = {
            name: pipeline.models.judges.fitted(catalogue, history, name).path
            for name in config.judges
        }
        parts = (catalogue.path, history.path, sft.path, others, rankers[ARM].path, judges)
        return Folders(*parts), late["popular"].path


@pytest.fixture(scope="module")
def stages(config: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[Folders, Path]:
    return made(config, tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="module")
def folders(stages: tuple[Folders, Path]) -> Folders:
    return stages[0]


@pytest.fixture(scope="module")
def lab(config: Config, folders: Folders) -> Lab:
    return Lab(config, folders, ARM)


@pytest.fixture(scope="module")
def history(folders: Folders) -> History:
    return load_history(folders.history / LOG)


@pytest.fixture(scope="module")
def catalog(folders: Folders) -> Catalog:
    found: Catalog = load_saved(folders.catalog / CATALOG)
    return found


def test_the_supervised_model_never_saw_the_test_days(lab: Lab, history: History) -> None:
    signals = lab.learned.signals
    before = history.at_R[history.row_X] < DAY
    shown_I = np.bincount(history.item_X[before], minlength=len(signals))
    np.testing.assert_array_equal(signals.exposures_I, shown_I)


def test_no_other_channel_saw_them_either(
    stages: tuple[Folders, Path], config: Config, history: History, catalog: Catalog
) -> None:
    requests = sample_requests(catalog)
    found = load_saved(stages[1] / MODEL).recall(requests, 20).items_BN
    for log, same in ((history.before(DAY), True), (history, False)):
        channel = PopularChannel()
        channel.fit(catalog, log, rng=model_rng(config, "channel.popular"))
        assert np.array_equal(channel.recall(requests, 20).items_BN, found) == same


def test_on_fresh_days_policies_learn_from_what_the_supervised_model_never_saw(
    tmp_path: Path,
) -> None:
    days = ("world.history_days=3", "reward_lab.fresh_days=1", "ranker.type=merge_order")
    config = lab_config(tmp_path, *days)
    folders, _ = made(config, tmp_path / "run")
    lab, history = Lab(config, folders, ARM), load_history(folders.history / LOG)
    shown = history.item_X[history.at_R[history.row_X] < DAY]
    assert lab.learned.signals.exposures_I.sum() == len(shown)
    at_B = np.concatenate([lab.train().requests.at_B, lab.held().requests.at_B])
    assert at_B.min() >= DAY
    assert at_B.max() < 2 * DAY


def test_training_comes_before_validation_and_validation_before_the_test(
    lab: Lab, config: Config, history: History
) -> None:
    train, held = lab.train(), lab.held()
    spec = config.reward_lab.alignment
    assert len(train) == spec.requests
    assert len(held) <= spec.held_out
    assert train.requests.at_B.max() <= held.requests.at_B.min()
    assert held.requests.at_B.max() < DAY
    assert (train.clicked.lengths > 0).all()
    # They are the last ones: nothing that was clicked lies between.
    rows = clicked_rows(history, float(train.requests.at_B.min()), DAY)
    assert len(rows) == spec.requests + spec.held_out


def test_the_shop_is_that_of_the_end_of_the_training_log(
    lab: Lab, history: History, catalog: Catalog
) -> None:
    _, shop = lab.rewarded(PolicySpec(reward="log", algorithm="grpo"))
    there_I = (catalog.created_at_I <= DAY) & (catalog.retired_at_I > DAY)
    np.testing.assert_array_equal(shop.index.available_I, there_I)
    assert shop.index.at == DAY
    before = history.at_R[history.row_X] < DAY
    assert shop.index.statistics[0].exposures_I.sum() == before.sum()
    np.testing.assert_array_equal(np.sort(shop.shelves.items), np.flatnonzero(there_I))
    assert shop.oracle is None


def test_items_that_entered_since_training_have_an_id_and_those_that_left_keep_theirs(
    lab: Lab, catalog: Catalog
) -> None:
    later = float(catalog.created_at_I.max())
    ids = ids_at(lab.learned, later)
    assert (ids.sid_I >= 0).all()
    known_I = lab.learned.ids.sid_I >= 0
    np.testing.assert_array_equal(ids.codes_IL[known_I], lab.learned.ids.codes_IL[known_I])


def test_what_is_found_elsewhere_is_not_found_by_the_generator(lab: Lab, config: Config) -> None:
    _, shop = lab.rewarded(config.reward_lab.grid[0])
    assert shop.elsewhere is not None
    pool = shop.elsewhere.pool_of(lab.held().requests)
    assert (pool.items_BN >= 0).any()
    assert shop.elsewhere.bit == list(config.channels).index("cqsid")
    assert not (pool.sources_BN & 1 << shop.elsewhere.bit).any()
    assert pool.ranks_BNC.shape[2] == shop.elsewhere.channels == len(config.channels)
    there_I = shop.index.available_I
    assert there_I[pool.items_BN[pool.items_BN >= 0]].all()


def test_an_arm_of_the_generator_alone_has_nothing_elsewhere(
    config: Config, folders: Folders
) -> None:
    _, shop = Lab(config, replace(folders, channels={}), ARM).rewarded(config.reward_lab.grid[0])
    assert shop.elsewhere is None


def test_only_a_policy_that_asks_for_the_oracle_gets_it(lab: Lab, config: Config) -> None:
    spec = config.reward_lab
    for policy in spec.grid:
        _, shop = lab.rewarded(policy)
        assert (shop.oracle is not None) == (policy.reward == "oracle")
    known = spec.algorithms["eg"].model_copy(update={"off_policy": "propensity"})
    assert asks_oracle(spec.rewards["log"], known)
    assert not asks_oracle(spec.rewards["log"], spec.algorithms["eg"])


def test_the_probe_measures_without_the_noise_that_a_reward_has(
    config: Config, folders: Folders
) -> None:
    noisy = config.model_copy(
        update={"reward_lab": config.reward_lab.model_copy(update={"oracle_noise": 2.0})}
    )
    lab, plain = (Lab(each, folders, ARM) for each in (noisy, config))
    held = plain.held()
    mix, shop = lab.rewarded(PolicySpec(reward="oracle", algorithm="grpo"))
    sid_BG = np.tile(np.arange(6, dtype=np.int32), (len(held), 1))
    samples = Samples(shop.ids.sids_SL[sid_BG], sid_BG)
    exact_BG = plain.probe()(held, samples, shop)
    np.testing.assert_array_equal(lab.probe()(held, samples, shop), exact_BG)
    assert not np.allclose(mix(held, samples), exact_BG)
    assert exact_BG.max() > 0


def test_policies_of_equal_seed_share_their_luck(config: Config) -> None:
    assert lab_seed(config, 0) == lab_seed(config, 0) != lab_seed(config, 1)


def test_a_reward_that_the_shop_cannot_serve_is_told_by_its_place(
    config: Config, folders: Folders
) -> None:
    mix = RewardMix.model_validate({"components": [{"type": "exclusivity"}]})
    rewards = config.reward_lab.model_copy(update={"rewards": {"alone": mix}})
    lab = Lab(config.model_copy(update={"reward_lab": rewards}), replace(folders, channels={}), ARM)
    with pytest.raises(ConfigError, match=r"reward_lab.rewards.alone.components\[0\]"):
        lab.rewarded(PolicySpec(reward="alone", algorithm="grpo"))


def test_a_reward_may_be_the_grade_of_a_judge(lab: Lab) -> None:
    mix, shop = lab.reward("graded")
    logged = lab.train()
    shown_B = logged.exposed.values[logged.exposed.pointer[:-1]]
    sid_B1 = shop.ids.sid_I[shown_B][:, None].astype(np.int32)
    samples = Samples(shop.ids.sids_SL[sid_B1], sid_B1)
    values_B1 = mix(logged, samples)
    items_BK = shop.items(sid_B1, 5)[:, 0]
    grade_BK = shop.judges["plain"].pair_scores(logged.requests, items_BK)
    held_BK = items_BK >= 0
    wanted_B = (grade_BK * held_BK).sum(axis=1) / np.maximum(held_BK.sum(axis=1), 1)
    np.testing.assert_allclose(values_B1[:, 0], wanted_B, atol=1e-6)
    assert values_B1.std() > 0


def test_a_judge_of_the_lab_has_not_seen_the_test_days(
    config: Config, folders: Folders, history: History
) -> None:
    """It is the one that learns from a log which ends before them, to the bit."""
    before = history.before(DAY)
    (bought,) = folders.history.parent.glob("annotations-*")
    pairs = known_then(load_saved(bought / BOUGHT), before, history)
    assert 0 < len(pairs) < config.annotations.pairs
    judge = LogisticJudge()
    catalog = load_saved(folders.catalog / CATALOG)
    judge.fit(catalog, before, pairs, rng=model_rng(config, "judge.plain"))
    found = load_saved(folders.judges["plain"] / MODEL, config)
    assert judge.model is not None
    np.testing.assert_array_equal(found.model.weight_F, judge.model.weight_F)


def test_a_judges_reward_follows_the_true_grades_of_ids_and_its_twin_far_less(
    lab: Lab, folders: Folders
) -> None:
    """Correlation within each request's group, as a policy would learn from it."""
    population: Population = load_saved(folders.catalog / POPULATION)
    verdicts = Verdicts(population.intents, population.supply.truth)
    logged, (_, shop) = lab.train(), lab.reward("graded")
    rng = np.random.default_rng(0)
    sid_BG = rng.integers(0, len(shop.ids.sids_SL), (len(logged), 30)).astype(np.int32)
    items_BGK = shop.items(sid_BG, 5)
    rows, *_ = np.nonzero(items_BGK >= 0)
    grade_BGK = np.zeros(items_BGK.shape)
    text_P, item_P = logged.requests.text_B[rows], items_BGK[items_BGK >= 0]
    grade_BGK[items_BGK >= 0] = verdicts.of(text_P, item_P).grade_J
    true_BG = grade_BGK.sum(axis=2) / np.maximum((items_BGK >= 0).sum(axis=2), 1)
    samples = Samples(shop.ids.sids_SL[sid_BG], sid_BG)

    def follows(name: str) -> np.ndarray:
        values_BG = lab.reward(name)[0](logged, samples).astype(np.float64)
        varies_B = (true_BG.std(axis=1) > 0) & (values_BG.std(axis=1) > 0)
        pairs = zip(values_BG[varies_B], true_BG[varies_B], strict=True)
        return np.array([np.corrcoef(*pair)[0, 1] for pair in pairs])

    found, twin = follows("graded"), follows("twin")
    assert len(found) > 30
    error = float(np.hypot(*(each.std() / np.sqrt(len(each)) for each in (found, twin))))
    assert found.mean() > 5 * error
    assert found.mean() - twin.mean() > 5 * error
