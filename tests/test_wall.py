"""The wall between the latent truth and whatever recalls, ranks or analyses."""

import functools
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
import torch

from cqsid.alignment.settings import AlgorithmSpec, AlignmentSpec, ExpertSpec
from cqsid.channel import CqsidChannel
from cqsid.decoding.decoder import Decoder
from cqsid.decoding.shelves import Shelves
from cqsid.learned import Learned
from cqsid.rewards.logged import Logged
from cqsid.rewards.of_shop import JudgeReward, OracleReward
from cqsid.rewards.registry import AnyReward, CustomReward, RewardMix
from cqsid.rewards.reward import Samples
from cqsid.rewards.shop import Elsewhere, Shop
from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.signals import Signals
from experiments.config.reward_lab import PolicySpec, RewardLabSpec
from experiments.rewardlab.lab import Folders, Lab
from experiments.rewardlab.oracle import SimulatedOracle
from experiments.running import worlds
from experiments.running.models import MODEL, POPULATION, load_saved
from experiments.stages.stage import RECORD, _digest
from ranking.examples import Examples
from ranking.features import FeatureSet
from ranking.funnel import Funnel
from ranking.judges.logistic import LogisticJudge
from ranking.preranker import Preranker
from ranking.rankers.learned import LearnedRanker
from ranking.recallstage import RecallStage
from ranking.router import ArmRouter
from recall.candidates import Pool
from recall.classic.dense import DenseChannel
from recall.classic.lexical import LexicalChannel
from recall.classic.popular import PopularChannel
from recall.composed.reranked import RerankedChannel
from simulator.catalogue.catalog import Catalog
from simulator.errors import StoreError
from simulator.living.world import Population, World
from simulator.log.history import History
from simulator.protocols import Index, Requests
from tests.experiments.cqsid_runs import CQSID
from tests.experiments.plugins import Witness, WitnessRanker, WitnessReward
from tests.experiments.small_runs import log_digests, read, run, small_config, stage
from tests.walls import latent_columns, leaks, types_in

pytestmark = pytest.mark.long

PLUGINS = "tests.experiments.plugins"
WITNESS = f"""
[channels.witness]
type = "custom"
object = "{PLUGINS}:Witness"
[arms.ranker]
type = "custom"
object = "{PLUGINS}:WitnessRanker"
"""
JUDGED = """
[annotations]
pairs = 300
[judges.plain]
type = "logistic"
[channels.best]
type = "reranked"
inner = "lexical"
scorer = "plain"
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A run whose services are kept, with a channel and a ranker that keep all they are given."""
    services: list[Any] = []

    class Watched(World):
        def __init__(self, spec: Any, population: Any, service: Any, *rest: Any, **options: Any):
            services.append(service)
            super().__init__(spec, population, service, *rest, **options)

    folder = tmp_path_factory.mktemp("watched")
    Witness.seen.clear()
    WitnessRanker.seen.clear()
    channels = 'arms.dense.channels=["lexical", "dense", "witness", "cqsid", "best"]'
    judged = "ranker.judge=plain"
    config = small_config(channels, judged, more=WITNESS + CQSID + JUDGED, folder=folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "World", Watched)
        run(config, folder / "run")
    return SimpleNamespace(
        folder=folder / "run",
        config=config,
        population=load_saved(stage(folder / "run", "catalogue") / POPULATION),
        services=services,
        given=[list(Witness.seen), list(WitnessRanker.seen)],
    )


def test_no_service_that_answers_requests_can_reach_the_latent_truth(
    watched: SimpleNamespace,
) -> None:
    assert len(watched.services) == 4  # history, experiment, two worlds of the truth
    assert leaks(watched.services, watched.population) == []
    walked = types_in(watched.services)
    assert {ArmRouter, Funnel, RecallStage, Preranker, LearnedRanker, FeatureSet} <= walked
    assert {LexicalChannel, PopularChannel, DenseChannel, Witness, WitnessRanker} <= walked
    assert {RerankedChannel, LogisticJudge} <= walked
    assert {CqsidChannel, Learned, Signals, SemanticIds, Decoder, Shelves} <= walked
    assert Catalog in walked


def test_nothing_that_channels_and_rankers_are_given_holds_latent_truth(
    watched: SimpleNamespace,
) -> None:
    assert leaks(watched.given, watched.population) == []
    assert {Catalog, History, Requests, Index, Examples, Pool} <= types_in(watched.given)


def test_no_file_that_training_or_service_loads_holds_latent_truth(
    watched: SimpleNamespace,
) -> None:
    files = sorted((watched.folder / "stages").glob("*/*.safetensors"))
    holding = {
        file.name for file in files if leaks(load_saved(file, watched.config), watched.population)
    }
    assert holding == {POPULATION}
    assert len(files) > 10


def test_models_learn_where_no_latent_file_exists(watched: SimpleNamespace, tmp_path: Path) -> None:
    folder = copy_without_latent(watched.folder, tmp_path)
    made = {path.name for path in (folder / "stages").glob("*") if is_model(path)}
    for path in (folder / "stages").glob("*"):
        if is_model(path) or path.name.startswith(("experiment", "truth")):
            shutil.rmtree(path)
    with pytest.raises(StoreError, match=POPULATION):  # only the worlds want it
        run(watched.config, folder)
    assert {path.name for path in (folder / "stages").glob("*") if is_model(path)} == made


def test_analyses_never_open_what_is_latent(small_run: Path, tmp_path: Path) -> None:
    folder = copy_without_latent(small_run, tmp_path)
    for name in ("metrics.json", "truth.json", "manifest.json", "report.html"):
        (folder / name).unlink()
    run(small_config(), folder)
    assert read(folder, "metrics") == read(small_run, "metrics")
    assert read(folder, "truth") == read(small_run, "truth")
    assert log_digests(folder) == log_digests(small_run)


def copy_without_latent(run_folder: Path, place: Path) -> Path:
    folder = place / "run"
    shutil.copytree(run_folder, folder, symlinks=True)
    latent = [*folder.glob("stages/*/log/latent"), *folder.glob("stages/*/" + POPULATION)]
    assert len(latent) == 5
    for path in latent:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        in_stage = path.relative_to(folder / "stages")
        forget(folder / "stages" / in_stage.parts[0], "/".join(in_stage.parts[1:]))
    return folder


def forget(stage: Path, name: str) -> None:
    """Let the record of a stage know nothing of a file or of the files in a folder."""
    record = json.loads((stage / RECORD).read_text())
    record["files"] = {
        file: digest for file, digest in record["files"].items() if not file.startswith(name)
    }
    record.pop("digest")
    record["digest"] = _digest(record)
    (stage / RECORD).write_text(json.dumps(record))


def is_model(path: Path) -> bool:
    return path.name.startswith(("channel-", "ranker-", "judge-"))


# --- the reward lab's one door


BUILT_IN = [kind for kind in get_args(get_args(AnyReward)[0]) if kind is not CustomReward]
PUBLIC = (
    *(kind() for kind in BUILT_IN if kind not in (OracleReward, JudgeReward)),
    JudgeReward(judge="plain"),
)
WEIGHED = AlgorithmSpec(off_policy="propensity", experts=ExpertSpec(count=2))
WATCHING = CustomReward(object=f"{PLUGINS}:WitnessReward")


@pytest.fixture(scope="module")
def lab(watched: SimpleNamespace) -> Lab:
    """The reward lab of the watched run, over all channels of its last arm."""
    settings = RewardLabSpec(
        rewards={
            "public": RewardMix(components=(*PUBLIC, WATCHING)),
            "taught": RewardMix(components=(*PUBLIC, OracleReward(), WATCHING)),
        },
        algorithms={"grpo": AlgorithmSpec(), "weighed": WEIGHED},
        alignment=AlignmentSpec(held_out=20, requests=50),
        arm="dense",
        channel="cqsid",
        test_days=1,
        oracle_noise=0.5,
    )
    folder, others = watched.folder, ("lexical", "dense", "witness", "best")
    rankers = sorted((folder / "stages").glob("ranker-*"))
    folders = Folders(
        stage(folder, "catalogue"),
        stage(folder, "history"),
        stage(folder, "channel-cqsid-early"),
        {name: stage(folder, f"channel-{name}-early") for name in others},
        next(
            path
            for path in rankers
            if isinstance(load_saved(path / MODEL, watched.config), LearnedRanker)
        ),
        {"plain": stage(folder, "judge-plain-early")},
    )
    return Lab(watched.config.model_copy(update={"reward_lab": settings}), folders, 1)


def some_ids(logged: Logged, shop: Shop) -> Samples:
    sid_BG = np.arange(len(logged) * 4).reshape(-1, 4) % len(shop.ids.sids_SL)
    return Samples(shop.ids.sids_SL[sid_BG], sid_BG.astype(np.int32))


def test_a_reward_that_does_not_ask_the_shoppers_reaches_no_latent_truth(
    watched: SimpleNamespace, lab: Lab
) -> None:
    mix, shop = lab.rewarded(PolicySpec(reward="public", algorithm="grpo"))
    logged = lab.train()
    mix(logged, some_ids(logged, shop))  # whatever it keeps of its calls is walked over, too
    given = [mix, shop, logged, lab.held(), some_ids(logged, shop)]
    assert shop.oracle is None
    assert leaks(given, watched.population) == []
    walked = types_in(given)
    assert {type(reward) for reward in PUBLIC} | {Shop, Logged, Samples, Elsewhere} <= walked
    assert {Catalog, Index, SemanticIds, Shelves, RecallStage, LearnedRanker} <= walked
    assert {LexicalChannel, DenseChannel, Witness} <= walked


def test_the_door_to_the_truth_is_the_oracle_and_no_other(
    watched: SimpleNamespace, lab: Lab
) -> None:
    _, shop = lab.rewarded(PolicySpec(reward="taught", algorithm="grpo"))
    assert {"ItemTruth", "Intents", "Shoppers"} <= set(leaks(shop, watched.population))
    assert isinstance(shop.oracle, SimulatedOracle)
    assert leaks(replace(shop, oracle=None), watched.population) == []


@pytest.mark.parametrize("algorithm", ["grpo", "weighed"])
def test_a_reward_beside_one_that_asks_the_shoppers_is_not_handed_the_door(
    watched: SimpleNamespace, lab: Lab, algorithm: str
) -> None:
    mix, shop = lab.rewarded(PolicySpec(reward="taught", algorithm=algorithm))
    logged = lab.train()
    WitnessReward.seen.clear()
    parts_CBG = mix.parts(logged, some_ids(logged, shop))
    assert parts_CBG[mix.names.index("oracle")].any()
    assert leaks(WitnessReward.seen, watched.population) == []
    assert {Shop, Logged, Samples} <= types_in(WitnessReward.seen)


def test_only_the_algorithm_is_handed_the_door_where_it_alone_asks(
    watched: SimpleNamespace, lab: Lab
) -> None:
    mix, shop = lab.rewarded(PolicySpec(reward="public", algorithm="weighed"))
    assert isinstance(shop.oracle, SimulatedOracle)
    assert leaks(mix, watched.population) == []


# --- the walker sees what it must find


class Slotted:
    __slots__ = ("inner",)

    def __init__(self, inner: object) -> None:
        self.inner = inner

    def method(self) -> None: ...


def in_a_closure(secret: object) -> object:
    return lambda: secret


def in_an_object_array(secret: object) -> object:
    array = np.empty((1, 1), object)
    array[0, 0] = secret
    return array


HIDING = {
    "itself": lambda secret: secret,
    "a list in a dictionary": lambda secret: {"a": [1, (secret,)]},
    "a closure": in_a_closure,
    "a slot": Slotted,
    "a bound method": lambda secret: Slotted(secret).method,
    "a partial": lambda secret: functools.partial(print, secret),
    "a default": lambda secret: lambda hidden=secret: hidden,
    "an object array": in_an_object_array,
}


@pytest.fixture(scope="module")
def population(small_run: Path) -> Population:
    found: Population = load_saved(stage(small_run, "catalogue") / POPULATION)
    return found


@pytest.mark.parametrize("place", HIDING)
def test_a_planted_truth_is_found_wherever_it_hides(population: Population, place: str) -> None:
    channel = LexicalChannel()
    channel.helper = HIDING[place](population.supply.truth)  # type: ignore[attr-defined]
    assert "ItemTruth" in leaks(channel, population)


@pytest.mark.parametrize(
    ("part", "name"),
    [("ItemTruth", "truth"), ("Supply", ""), ("Intents", "intents"), ("Shoppers", "shoppers")],
)
def test_every_kind_of_latent_object_is_found(population: Population, part: str, name: str) -> None:
    parts = {
        "ItemTruth": population.supply.truth,
        "Supply": population.supply,
        "Intents": population.intents,
        "Shoppers": population.shoppers,
    }
    assert part in leaks([parts[part]], population)
    assert any(column.startswith(name) for column in leaks([parts[part]], population))


def test_a_latent_column_is_found_as_a_copy_a_view_and_a_tensor(population: Population) -> None:
    quality_I = population.supply.truth.quality_I
    for column in (quality_I.copy(), quality_I[:7], torch.from_numpy(quality_I.copy())):
        assert leaks({"feature": column}, population) == ["truth.quality_I"]


def test_what_is_public_is_no_leak(population: Population) -> None:
    catalog = population.supply.catalog
    public = [replace(catalog), population.intents.texts, population.shoppers.device_S.copy()]
    assert leaks(public, population) == []
    names = set(latent_columns(population))
    assert {"truth.quality_I", "truth.vector_IT", "shoppers.taste_ST"} <= names
    assert {"intents.weight_Q", "shoppers.budget_S"} <= names
