"""The command `funnelab power`.

Libraries are imported inside it, so that help and errors come at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands.options import AsJson
from experiments.commands.telling import STATUS, tell

POWER_STATUS = STATUS

Subject = Annotated[
    Path | None,
    typer.Argument(
        metavar="[RUN|LOG]",
        help="The folder of a finished run, or of a log [--mean and --variance instead].",
    ),
]
MetricName = Annotated[
    str | None, typer.Option("--metric", metavar="NAME", help="What is tested [the primary one].")
]
Effect = Annotated[
    str | None,
    typer.Option(
        "--effect",
        metavar="SIZE",
        help="What is to be found: 1% of control's level, or 0.02 in the metric's unit.",
    ),
]
Margin = Annotated[
    str | None,
    typer.Option(
        "--margin",
        metavar="SIZE",
        help="Test that no more than this is lost (non-inferiority); --effect is then what the "
        "treatment really does [0].",
    ),
]
Power = Annotated[
    float, typer.Option("--power", metavar="P", help="The chance of finding the effect.")
]
Confidence = Annotated[
    float | None,
    typer.Option("--confidence", metavar="P", help="Level of the test [the run's, else 0.95]."),
]
Arms = Annotated[
    int | None, typer.Option("--arms", metavar="N", help="Arms, control among them [the log's, 2].")
]
Shares = Annotated[
    str | None,
    typer.Option(
        "--share",
        metavar="S1,S2,..",
        help="Shares of the arms, control first; or control's alone [equal ones].",
    ),
]
Traffic = Annotated[
    str, typer.Option("--traffic", metavar="SHARE", help="Share of the shoppers who take part.")
]
Comparisons = Annotated[
    int | None,
    typer.Option(
        "--comparisons",
        metavar="N",
        help="Among which the level is shared (Holm, Bonferroni); 1: no correction [arms - 1].",
    ),
]
Days = Annotated[
    int | None,
    typer.Option(
        "--days",
        metavar="N",
        help="Also tell what is found after so many [28; of a test under way those it has run].",
    ),
]
History = Annotated[
    Path | None,
    typer.Option(
        "--history", metavar="DIR", help="The log of the period before, for CUPED [the run's]."
    ),
]
Reduction = Annotated[
    float | None,
    typer.Option(
        "--r2", metavar="R2", help="Part of the variance that a method of your own takes away."
    ),
]
Mean = Annotated[
    float | None, typer.Option("--mean", metavar="X", help="Without a log: the metric's level.")
]
Variance = Annotated[
    float | None,
    typer.Option(
        "--variance",
        metavar="X",
        help="Without a log: of one shopper's value; of a ratio by the delta method.",
    ),
]
PerDay = Annotated[
    float | None,
    typer.Option("--units-per-day", metavar="N", help="Without a log: new shoppers a day."),
]
Repetitions = Annotated[
    int,
    typer.Option("--simulate", min=0, max=1_000_000, metavar="N", help="Simulated tests; 0: none."),
]
OutOfPower = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder of the results [the run, or runs/power]."),
]


def power(
    subject: Subject = None,
    metric: MetricName = None,
    effect: Effect = None,
    margin: Margin = None,
    wanted: Power = 0.8,
    confidence: Confidence = None,
    arms: Arms = None,
    shares: Shares = None,
    traffic: Traffic = "100%",
    comparisons: Comparisons = None,
    days: Days = None,
    history: History = None,
    reduction: Reduction = None,
    mean: Mean = None,
    variance: Variance = None,
    units_per_day: PerDay = None,
    repetitions: Repetitions = 1_000,
    out: OutOfPower = None,
    as_json: AsJson = False,
) -> None:
    """Say how many shoppers and days a real test needs, from a run, a log or numbers.

    What a test finds after each day, with CUPED and without; how many days a test under way has
    left; and whether simulated tests of the log's own shoppers find as much. Days beyond those of
    the log are foretold by a law that is held against the log. Writes power.json and power.html.
    """
    from experiments.power.asked import Asked, parse_change, parse_part, parse_shares

    asked = Asked(
        subject=subject,
        metric=metric,
        effect=parse_change("--effect", effect),
        margin=parse_change("--margin", margin),
        power=wanted,
        confidence=confidence,
        shares=parse_shares(arms, shares),
        traffic=parse_part("--traffic", traffic),
        comparisons=comparisons,
        days=days,
        history=history,
        reduction=reduction,
        mean=mean,
        variance=variance,
        units_per_day=units_per_day,
        repetitions=repetitions,
    )
    from experiments.power.run import run_power
    from experiments.report.power.summary import power_summary
    from experiments.stages.progress import default_progress

    record, report = run_power(asked, out, progress=default_progress())
    tell(report.parent, report, as_json, power_summary, failed=(), power=record)
