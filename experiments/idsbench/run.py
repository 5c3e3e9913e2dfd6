"""The bench of identifier schemes: every scheme and seed trained on one history, then compared."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cqsid.decoding.evaluate import positions, prefixes_L
from cqsid.registry import GENERATIVE_TYPES, generative
from cqsid.tokenizer.schemes.registry import SCHEMES
from experiments.config.estimate import plan_ids
from experiments.config.overrides import unknown
from experiments.config.schema import Config
from experiments.idsbench.asked import PLACE, asked_requests
from experiments.idsbench.readings import cluster_shares, read_beams
from experiments.idsbench.results import make_record
from experiments.idsbench.trial import (
    TRIAL,
    TextsJob,
    Trial,
    TrialJob,
    fit_texts,
    run_trial,
)
from experiments.records.ids import IdsRecord, Quality
from experiments.report.ids.page import write_report
from experiments.report.kit.failed import told_failed
from experiments.running.heldout import test_start
from experiments.running.manifest import bench_manifest
from experiments.running.models import LOG, load_saved, training_luck
from experiments.running.opening import announce, at_work, finish_run, open_run, replace_results
from experiments.running.pipeline import Pipeline
from experiments.running.plugins import check_spec
from experiments.running.population import remarks
from experiments.stages.keys import data_digest
from experiments.stages.maker import Maker
from experiments.stages.progress import Progress
from experiments.stages.stage import Stage
from simulator.errors import ConfigError, PartFailedError
from simulator.failures import Failure, note_failure
from simulator.log.history import load_history
from simulator.protocols import FaultReason


def bench_ids(
    config: Config, folder: Path, *, progress: Progress, command: str, overwrite: bool = False
) -> Path:
    """Compare identifier schemes; returns the path of the report.

    Args:
        config: a config with a channel of type cqsid, whose settings all schemes share.
        folder: the run folder; finished trainings in it are reused.
        command: what the manifest names as the way to reproduce it.
        overwrite: replace the results of a finished bench with other settings.

    Raises:
        FunnelabError: bad input, or a folder that cannot be used.
        PartFailedError: the baseline failed, or every scheme; others that fail are left out.
    """
    channel = _channel(config)
    _check_names(config, channel)
    check_spec(f"channels.{channel}", config.channels[channel])
    with open_run(config, folder, progress, overwrite=overwrite) as maker, at_work():
        announce(progress, plan_ids(config))
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        log, days = load_history(history.path / LOG), config.ids_bench.test_days
        test_start(log, days, PLACE)  # refuses at once
        trials = _trials(config, channel, maker, catalogue, history)
        with progress.stage("compare"):
            record = _compare(config, channel, trials, catalogue, history)
            record = replace(record, warnings=(*told_failed(maker.failed), *record.warnings))
        replace_results(maker.run, config, record)
        told = bench_manifest(config, command, catalogue, maker)
        return finish_run(maker, told, write_report)


def _channel(config: Config) -> str:
    for name in generative(config.channels):
        return name
    types = ", ".join(spec.type for spec in config.channels.values())
    wanted = f"must have one of type {', '.join(GENERATIVE_TYPES)}: it sets up the bench"
    raise ConfigError(f"channels == {types}, {wanted}")


def _check_names(config: Config, channel: str) -> None:
    spec = generative(config.channels)[channel]
    names = [*SCHEMES, *(["custom"] if spec.ids.scheme == "custom" else [])]
    for problem in unknown("ids_bench.schemes", config.ids_bench.schemes, names):
        raise ConfigError(problem)


def _trials(
    config: Config, channel: str, maker: Maker, catalogue: Stage, history: Stage
) -> list[Trial]:
    spec, bench = generative(config.channels)[channel], config.ids_bench
    common: list[object] = [config.device, *training_luck(config)]
    inputs = [catalogue.key, history.key, *(data_digest(path) for path in spec.data())]
    shared = catalogue.path, history.path, channel
    told = [spec.text, spec.model, *common, bench.test_days]
    texts = [
        TextsJob(
            config,
            maker.stage(f"ids-texts-{seed}", [*told, seed], inputs=inputs, task=fit_texts),
            *(*shared, seed),
        )
        for seed in range(bench.seeds)
    ]
    maker.side_by_side("texts", texts, "models", 1)
    asked = [bench.test_days, bench.test_requests, bench.beams, bench.serving_beam, bench.deepest]
    told = [spec.learned(), spec.serving.shelves, *common, asked, bench.personalised]
    jobs = []
    for seed, of_seed in enumerate(texts):
        for scheme in bench.schemes:
            stage = maker.stage(
                f"ids-{scheme}-{seed}",
                [*told, scheme, seed],
                inputs=[*inputs, of_seed.stage.key],
                task=run_trial,
            )
            jobs.append(TrialJob(config, stage, *shared, seed, of_seed.stage.path, scheme))
    lost = maker.side_by_side("schemes", jobs, "trainings", 1)
    failed = {job.scheme: lost[job.stage.path] for job in jobs if job.stage.path in lost}
    if bench.baseline in failed or len(failed) == len(bench.schemes):
        raise PartFailedError("\n".join(dict.fromkeys(failed.values())))
    for scheme, why in failed.items():
        note_failure(Failure(f"scheme {scheme}", FaultReason.RAISED, 0, why))
    trained = (job for job in jobs if job.scheme not in failed)
    return [load_saved(job.stage.path / TRIAL, config) for job in trained]


def _compare(
    config: Config, channel: str, trials: Sequence[Trial], catalogue: Stage, history: Stage
) -> IdsRecord:
    spec, bench = generative(config.channels)[channel], config.ids_bench
    trained = {trial.scheme for trial in trials}
    kept = tuple(scheme for scheme in bench.schemes if scheme in trained)
    bench = bench.model_copy(update={"schemes": kept})
    _, asked = asked_requests(load_history(history.path / LOG), bench, config.seed)
    budgets = {  # positions that the baseline processes for a request at the serving beam
        (mode, trial.seed): positions(bench.serving_beam, found.prompt, prefixes_L(trial.ids))
        for trial in trials
        if trial.scheme == bench.baseline
        for mode, found in trial.answered.items()
    }
    readings = [
        read_beams(
            *(bench, asked, trial, mode),
            budget=budgets[mode, trial.seed],
            cap=spec.serving.shelves.cap,
        )
        for trial in trials
        for mode in trial.answered
    ]
    sizes = catalogue.record().rows
    record = make_record(
        bench,
        readings,
        [_quality(trial) for trial in trials],
        asked.shopper_B,
        name=config.name,
        items=sizes["items"],
    )
    return replace(record, warnings=(*remarks(config, sizes), *record.warnings))


def _quality(trial: Trial) -> Quality:
    quality = trial.quality
    return Quality(
        scheme=trial.scheme,
        seed=trial.seed,
        sizes=trial.ids.sizes,
        ids=len(trial.ids.sids_SL),
        perplexity_L=tuple(quality.perplexity_L),
        gini=quality.gini,
        p99=quality.p99,
        largest=quality.largest,
        purity=quality.purity,
        embedding_hit=quality.hit_rate,
        cluster_shares=cluster_shares(trial.ids),
        training_s=trial.training_s,
    )
