"""The stages of relevance judges: annotations are bought, judges learn, and are measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cqsid.loggers.listening import keep_events
from cqsid.registry import build_judge
from experiments.config.schema import Config
from experiments.inference.logs import EngineSpec, engine, scan
from experiments.records.apart.judges import Judged, JudgesRecord
from experiments.records.reading import write_record
from experiments.running.heldout import seen_history
from experiments.running.models import (
    CATALOG,
    LOG,
    MODEL,
    POPULATION,
    heard,
    load_saved,
    luck_of_training,
    model_rng,
)
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from experiments.stress.judging import measures, verdict_measures
from ranking.examples import split_time
from recall.judge import Explaining, Judge, requests_of
from recall.storage import plug_in_roots, save
from simulator.annotations.buying import Traffic, buy, judged, measure
from simulator.annotations.pairs import Annotations
from simulator.annotations.verdicts import Verdicts
from simulator.calling import blaming, call
from simulator.catalogue.catalog import Catalog
from simulator.errors import placing
from simulator.living.world import Population
from simulator.log.history import History, load_history
from simulator.randomness import Draws

BOUGHT, MEASURED = "bought.safetensors", "measured.safetensors"
MEASURED_PAIRS = 4_000
"""Pairs that judges are measured on, at most."""


@dataclass(frozen=True)
class AnnotationsJob:
    """Pairs to be annotated.

    Attributes:
        catalog, history: folders of these stages.
    """

    config: Config
    stage: Stage
    catalog: Path
    history: Path


@dataclass(frozen=True)
class JudgeJob:
    """A judge to be fitted.

    Attributes:
        name: in the settings.
        catalog, history, annotations: folders of these stages.
        early: learn from what was known before the requests that teach rankers: a judge that had
            seen their clicks, or grades of what they were shown, would look better there than it
            will be in service.
        unseen_days: last days of the history that nothing is learned from.
    """

    config: Config
    stage: Stage
    name: str
    catalog: Path
    history: Path
    annotations: Path
    early: bool = False
    unseen_days: int = 0


@dataclass(frozen=True)
class MeasureJob:
    """Judges to be measured.

    Attributes:
        annotations: folder of this stage.
        judges: model folders of the judges, by name.
    """

    config: Config
    stage: Stage
    annotations: Path
    judges: Mapping[str, Path]


def annotate(job: AnnotationsJob, *, advance: Advance) -> None:
    """Buy the pairs that judges learn from, and keep others to measure them with."""
    population: Population = load_saved(job.catalog / POPULATION)
    spec, draws = job.config.annotations, Draws(job.config.seed).child("annotations")
    if spec.source == "judgments":
        bought, measured = judged(population.intents.judgments, spec.pairs, draws)
    else:
        bought, measured = _simulated(job, population, draws)
    with job.stage.write() as folder:
        save(folder / BOUGHT, bought)
        save(folder / MEASURED, measured)
    advance(1)


def _simulated(
    job: AnnotationsJob, population: Population, draws: Draws
) -> tuple[Annotations, Annotations]:
    """Pairs of the log with what simulated annotators say, and others without a mistake."""
    supply, intents = population.supply, population.intents
    log = job.history / LOG
    traffic = traffic_of(log, load_history(log), len(supply.catalog))
    verdicts = Verdicts(intents, supply.truth)
    bought = buy(traffic, verdicts, job.config.annotations, draws)
    return bought, measure(traffic, verdicts, MEASURED_PAIRS, draws)


def traffic_of(log: Path, history: History, items: int) -> Traffic:
    """What the log tells of pairs: asked, shown, and found by a channel in a sampled request."""
    shown_X = history.text_R[history.row_X]
    with engine(EngineSpec()) as connection:
        found = connection.execute(
            f"SELECT DISTINCT text, item FROM {scan(log, 'candidates')} "
            f"JOIN (SELECT request, text FROM {scan(log, 'requests')}) USING (request) "
            "ORDER BY text, item"
        ).fetchnumpy()
    return Traffic(
        asked_R=history.text_R,
        shown_X2=np.stack([shown_X, history.item_X], axis=1).astype(np.int32),
        found_F2=np.stack([found["text"], found["item"]], axis=1).astype(np.int32),
        items=items,
    )


def fit_judge(job: JudgeJob, *, advance: Advance) -> None:
    """Fit one judge and finish its stage."""
    config, place = job.config, f"judges.{job.name}"
    spec, luck = config.judges[job.name], luck_of_training(config.judges, job.name)
    rng = model_rng(config, f"judge.{luck}")
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    whole = load_history(job.history / LOG)
    history = seen_history(whole, job.unseen_days)
    if job.early:
        history = history.before(split_time(history, config.examples))
    annotations: Annotations = load_saved(job.annotations / BOUGHT)
    if history is not whole and config.annotations.source == "simulated":
        annotations = known_then(annotations, history, whole)
    if spec.permuted:
        annotations = annotations.shuffled(rng)
    judge = build_judge(job.name, spec)
    with job.stage.write() as folder:
        with (
            blaming(f"{place}: fit()", "learn from annotations"),
            placing(place),
            heard(config, job.stage),
        ):
            call(f"{place}: fit()", judge.fit, catalog, history, annotations, rng=rng)
        keep_events(job.stage.workspace, folder)
        with placing(place):
            save(folder / MODEL, judge, judge.name, plug_in_roots(config))
    advance(1)


def known_then(annotations: Annotations, part: History, whole: History) -> Annotations:
    """The pairs that could be bought of the earlier part of a log.

    Those are left out whose text nobody had asked yet, and those that were first shown later.
    """
    asked_J = np.isin(annotations.text_J, part.text_R)
    items = 1 + int(max(whole.item_X.max(initial=0), annotations.item_J.max(initial=0)))
    pair_J = annotations.text_J.astype(np.int64) * items + annotations.item_J
    shown, ever = (
        np.isin(pair_J, each.text_R[each.row_X].astype(np.int64) * items + each.item_X)
        for each in (part, whole)
    )
    return annotations.rows(np.flatnonzero(asked_J & (shown | ~ever)))


def measure_judges(job: MeasureJob, *, advance: Advance) -> None:
    """Grade the pairs that were kept for this, and compare with the truth."""
    config = job.config
    bought: Annotations = load_saved(job.annotations / BOUGHT)
    pairs: Annotations = load_saved(job.annotations / MEASURED)
    rows, source = list[Judged](), config.annotations.source
    for name, model in job.judges.items():
        judge: Judge = load_saved(model / MODEL, config)
        with placing(f"judges.{name}"):
            chances_JG = call(f"judges.{name}: grades()", _graded, judge, pairs)
        rng = np.random.default_rng(config.seed)
        rows += measures(
            name, chances_JG, pairs.grade_J, pairs.text_J, config.analysis.confidence, rng
        )
        if isinstance(judge, Explaining) and pairs.explained:
            with placing(f"judges.{name}"):
                said = call(f"judges.{name}: verdicts()", _explained, judge, pairs)
            true = {"category": pairs.category_J, "brand": pairs.brand_J, "values": pairs.values_J}
            told = pairs.text_J, config.analysis.confidence, np.random.default_rng(config.seed)
            grade_J = chances_JG.argmax(axis=1)
            rows += verdict_measures(name, said, true, grade_J, *told)
    with job.stage.write() as folder:
        record = JudgesRecord(
            name=config.name,
            confidence=config.analysis.confidence,
            bought=len(bought),
            noise=config.annotations.noise if source == "simulated" else 0.0,
            measured=len(pairs),
            grades=tuple(np.bincount(pairs.grade_J, minlength=4).tolist()),
            judged=tuple(rows),
            source=source,
        )
        write_record(folder, record)
    advance(len(pairs))


def _graded(judge: Judge, pairs: Annotations) -> np.ndarray:
    """(J, G) what a judge says of pairs, text by text."""
    asked = requests_of(pairs.texts, pairs.text_J)
    return np.asarray(judge.grades(asked, pairs.item_J[:, None])[:, 0])


def _explained(judge: Explaining, pairs: Annotations) -> dict[str, np.ndarray]:
    """(J,) the verdicts of a judge on pairs, by name."""
    asked = requests_of(pairs.texts, pairs.text_J)
    found = judge.verdicts(asked, pairs.item_J[:, None])
    named = {"category": found.category_BN, "brand": found.brand_BN, "values": found.values_BN}
    return {name: codes[:, 0] for name, codes in named.items()}
