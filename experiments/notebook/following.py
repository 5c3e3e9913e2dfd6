"""What can be asked of a finished run from Python: what channels contribute, what a test needs."""

from collections.abc import Sequence
from pathlib import Path

from experiments.attribution.run import asked, attribute_run
from experiments.notebook.making import Settings, overrides_of, progress_of
from experiments.notebook.results import Results, open_run
from experiments.power.asked import REPETITIONS, Asked, parse_change
from experiments.power.run import run_power


def attribute(
    run: Results | Path | str,
    *,
    rules: Sequence[str] = (),
    incremental: Sequence[str] = (),
    settings: Settings = (),
    quiet: bool = False,
) -> Results:
    """Say what each channel of a finished run contributes, and open the run again.

    Finished replays and worlds are kept: the same call goes on where one was interrupted.

    Args:
        run: the run, or its folder.
        rules: of credit; none: those of its config.
        incremental: `replay`, `worlds`, `offpolicy` or `none`; none given: those of its config.
        settings: under `attribution` or `execution`, in the place of the run's.
        quiet: print no progress.

    Raises:
        FunnelabError: bad input, or a run whose worlds cannot be lived again.
        PartFailedError: a part failed where nothing could go on without it.

    Example:
        What would be lost without each channel::

            run = funnelab.attribute("runs/demo", incremental=["replay"])
            run.contributions.query("index == 'leave_one_out' and event == 'gmv'")
    """
    folder = run.folder if isinstance(run, Results) else Path(run)
    overrides = [*overrides_of(settings), *asked(rules, incremental)]
    attribute_run(folder, overrides=overrides, progress=progress_of(quiet))
    return open_run(folder)


def power(
    run: Results | Path | str,
    *,
    metric: str | None = None,
    effect: str | None = None,
    days: int | None = None,
    repetitions: int = REPETITIONS,
    quiet: bool = False,
) -> Results:
    """Plan a real test by a finished run: how many shoppers and days it needs.

    Args:
        run: the run, or its folder; its experiment is the test's traffic, its history is for CUPED.
        metric: that is tested; none: the run's primary one.
        effect: to be found, `"1%"` of control's level or `"0.02"` in the metric's unit; none: the
            least effect that would be found is told.
        days: for which it is told what is found; none: those that the run's test has run.
        repetitions: simulated tests; 0: none.
        quiet: print no progress.

    Returns:
        The run, with the plan in `needs` and `least_effects`.

    Raises:
        FunnelabError: what was asked cannot be, or a folder that is no finished run.

    Example:
        How long it takes to find a change of 2 % in orders::

            plan = funnelab.power("runs/demo", metric="orders", effect="2%")
            plan.needs[["method", "units", "days_needed"]]
    """
    folder = run.folder if isinstance(run, Results) else open_run(run).folder
    planned = Asked(
        subject=folder,
        metric=metric,
        effect=parse_change("effect", effect),
        days=days,
        repetitions=repetitions,
    )
    run_power(planned, None, progress=progress_of(quiet))
    return open_run(folder)
