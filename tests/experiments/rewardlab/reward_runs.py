"""Reward labs so small that a whole one takes a few seconds."""

from pathlib import Path

from experiments.config.loading import Config, load_config
from tests.experiments.cqsid_runs import cqsid_toml

LAB = """
[reward_lab]
seeds = 2
test_days = 1
test_requests = 40

[reward_lab.alignment]
steps = 4
batch = 8
held_out = 20
evaluate_every = 2
beam = 20
checkpoint_steps = 1
requests = 100

[[reward_lab.rewards.log.components]]
type = "log"

[[reward_lab.rewards.oracle.components]]
type = "oracle"

[reward_lab.algorithms]
grpo = { group = 4 }
eg = { preset = "eg_grpo", group = 4 }
"""
QUICK = ("world.days=1",)


def lab_toml(folder: Path, more: str = "") -> Path:
    """The settings of a small lab, as a file in `folder`."""
    return cqsid_toml(folder, LAB + more)


def lab_config(folder: Path, *overrides: str, more: str = "") -> Config:
    """The same settings, read."""
    return load_config(lab_toml(folder, more), (*QUICK, *overrides))
