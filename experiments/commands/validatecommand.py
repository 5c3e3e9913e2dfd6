"""The command `funnelab validate`.

Libraries are imported inside it, so that help and errors come at once.
"""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands.options import AsJson, Overrides, Overwrite
from experiments.commands.telling import STATUS, tell, telling_what_is_kept
from simulator.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from experiments.config.schema import Config

EXIT_NOT_VALID = 1
VALIDATE_STATUS = f"{STATUS} And 1: a check failed. Warnings do not change the status."
SUFFIX = "-validity"
"""Of the folder in which the history of a config is made, behind the config's name."""

Subject = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG|RUN",
        help="The folder of a finished run, or a config whose history is made and judged.",
    ),
]
OutOfEither = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder of the results [the run, or runs/<config name>-validity].",
    ),
]
Audited = Annotated[
    int,
    typer.Option(
        "--audit",
        metavar="N",
        min=0,
        help="Requests of a run that its channels answer in the audit of favouritism; 0: none.",
    ),
]
OwnLog = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="TOML",
        help="A file that says where a log of your own is, to be compared with.",
    ),
]
Lives = Annotated[
    int,
    typer.Option(
        "--lives",
        metavar="N",
        min=0,
        help="With --log: other lives of the simulated shop (the same items, other shoppers) that "
        "tell how far two lives are apart; 0 or 1: none is held against.",
    ),
]
PastTests = Annotated[
    Path | None,
    typer.Option(
        "--experiments",
        metavar="CSV",
        help="A table of past experiments of your own, each with the simulated effect.",
    ),
]


def validate(
    subject: Subject,
    out: OutOfEither = None,
    audited: Audited = 400,
    own: OwnLog = None,
    lives: Lives = 4,
    past: PastTests = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Say whether a simulated market can be believed, as far as its own logs tell.

    What may never be, ranges of published shops, what no arm can move, what no channel can know:
    each check passes, warns or fails, and where one fails the status is 1. Of a config only
    catalogue and history are made; no model is trained. Writes validity.json and validity.html.
    """
    config = _config(subject, overrides or [])

    from experiments.records.reading import read_record
    from experiments.records.validity import Validity, Verdict
    from experiments.report.validity.summary import validity_summary
    from experiments.stages.progress import default_progress
    from experiments.validate.run import validate_config, validate_run

    if config is None:
        report = validate_run(
            Path(subject),
            out,
            progress=default_progress(),
            audited=audited,
            own=own,
            lives=lives,
            past=past,
        )
    else:
        folder = out or Path("runs") / f"{config.name}{SUFFIX}"
        command = shlex.join(["funnelab", *sys.argv[1:]])
        with telling_what_is_kept(folder):
            report = validate_config(
                config,
                folder,
                progress=default_progress(),
                command=command,
                overwrite=overwrite,
                own=own,
                lives=lives,
                past=past,
            )
    record = read_record(Validity, report.parent)
    tell(report.parent, report, as_json, validity_summary, validity=record)
    if record.count(Verdict.FAIL):
        raise typer.Exit(EXIT_NOT_VALID)


def _config(subject: str, overrides: list[str]) -> "Config | None":
    """The config that is meant; None where a finished run is."""
    from experiments.config.loading import load_config
    from experiments.records.files import MANIFEST

    folder = Path(subject)
    if not folder.is_dir():
        return load_config(subject, overrides)
    if not (folder / MANIFEST).is_file():
        raise StoreError(f"{folder} == no finished run, must be the folder of one, or a config")
    if overrides:
        raise ConfigError(
            f"--set {overrides[0]}, must not be given with a finished run: its settings are done"
        )
    return None
