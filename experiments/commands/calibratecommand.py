"""The command `funnelab calibrate`.

Libraries are imported inside it, so that help and errors come at once.
"""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.commands.options import AsJson, ConfigName, Overrides, Overwrite
from experiments.commands.telling import STATUS, tell, telling_what_is_kept

EXIT_BROKEN = 1
OPERATING_STATUS = f"{STATUS} And 1: a promise of a test does not hold."
SUFFIX = "-operating"
"""Of the folder of the results, behind the config's name."""

OutOfOperating = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Run folder [runs/<config name>-operating]."),
]
Redraws = Annotated[
    int,
    typer.Option(
        "--redraws",
        metavar="R",
        min=0,
        max=1_000_000,
        help="Splits of each design that are drawn anew in one pair of worlds.",
    ),
]
OwnWorlds = Annotated[
    int,
    typer.Option(
        "--worlds",
        metavar="N",
        min=0,
        max=100_000,
        help="Experiments with luck of their own under the config's design, as many A/A as A/B; "
        "what 200 would take is told before it begins.",
    ),
]
Designs = Annotated[
    list[str] | None,
    typer.Option(
        "--design",
        metavar="NAME",
        help="shopper, session, request, query_cluster or switchback; repeat [all that fit].",
    ),
]
Treatment = Annotated[
    str, typer.Option("--arm", metavar="NAME", help="The treatment [the first other arm].")
]


def calibrate(
    config: ConfigName,
    redraws: Redraws = 1_000,
    worlds: OwnWorlds = 0,
    designs: Designs = None,
    treatment: Treatment = "",
    out: OutOfOperating = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Say how often the test of an experiment is wrong, and how wrong, in a simulated shop.

    The same test again and again: false positives and p-values where both arms are control;
    coverage of the true effect and of what the test estimates, power, and errors of sign and size
    where they differ; each with its Monte Carlo error. It tells about how long that takes before
    it begins. Finished stages are kept: the same command continues an interrupted one. Writes
    operating.json and operating.html.
    """
    from experiments.config.loading import load_config

    settings = load_config(config, overrides or ())

    from experiments.operating.run import calibrate_config
    from experiments.records.experiment.operating import Operating, Verdict
    from experiments.records.reading import read_record
    from experiments.report.operating.summary import operating_summary
    from experiments.stages.progress import default_progress

    folder = out or Path("runs") / f"{settings.name}{SUFFIX}"
    command = shlex.join(["funnelab", *sys.argv[1:]])
    with telling_what_is_kept(folder):
        report = calibrate_config(
            settings,
            folder,
            progress=default_progress(),
            command=command,
            overwrite=overwrite,
            redraws=redraws,
            worlds=worlds,
            designs=designs or (),
            treatment=treatment,
        )
    record = read_record(Operating, folder)
    tell(folder, report, as_json, operating_summary, operating=record)
    if record.count(Verdict.FAILS):
        raise typer.Exit(EXIT_BROKEN)
