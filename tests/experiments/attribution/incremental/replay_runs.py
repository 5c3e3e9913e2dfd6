"""Stages of runs so small that a replay of their worlds takes a second, and odd channels."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from experiments.attribution.incremental.arms import Arm
from experiments.attribution.incremental.replay import Replayed, make_replays
from experiments.config.attribution import AttributionSpec
from experiments.config.loading import load_config
from experiments.running.pipeline import Pipeline
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from recall.candidates import Candidates

HERE = "tests.experiments.attribution.incremental.replay_runs"
AT_ONCE = "latency = { base_s = 0.0, per_item_s = 0.0 }"

SHOP = """
name = "small"
seed = 5
device = "cpu"
{arms}

[catalog]
items = 300

[queries]
intents = 200

[shoppers]
count = 150
visits_per_week = 7

[world]
history_days = 3
days = 1

[world.behavior]
click_cost = 4.0
outside = 4.0

[funnel]
slots = 20
keep = {keep}

[funnel.merge]
limit = 600

[ranker]
training = "per_arm"
provenance = {provenance}

[ranker.learned]
epochs = 2

[execution]
processes = 1
"""

CHANNELS = {
    "lexical": 'type = "lexical"',
    "twin": 'type = "lexical"',
    "popular": 'type = "popular"',
    "itemcf": 'type = "itemcf"',
    "titles": 'type = "lexical"\ndescription = false\nbrand = false\ncategory = false',
    "brand": 'type = "lexical"\ndescription = false\ncategory = false',
    "words": 'type = "lexical"\nb = 0.0',
    "nothing": f'type = "custom"\nobject = "{HERE}:Nothing"',
    "odd": f'type = "custom"\nobject = "{HERE}:OddTexts"',
    "breaks": f'type = "custom"\nobject = "{HERE}:BreaksSometimes"',
}


class Nothing:
    """Finds nothing for anybody."""

    name = "nothing"

    def fit(self, catalog, history, *, rng):
        self.n_items = len(catalog)

    def recall(self, requests, limit):
        shape = (len(requests), min(limit, self.n_items))
        return Candidates(np.full(shape, -1, np.int32), np.zeros(shape, np.float32))


class OddTexts(Nothing):
    """Finds the first items of the catalogue, for every other text alone."""

    def recall(self, requests, limit):
        column_N = np.arange(min(limit, 30), dtype=np.int32)
        odd_B1 = requests.text_B[:, None] % 2 == 1
        items_BN = np.where(odd_B1, column_N, np.int32(-1))
        return Candidates(items_BN, np.broadcast_to(-column_N.astype(np.float32), items_BN.shape))


class BreaksSometimes(OddTexts):
    """Raises where a certain shopper is among those that ask."""

    def recall(self, requests, limit):
        if (requests.shopper_B % 40 == 7).any():
            raise RuntimeError("not for them")
        return super().recall(requests, limit)


def toml(names: tuple[str, ...], *, at_once: bool, blind: bool, keep: int) -> str:
    """The settings of a shop whose arms have these channels, in this order."""
    named = ", ".join(f'"{name}"' for name in names)
    blocks = [
        f"\n[channels.{name}]\n{CHANNELS[name]}\n" + AT_ONCE * (at_once or name == "nothing")
        for name in names
    ]
    both = (f'{{ name = "{arm}", share = 0.5, channels = [{named}] }}' for arm in ("all", "other"))
    arms = f"arms = [{', '.join(both)}]"
    shop = SHOP.format(arms=arms, keep=keep, provenance=str(not blind).lower())
    return shop + "\n".join(blocks) + "\n"


@cache
def _known(overrides: tuple[str, ...]) -> TemporaryDirectory[str]:
    """The stages that shops of these overrides have in common; empty before the first one."""
    return TemporaryDirectory()


@contextmanager
def small_arm(
    folder: Path,
    *names: str,
    at_once: bool = False,
    blind: bool = False,
    keep: int = 100,
    overrides: tuple[str, ...] = (),
) -> Iterator[Arm]:
    """The arm of a shop with these channels, every stage before its worlds made.

    Shops of the same overrides have one catalogue and one history, which are made once.
    """
    stages, known = folder / "run" / "stages", Path(_known(overrides).name)
    shutil.copytree(known, stages)
    path = folder / "shop.toml"
    path.write_text(toml(names, at_once=at_once, blind=blind, keep=keep))
    config = load_config(path, overrides)
    with RunFolder(folder / "run") as run:
        maker = Maker(run, config.execution, NoProgress())
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        if not any(known.iterdir()):
            shutil.copytree(stages, known, dirs_exist_ok=True)
        channels, early = pipeline.models.channels(catalogue, history)
        yield Arm(config, maker, 0, pipeline.models.trained(catalogue, history, channels, early))


def replayed(arm: Arm, seeds: int = 1, permutations: int = 2) -> Replayed:
    """The replay of an arm's worlds."""
    return make_replays(arm, AttributionSpec(seeds=seeds, permutations=permutations))
