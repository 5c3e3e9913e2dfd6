"""Training of rankers: examples of the later part of the history, and what learns from them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from cqsid.loggers.listening import keep_events
from experiments.config.schema import ArmSpec, Config
from experiments.records.files import write_json
from experiments.running.funnels import recall_stage
from experiments.running.heldout import seen_history
from experiments.running.models import (
    CATALOG,
    EXAMPLES,
    LOG,
    MODEL,
    REPORT,
    heard,
    load_channel,
    load_saved,
    model_rng,
)
from experiments.stages.executor import Advance
from experiments.stages.progress import Parts
from experiments.stages.stage import Stage
from ranking.examples import Examples, build_examples, history_index, split_time
from ranking.facts.memory import QueryMemory
from ranking.features import FeatureSet, text_scorer
from ranking.rankers.ranker import Settling
from ranking.rankers.registry import build_ranker
from ranking.rankers.settings import RankerSpec
from ranking.rankers.valued import ValuedRanker
from ranking.union import UnionRecall
from recall.channel import Channel, PairScorer, Watchable
from recall.storage import plug_in_roots, save
from simulator.calling import blaming, call
from simulator.catalogue.catalog import Catalog
from simulator.errors import placing
from simulator.log.history import History, load_history

Arms = tuple[int, ...]
"""Numbers of the arms that one ranker serves."""


def sharing(config: Config) -> list[Arms]:
    """Of each arm, in order, the arms whose ranker is one with its own, itself among them.

    An arm that names a ranker trains it alone; all others share one, unless `ranker.training`
    says that each trains its own.
    """
    numbers = range(len(config.arms))
    common = tuple(n for n in numbers if config.arms[n].ranker is None)
    shared = config.ranker.training == "shared"
    return [common if shared and n in common else (n,) for n in numbers]


def distinct_funnels(config: Config, arms: Arms) -> list[ArmSpec]:
    """Of these arms, those of different channels, limits or merge, in an order of their own.

    So neither the names nor the order of arms decide what their union finds.
    """
    found = {repr(funnel_of(config, arm)): arm for arm in (config.arms[n] for n in arms)}
    return [found[key] for key in sorted(found)]


def replayed(config: Config, arms: Arms) -> list[str]:
    """The channels through which the examples of these arms' ranker are replayed.

    None where it does not read what they say: such a ranker is the same in whatever arm it is.
    """
    if not ranker_of(config, arms).reads_pools:
        return []
    return [n for n in config.channels if any(n in config.arms[arm].channels for arm in arms)]


def funnel_of(config: Config, arm: ArmSpec) -> list[object]:
    """The settings of an arm that decide its pools, but for those of its channels."""
    return [arm.channels, arm.limits, arm.merge or config.funnel.merge]


@dataclass(frozen=True)
class ExamplesJob:
    """The examples that teach the ranker of some arms, to be made.

    Attributes:
        catalog, history: folders of these stages.
        arms: whose ranker it is.
        early: model folders of the channels to replay them through, as of the earlier part of the
            history; empty where they are not.
        unseen_days: as of `ChannelJob`.
    """

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    arms: Arms
    early: Mapping[str, Path]
    unseen_days: int = 0


def make_examples(job: ExamplesJob, *, advance: Advance) -> None:
    """Every item that the later part of the history exposed, found where any arm finds it."""
    config = job.config
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    history = seen_history(load_history(job.history / LOG), job.unseen_days)
    rng, parts = model_rng(config, "examples"), Parts(advance)
    early, start = loaded(config, job.early), split_time(history, config.examples)
    examples = examples_of(config, job.arms, catalog, history, early, start, rng=rng, tell=parts)
    with job.stage.write() as folder:
        save(folder / EXAMPLES, examples, "examples")
    parts.finish()


def examples_of(
    config: Config,
    arms: Arms,
    catalog: Catalog,
    history: History,
    early: Mapping[str, Channel],
    start: float,
    *,
    rng: np.random.Generator,
    tell: Callable[[float], None],
) -> Examples:
    """What teaches the ranker of some arms.

    Args:
        arms: whose ranker it is.
        catalog, history: what there is to learn from.
        early: fitted channels to replay requests through, none where they are not replayed; they
            know nothing from `start` on.
        start: the moment that parts statistics from examples, simulated seconds.
        rng: draws the sample.
        tell: told now and then which share is done.
    """
    pool_of = None
    if early:
        union = _union(config, arms, catalog, early)
        union.refresh(history_index(catalog, history, start))
        pool_of = union.pool
    spec = config.examples
    return build_examples(history, catalog, pool_of, spec, rng=rng, tell=tell, start=start)


def _union(
    config: Config, arms: Arms, catalog: Catalog, early: Mapping[str, Channel]
) -> UnionRecall:
    """The arms' recall, over their early channels."""
    universe = tuple(config.channels)
    return UnionRecall(
        [
            recall_stage(
                config,
                catalog,
                {name: early[name] for name in arm.channels},
                universe,
                config.channels,
                arm,
            )
            for arm in distinct_funnels(config, arms)
        ]
    )


@dataclass(frozen=True)
class RankerJob:
    """The ranker of some arms, to be fitted.

    Attributes:
        catalog, history: folders of these stages.
        examples: folder of what it learns from; None where it learns nothing.
        arms: whose ranker it is.
        early, channels: model folders of the channel whose score is a feature, as of the earlier
            part of the history and as it will serve; empty where there is none.
        unseen_days: as of `ChannelJob`.
        training: 0 as it serves; another number trains it again, on the same examples by other
            luck.
        judges: model folders of the judge whose grade is a feature, as of the earlier part and as
            it will serve; None where there is none.
        settled: folder of what several trainings take from one, see `settle_ranker`; None where
            each learns it alone.
    """

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    examples: Path | None
    arms: Arms
    early: Mapping[str, Path]
    channels: Mapping[str, Path]
    unseen_days: int = 0
    training: int = 0
    judges: tuple[Path, Path] | None = None
    settled: Path | None = None


def settle_ranker(job: RankerJob, *, advance: Advance) -> None:
    """Learn once what several trainings of a ranker have in common, and finish its stage."""
    config, parts = job.config, Parts(advance)
    taught = _taught(job)
    ranker = build_ranker(ranker_of(config, job.arms), features_for(config, job.arms, taught))
    settled = None
    if isinstance(ranker, Settling) and taught.examples is not None:
        if isinstance(ranker, Watchable):
            ranker.watch(parts)
        settled = ranker.settled(taught.examples)
    with job.stage.write() as folder:
        save(folder / MODEL, settled, job.stage.name)
    parts.finish()


def fit_ranker(job: RankerJob, *, advance: Advance) -> None:
    """Fit the ranker of some arms and finish its stage."""
    config, parts = job.config, Parts(advance)
    taught = _taught(job)
    settled = load_saved(job.settled / MODEL) if job.settled is not None else None
    with job.stage.write() as folder:
        rng = model_rng(config, "ranker", job.training)
        told = (job.arms, taught, job.stage, folder)
        train_ranker(config, *told, rng=rng, tell=parts, settled=settled)
    parts.finish()


def _taught(job: RankerJob) -> "Taught":
    config = job.config
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    examples, memories = None, None
    if job.examples is not None:
        history = seen_history(load_history(job.history / LOG), job.unseen_days)
        memories = memories_of(catalog, history, split_time(history, config.examples))
        examples = load_saved(job.examples / EXAMPLES)
    judges = [load_saved(folder / MODEL, config) for folder in job.judges or ()]
    return Taught(
        *(catalog, text_of(config, catalog), examples, memories),
        loaded(config, job.early),
        loaded(config, job.channels),
        (judges[0], judges[1]) if judges else None,
    )


@dataclass(frozen=True)
class Taught:
    """What a ranker is made of.

    Attributes:
        catalog: of the run.
        text: the scorer of query and item text.
        examples: what it learns from; None where it learns nothing.
        memories: what was known of queries before the examples, and what is known as it serves.
        early, late: the channel whose score is a feature, by name, as of before the examples and
            as it will serve; empty where there is none.
        judges: the judge whose grade is a feature, likewise; None where there is none.
    """

    catalog: Catalog
    text: PairScorer
    examples: Examples | None
    memories: tuple[QueryMemory, QueryMemory] | None
    early: Mapping[str, Channel]
    late: Mapping[str, Channel]
    judges: tuple[PairScorer, PairScorer] | None = None


def train_ranker(
    config: Config,
    arms: Arms,
    taught: Taught,
    stage: Stage,
    folder: Path,
    *,
    rng: np.random.Generator,
    tell: Callable[[float], None],
    settled: object | None = None,
) -> None:
    """Fit the ranker of some arms and write it with its report.

    Args:
        arms: whose ranker it is.
        taught: what it is made of.
        stage, folder: that is written, and where.
        rng: luck of the training.
        tell: told now and then which share is done.
        settled: what it takes from another training, see `settle_ranker`; None: nothing.
    """
    spec, place = ranker_of(config, arms), _place(config, arms)
    features = features_for(config, arms, taught)
    ranker = build_ranker(spec, features)
    if taught.examples is not None:
        if isinstance(ranker, Watchable):
            with blaming(f"{place}: {ranker.name}.watch()", "take a function"):
                call(f"{place}: {ranker.name}.watch()", ranker.watch, tell)
        with (
            blaming(f"{place}: {ranker.name}.fit()", "learn from the examples"),
            heard(config, stage),
        ):
            if isinstance(ranker, Settling) and settled is not None:
                ranker.settle_by(settled)
            call(f"{place}: {ranker.name}.fit()", ranker.fit, taught.examples, rng=rng)
        keep_events(stage.workspace, folder)
    now = taught.memories[1] if taught.memories else None
    judge = taught.judges[1] if taught.judges else None
    features.use_scorers(taught.text, _dense_scorer(config, taught.late), now, judge)
    with placing(place):
        save(folder / MODEL, ranker, ranker.name, plug_in_roots(config))
    report = ranker.report if isinstance(ranker, ValuedRanker) else None
    write_json(folder / REPORT, asdict(report) if report is not None else {})


def text_of(config: Config, catalog: Catalog) -> PairScorer:
    """The scorer of query and item text, the same for all rankers of a run."""
    return text_scorer(catalog, rng=model_rng(config, "ranker.text"))


def features_for(config: Config, arms: Arms, taught: Taught) -> FeatureSet:
    """What the ranker of some arms sees of an item, as it is while it learns."""
    told = tuple(config.channels) if ranker_of(config, arms).provenance else ()
    then = taught.memories[0] if taught.memories else None
    dense = _dense_scorer(config, taught.early)
    judge = taught.judges[0] if taught.judges else None
    return FeatureSet(taught.catalog, told, taught.text, dense, then, judge)


def memories_of(
    catalog: Catalog, history: History, start: float
) -> tuple[QueryMemory, QueryMemory]:
    """What was known of queries before the examples, and what is known at the end of the log."""
    return QueryMemory(catalog, history.before(start)), QueryMemory(catalog, history)


def ranker_of(config: Config, arms: Arms) -> RankerSpec:
    """The settings of the ranker that these arms share."""
    return config.arms[arms[0]].ranker or config.ranker


def _place(config: Config, arms: Arms) -> str:
    """Where the settings of the arms' ranker stand, for errors."""
    (first, *_) = (config.arms[number] for number in arms)
    own = first.ranker is not None or config.ranker.training == "per_arm"
    return f"arms.{first.name}" if own else "ranker"


def loaded(config: Config, folders: Mapping[str, Path]) -> dict[str, Channel]:
    """Fitted channels from their folders, by name."""
    return {name: load_channel(folder / MODEL, config, name) for name, folder in folders.items()}


def dense_name(config: Config) -> str | None:
    """The channel whose score is a feature of all arms' rankers: the first that gives vectors.

    Also an arm whose recall has no such channel gets the feature, so that a difference between
    arms is one of recall.
    """
    return next((name for name, spec in config.channels.items() if spec.gives_vectors), None)


def _dense_scorer(config: Config, channels: Mapping[str, Channel]) -> PairScorer | None:
    name = dense_name(config)
    channel = channels.get(name) if name is not None else None
    return channel if isinstance(channel, PairScorer) else None
