"""A finished lab, opened again: its supervised system, its shop, its requests and rewards."""

from pathlib import Path

from experiments.finished import finished_config, finished_stage
from experiments.rewardlab.lab import Folders, Lab
from experiments.rewardlab.stages import of_lab
from simulator.errors import StoreError


def open_lab(folder: Path) -> Lab:
    """What the trainings of a lab shared, as they found it.

    Args:
        folder: the run folder of a finished `funnelab rewards`.

    Raises:
        StoreError: no finished lab.
    """
    config = of_lab(finished_config(folder))
    arm = [each.name for each in config.arms].index(config.reward_lab.arm)
    others = [n for n in config.arms[arm].channels if n != config.reward_lab.channel]

    def stage(name: str) -> Path:
        found = finished_stage(folder, name)
        if found is None:
            raise StoreError(f"{folder}: {name} == no stage, must be the folder of a finished lab")
        return found

    folders = Folders(
        catalog=stage("catalogue"),
        history=stage("history"),
        sft=stage("sft"),
        channels={name: stage(f"channel-{name}") for name in others},
        ranker=stage("ranker"),
    )
    return Lab(config, folders, arm)
