"""`funnelab validate`: whether a simulated market can be believed."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from experiments.config.estimate import plan_history
from experiments.config.schema import Config
from experiments.inference.logs import EngineSpec
from experiments.records.files import storing
from experiments.records.reading import write_record
from experiments.records.validity import Check, Validity
from experiments.report.validity.page import write_report
from experiments.running.manifest import bench_manifest
from experiments.running.opening import announce, at_work, finish_run, open_run, replace_results
from experiments.running.pipeline import Pipeline
from experiments.running.plugins import check_plug_ins
from experiments.stages.finished import finished_config
from experiments.stages.progress import Progress
from experiments.validate.concentration import lorenz
from experiments.validate.controls import controls
from experiments.validate.evidence import Evidence
from experiments.validate.favouritism.audit import audit
from experiments.validate.invariants import invariants
from experiments.validate.opening import of_history, of_run
from experiments.validate.ownlog.compare import compare
from experiments.validate.ownlog.lives import sales_of_lives
from experiments.validate.ownlog.sales import Sales
from experiments.validate.ownlog.settings import read_own_log
from experiments.validate.past.compare import compare_past
from experiments.validate.past.table import read_past
from experiments.validate.policyshift import policy_shift
from experiments.validate.positions import rates
from experiments.validate.ranges import ranges
from experiments.validate.supply import supplied

RUNGS: tuple[Callable[[Evidence], Iterable[Check]], ...] = (
    invariants,
    supplied,
    ranges,
    controls,
    policy_shift,
)
"""What is checked, in the order of the ladder; a further rung is a further function."""

AUDITED = 400
"""Requests that every channel answers in the audit of favouritism, unless it is told how many."""

LIVES = 4
"""Other lives of the simulated shop, unless it is told how many; made where there is a log."""

_NO_EXPERIMENT = (
    "No experiment was run, so there are no negative controls, no A/A, and no figures of an arm "
    "with trained channels, nor an audit of favouritism: `funnelab run` makes one, and "
    "`funnelab validate` reads its folder."
)
_NO_TRUTH = (
    "The run's truth has no headroom (`truth.headroom` above 0), so recall pressure is not known."
)
_OTHER_SPLIT = (
    "The experiment split {}, so there are no negative controls and no A/A: they compare shoppers "
    "of one arm with those of another."
)
_NO_AUDIT = "Channels were not asked for favouritism (`--audit`)."
_NO_LOG = "No log of your own was given to be compared with (`--log`)."
_NO_PAST = "No past experiments of yours were given (`--experiments`)."
_ONLY_SEARCH = (
    "Everybody searches in this world: that searchers convert 1.4 to 3 times as often as others "
    "cannot be checked."
)


def validate_run(
    folder: Path,
    out: Path | None = None,
    *,
    progress: Progress,
    audited: int = AUDITED,
    own: Path | None = None,
    lives: int = LIVES,
    past: Path | None = None,
    spec: EngineSpec | None = None,
) -> Path:
    """Judge a finished run by its logs; returns the path of the page.

    Writes validity.json and validity.html.

    Args:
        folder: of the run.
        out: where to write; none: into the run.
        progress: is told what is done.
        audited: requests that every channel answers in the audit of favouritism; 0: none.
        own: the TOML file that describes a log of the user's own.
        lives: other lives of the simulated shop that tell how far two of them are apart.
        past: a table of the user's past experiments.
        spec: what the log engine may use.

    Raises:
        FunnelabError: no finished run, an empty log, a log of the user's that cannot be compared,
            or a folder that cannot be written.
    """
    target = folder if out is None else out
    others = _others(finished_config(folder), own, lives, progress)
    with progress.stage("validate"), of_run(folder, spec) as evidence:
        record = judge(evidence, audited, own, past, others)
    with storing(target):
        target.mkdir(parents=True, exist_ok=True)
    write_record(target, record)
    return write_report(target)


def validate_config(
    config: Config,
    folder: Path,
    *,
    progress: Progress,
    command: str,
    overwrite: bool = False,
    own: Path | None = None,
    lives: int = LIVES,
    past: Path | None = None,
) -> Path:
    """Make the history of a config, without any model, and judge it; returns the path of the page.

    Args:
        config: whose catalogue, shoppers and history are made.
        folder: the run folder; finished stages in it are reused.
        command: what the manifest names as the way to reproduce it.
        overwrite: replace the results of a finished folder with other settings.
        own: the TOML file that describes a log of the user's own.
        lives: other lives of the simulated shop that tell how far two of them are apart.
        past: a table of the user's past experiments.

    Raises:
        FunnelabError: bad input, an empty history, or a folder that cannot be used.
    """
    check_plug_ins(config)
    if own is not None:
        read_own_log(own)
    if past is not None:
        read_past(past)
    with open_run(config, folder, progress, overwrite=overwrite) as maker, at_work():
        announce(progress, plan_history(config))
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        others = _others(config, own, lives, progress)
        with progress.stage("validate"), of_history(config, catalogue, history) as evidence:
            record = judge(evidence, own=own, past=past, lives=others)
        replace_results(maker.run, config, record)
        return finish_run(maker, bench_manifest(config, command, catalogue, maker), write_report)


def _others(config: Config, own: Path | None, lives: int, progress: Progress) -> list[Sales]:
    """Other lives of the shop, where there is a log to compare with."""
    if own is None:
        return []
    read_own_log(own)  # what is wrong with it is told before
    return list(sales_of_lives(config, lives, progress))


def judge(
    evidence: Evidence,
    audited: int = 0,
    own: Path | None = None,
    past: Path | None = None,
    lives: Sequence[Sales] = (),
) -> Validity:
    """Every rung of the ladder, and what the pictures need.

    Args:
        evidence: of a run or a history.
        audited: requests that every channel answers in the audit of favouritism; 0: none.
        own: the TOML file that describes a log of the user's own.
        past: a table of the user's past experiments.
        lives: what was bought in other lives of the simulated shop.
    """
    tested = compare_past(past, evidence.confidence)  # tables first: what cannot be used is refused
    compared = compare(evidence, own, lives)
    found = audit(evidence, audited)
    missing = [_ONLY_SEARCH]
    if evidence.experiment is None:
        missing.insert(0, _NO_EXPERIMENT)
    elif evidence.truths is None or not evidence.truths.scarcity:
        missing.insert(0, _NO_TRUTH)
    if evidence.experiment is not None and evidence.experiment.layout is not None:
        missing.insert(0, _OTHER_SPLIT.format(evidence.experiment.layout.split))
    if compared.facts is None:
        missing.append(_NO_LOG)
    if not tested.tests:
        missing.append(_NO_PAST)
    if evidence.experiment is not None and not found.checks:
        missing.insert(0, _NO_AUDIT)
    return Validity(
        name=evidence.name,
        confidence=evidence.confidence,
        checks=(
            *(check for rung in RUNGS for check in rung(evidence)),
            *found.checks,
            *compared.checks,
            *tested.checks,
        ),
        recalls=found.recalls,
        own_log=compared.facts,
        past=tested.tests,
        positions=tuple(rate for log in evidence.logs for rate in rates(log, evidence.confidence)),
        concentration=lorenz(evidence.history),
        missing=tuple(missing),
    )
