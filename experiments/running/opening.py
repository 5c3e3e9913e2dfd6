"""What every run of stages does around its own work: hold its folder, replace results, report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.config.estimate import Plan
from experiments.config.execution import ExecutionSpec
from experiments.config.loading import resolved_toml
from experiments.config.schema import Config
from experiments.records.files import CONFIG, MANIFEST
from experiments.records.manifest import BenchManifest
from experiments.records.reading import Record, write_record
from experiments.stages.compiled import ONCE, is_compiled
from experiments.stages.executor import plug_in_limit
from experiments.stages.folder import RunFolder, check_same_settings
from experiments.stages.maker import Maker
from experiments.stages.pace import planned
from experiments.stages.progress import Progress
from simulator.calling import limit_calls
from simulator.errors import ContractError, PartFailedError


@contextmanager
def open_run(
    config: Config,
    folder: Path,
    progress: Progress,
    *,
    overwrite: bool,
    execution: ExecutionSpec | None = None,
    shared: bool = False,
) -> Iterator[Maker]:
    """Hold a run folder, and give what finds or makes its stages.

    Args:
        folder: a new one, or that of a run; finished stages in it are reused.
        overwrite: replace the results of a finished run with other settings.
        execution: how it is executed, where not as the settings say.
        shared: as of `RunFolder`.

    Raises:
        StoreError: a folder that cannot be used, or that holds results of other settings.
    """
    limit_calls(plug_in_limit(execution or config.execution))
    with RunFolder(folder, shared=shared) as run:
        if not overwrite:
            check_same_settings(folder, resolved_toml(config))
        yield Maker(run, execution or config.execution, progress)


def announce(progress: Progress, steps: Plan) -> None:
    """Tell what is to come and about how long it takes, compiling included where that is due."""
    once = [] if is_compiled() else [("compiling, once on this machine", ONCE)]
    progress.plan(planned([*once, *steps]))


@contextmanager
def at_work() -> Iterator[None]:
    """Tell a part that fails at its work from one that was refused before.

    Raises:
        PartFailedError: instead of another ContractError.
    """
    try:
        yield
    except PartFailedError:
        raise
    except ContractError as error:
        raise PartFailedError(str(error)) from error


def replace_results(run: RunFolder, config: Config, *records: Record) -> None:
    """Write the results of a run; it is finished when `finish_run` has told how it was made."""
    run.remove(MANIFEST)
    run.write_text(CONFIG, resolved_toml(config))
    for record in records:
        write_record(run.path, record)


def finish_run(maker: Maker, manifest: BenchManifest, write_report: Callable[[Path], Path]) -> Path:
    """Tell how a run was made, and write its report; returns the report's path."""
    write_record(maker.run.path, manifest)
    with maker.progress.stage("report"):
        return write_report(maker.run.path)
