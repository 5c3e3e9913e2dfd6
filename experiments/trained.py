"""What the models of a run tell of their training, as metrics.json holds it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.files import read_json
from experiments.models import REPORT
from experiments.schema import Config


def training_reports(
    config: Config, channels: Mapping[str, Path], rankers: Sequence[Path]
) -> list[dict[str, Any]]:
    """What the models that serve tell of their training, a row for each that tells anything.

    Args:
        channels: model folders of the channels, by name.
        rankers: model folders of the arms' rankers, in the order of the arms; arms may share one.
    """
    rows = [
        _row("channel", name, [arm.name for arm in config.arms if name in arm.channels], folder)
        for name, folder in channels.items()
    ]
    for folder in dict.fromkeys(rankers):
        arms = [arm for arm, own in zip(config.arms, rankers, strict=True) if own == folder]
        kind = (arms[0].ranker or config.ranker).type
        rows.append(_row("ranker", kind, [arm.name for arm in arms], folder))
    return [row for row in rows if row["report"]]


def _row(model: str, name: str, arms: list[str], folder: Path) -> dict[str, Any]:
    return {"model": model, "name": name, "arms": arms, "report": read_json(folder / REPORT)}
