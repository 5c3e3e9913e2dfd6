"""Experiments run from Python: what the commands do, with the results in return."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.notebook.results import Results, open_run
from experiments.records.files import CONFIG
from experiments.rewardlab.run import bench_rewards
from experiments.running.run import run_experiment
from experiments.stages.progress import NoProgress, Progress, default_progress
from experiments.sweep.cells import make_sweep
from experiments.sweep.grid import Axis, axes_of
from experiments.sweep.hiring import Workers
from experiments.sweep.run import run_sweep
from simulator.errors import ConfigError

RUNS = Path("runs")
"""Where run folders lie where nothing else is said."""

Settings = Mapping[str, Any] | Sequence[str]
"""Settings that take the place of a config's: by key, or KEY=VALUE each as `--set` has them."""


def run(
    config: str | Path | Config,
    *,
    settings: Settings = (),
    out: Path | str | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Results:
    """Run or continue an experiment, and open what it found.

    The same call goes on where one was interrupted (Ctrl-C, a kernel that was restarted), and
    opens a finished run at once.

    Args:
        config: name of a shipped config, such as "demo", path of a TOML file, or checked settings.
        settings: in the place of the config's, such as `{"world.days": 7}`.
        out: the run folder; none: `runs/<name of the config>`.
        overwrite: replace the results of a finished run with other settings.
        quiet: print no progress.

    Raises:
        FunnelabError: bad input, or a folder that cannot be used.
        PartFailedError: a part failed where nothing could go on without it.

    Example:
        A small demo::

            run = funnelab.run("demo", settings={"shoppers.count": 2000}, out="runs/small")
            run.truth[["metric", "relative", "relative_low", "relative_high"]]
    """
    return _made(run_experiment, "run", config, settings, out, "", overwrite, quiet)


def rewards(
    config: str | Path | Config,
    *,
    settings: Settings = (),
    out: Path | str | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Results:
    """Run or continue a reward lab, and open what it found.

    Args:
        config: name of a shipped config, path of a TOML file, or checked settings; it has rewards
            and algorithms under `reward_lab`.
        settings: in the place of the config's, such as `{"reward_lab.seeds": 3}`.
        out: the folder; none: `runs/<name of the config>-rewards`.
        overwrite: replace the results of a finished lab with other settings.
        quiet: print no progress.

    Raises:
        FunnelabError: bad input, or a folder that cannot be used.
        PartFailedError: no policy could be trained; single ones that fail are left out.

    Example:
        Which policy finds more clicked items::

            lab = funnelab.rewards("rewards")
            lab.rewards_offline[["policy", "measure", "effect", "effect_low", "effect_high"]]
    """
    return _made(bench_rewards, "rewards", config, settings, out, "-rewards", overwrite, quiet)


def sweep(
    config: str | Path,
    over: Mapping[str, Sequence[Any]] | None = None,
    *,
    settings: Settings = (),
    out: Path | str | None = None,
    jobs: int | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Results:
    """Run an experiment under many settings, each with each, and open what they found.

    Args:
        config: name of a shipped config, or path of a TOML file.
        over: values by key, such as `{"queries.vocabulary_gap": [0.2, 0.5, 0.8]}`; none: those
            of the config's own sweep.
        settings: of all cells, in the place of the config's.
        out: the folder; none: `runs/<name of the config>-sweep`.
        jobs: cells at a time; none: one.
        overwrite: replace the results of a finished sweep of other settings.
        quiet: print no progress.

    Raises:
        FunnelabError: bad input, or a folder that cannot be used. A cell that fails does not stop
            the others: see `cells` of what is returned.
    """
    overrides = [*overrides_of(settings)]
    checked = load_config(str(config), overrides)
    axes = [Axis((key,), tuple((_toml(value),) for value in some)) for key, some in _of(over)]
    if not axes and checked.sweep is not None:
        axes = [*axes_of(checked.sweep)]
    folder = Path(out) if out is not None else RUNS / f"{checked.name}-sweep"
    told = [f"{key}={','.join(map(_toml, some))}" for key, some in _of(over)]
    words = [word for each in told for word in ("--over", each)]
    run_sweep(
        make_sweep(str(config), axes, overrides),
        folder,
        progress=progress_of(quiet),
        command=_command("sweep", str(config), overrides, *words),
        overwrite=overwrite,
        workers=Workers(jobs, None),
    )
    return open_run(folder)


def _made(
    work: Callable[..., Path],
    name: str,
    config: str | Path | Config,
    settings: Settings,
    out: Path | str | None,
    suffix: str,
    overwrite: bool,
    quiet: bool,
) -> Results:
    """Carry settings out in their folder, and open it.

    Args:
        work: carries them out.
        name: of the command that does the same.
        config, settings, out, overwrite, quiet: as of `run`.
        suffix: of the folder, behind the name of the config.

    Raises:
        ConfigError: settings beside a config that is checked already, or as of `load_config`.
    """
    overrides = [*overrides_of(settings)]
    if isinstance(config, Config) and overrides:
        raise ConfigError(
            f"settings == {overrides[0]!r} beside a Config, must be none: name its file instead"
        )
    checked = config if isinstance(config, Config) else load_config(str(config), overrides)
    folder = Path(out) if out is not None else RUNS / f"{checked.name}{suffix}"
    source = str(folder / CONFIG if isinstance(config, Config) else config)
    command = _command(name, source, overrides)
    work(checked, folder, progress=progress_of(quiet), command=command, overwrite=overwrite)
    return open_run(folder)


def _of(over: Mapping[str, Sequence[Any]] | None) -> Iterator[tuple[str, Sequence[Any]]]:
    """Keys and values that are swept.

    Raises:
        ConfigError: values that are no list.
    """
    for key, some in (over or {}).items():
        if isinstance(some, str) or not isinstance(some, Sequence):
            raise ConfigError(f"over.{key} == {some!r}, must be a list of values")
        yield key, some


def _command(name: str, source: str, overrides: Sequence[str], *more: str) -> str:
    """What does the same on the command line."""
    sets = [word for each in overrides for word in ("--set", each)]
    return shlex.join(["funnelab", name, source, *more, *sets])


def progress_of(quiet: bool) -> Progress:
    """What is told of the progress of work, or nothing is."""
    return NoProgress() if quiet else default_progress()


def overrides_of(settings: Settings) -> Sequence[str]:
    """Settings as `--set` has them: KEY=VALUE, the value in TOML."""
    if not isinstance(settings, Mapping):
        return settings
    return [f"{key}={_toml(value)}" for key, value in settings.items()]


def _toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
