"""`funnelab power`: makes a plan, and writes its record and its page."""

from pathlib import Path

from experiments.power.asked import Asked
from experiments.records.experiment.power import PowerRecord
from experiments.records.files import storing
from experiments.records.reading import write_record
from experiments.stages.progress import Progress

FOLDER = Path("runs") / "power"
"""Where results go that are not of a run."""


def run_power(asked: Asked, out: Path | None, *, progress: Progress) -> tuple[PowerRecord, Path]:
    """Plan a test; returns the record, and the path of the page.

    Args:
        asked: by the user.
        out: where to write; none: into the run, or into runs/power.
        progress: is told of the simulated tests.

    Raises:
        FunnelabError: what was asked cannot be, or a folder that cannot be read or written.
    """
    record, home = _planned(asked, progress)
    folder = out or home
    from experiments.report.power.page import write_report

    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_record(folder, record)
    return record, write_report(folder)


def _planned(asked: Asked, progress: Progress) -> tuple[PowerRecord, Path]:
    """The record, and where it belongs."""
    if asked.subject is None:
        from experiments.power.fromnumbers import plan_numbers

        return plan_numbers(asked), FOLDER
    from experiments.power.fromlog import plan_log
    from experiments.power.subject import open_subject

    subject = open_subject(asked.subject, asked.history)
    with progress.stage("power", total=2 * asked.repetitions or None, unit="tests") as bar:
        record = plan_log(asked, subject, bar.advance)
    return record, asked.subject if subject.source == "run" else FOLDER
