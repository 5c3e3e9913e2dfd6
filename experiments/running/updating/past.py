"""What models learn from at one update, and the stages of what they learn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.schema import Config
from experiments.running.channels import train_channel
from experiments.running.models import (
    CATALOG,
    LOG,
    Trained,
    load_saved,
    luck_of_training,
    model_rng,
    training_luck,
)
from experiments.running.modelstages import taught_as
from experiments.running.rankers import (
    Arms,
    Taught,
    dense_name,
    distinct_funnels,
    examples_of,
    features_for,
    funnel_of,
    loaded,
    memories_of,
    ranker_of,
    replayed,
    text_of,
    train_ranker,
)
from experiments.running.updating.weighing import weighed_examples
from experiments.stages.claims import alone_with
from experiments.stages.keys import data_digest, stage_key
from experiments.stages.stage import Stage
from ranking.examples import Examples, split_time
from simulator.catalogue.catalog import Catalog
from simulator.failures import Failure, note_failure, take_failures
from simulator.log.history import History, arms_of_requests, load_arm, load_history


class Past:
    """The history and the log of a world so far, as one, and what is trained on it.

    Args:
        trained: with the history.
        store: folder of the stages.
        number: of the update, from 1.
        folder, channels: of the world's log, and its channels in the order of the bits.
        digest: of the log so far.
        arm: whose requests are learned from; None: those of all.
        weighted: learn from all requests, weighted so that they are spread as this arm's.
    """

    def __init__(
        self,
        config: Config,
        trained: Trained,
        store: Path,
        number: int,
        folder: Path,
        channels: tuple[str, ...],
        digest: str,
        arm: int | None,
        weighted: bool = False,
    ) -> None:
        self.config = config
        self.trained = trained
        self.store = store
        self.number = number
        self.arm = arm
        self.weighted = weighted and arm is not None
        self._folder, self._channels = folder, channels
        self._read_of = [trained.catalogue.key, trained.history.key, digest]

    @cached_property
    def catalog(self) -> Catalog:
        """Of the run."""
        found: Catalog = load_saved(self.trained.catalogue.path / CATALOG)
        return found

    @cached_property
    def history(self) -> History:
        """All that there is to learn from."""
        before = load_history(self.trained.history.path / LOG)
        arm = None if self.weighted else self.arm
        return before.joined(load_arm(self._folder, self._channels, arm))

    def channel(self, name: str, training: int) -> Stage:
        """A channel that has learned from the whole log.

        Args:
            name: of the channel.
            training: its luck is that of this training.
        """
        config, taught = self.config, taught_as(self.config, name)
        spec, luck = config.channels[name], luck_of_training(config.channels, taught)
        read = self.trained.filled[spec.understanding] if spec.understanding else None
        stage = self._stage(
            f"channel-{taught}",
            [
                *(spec.learned(), config.device, training_luck(config, training)),
                *([luck] if luck != taught else []),
            ],
            [*(data_digest(path) for path in spec.data()), *([read.key] if read else [])],
        )

        def train() -> None:
            rng = model_rng(config, self._luck(f"channel.{luck}"), training)
            catalog = load_saved(read.path / CATALOG) if read else self.catalog
            learned = config, stage, taught, catalog, self.history
            train_channel(*learned, rng=rng, advance=lambda work: None)

        _kept_or_made(stage, train)
        return stage

    def ranker(
        self,
        arms: Arms,
        early: Mapping[str, Stage],
        late: Mapping[str, Stage],
        since: float,
        training: int,
    ) -> Stage:
        """The ranker of some arms, which learns from the later part of the log.

        Args:
            arms: whose it is.
            early: the channels that it learns with, as they served up to now.
            late: the same as they will serve.
            since: up to when the early ones have learned; examples are of later requests.
            training: its luck is that of this training.
        """
        config, used = self.config, replayed(self.config, arms)
        funnels = [funnel_of(config, arm) for arm in distinct_funnels(config, arms)]
        stage = self._stage(
            "ranker",
            [
                *(ranker_of(config, arms), config.examples, training_luck(config, training)),
                *(since, [list(config.channels), funnels] if used else []),
                [config.channels[name] for name in early],
            ],
            [each.key for stages in (early, late) for each in stages.values()],
        )
        _kept_or_made(stage, lambda: self._train(stage, arms, early, late, since, training))
        return stage

    def _train(
        self,
        stage: Stage,
        arms: Arms,
        early: Mapping[str, Stage],
        late: Mapping[str, Stage],
        since: float,
        training: int,
    ) -> None:
        """Fit the ranker of some arms and finish its stage; arguments as of `ranker`."""
        config, learned, dense = self.config, (self.catalog, self.history), dense_name(self.config)
        start = max(split_time(self.history, config.examples), since)
        then, now = (
            loaded(config, {name: each.path for name, each in stages.items()})
            for stages in (early, late)
        )
        asked = {name: then[name] for name in replayed(config, arms)}
        rng = model_rng(config, self._luck("examples"))
        found = examples_of(config, arms, *learned, asked, start, rng=rng, tell=_nobody)
        scorers = [{n: each for n, each in of.items() if n == dense} for of in (then, now)]
        text = text_of(config, self.catalog)
        memories = memories_of(*learned, start)
        taught = Taught(self.catalog, text, found, memories, scorers[0], scorers[1])
        if self.weighted:
            taught = replace(taught, examples=self._weighed(arms, taught, found))
        with stage.write() as folder:
            rng = model_rng(config, self._luck("ranker"), training)
            train_ranker(config, arms, taught, stage, folder, rng=rng, tell=_nobody)

    def _weighed(self, arms: Arms, taught: Taught, examples: Examples) -> Examples:
        """The examples of all arms, weighted for this one."""
        request_R, arm_R = arms_of_requests(self._folder)
        asked_B = examples.requests.id_B
        rng = model_rng(self.config, self._luck("weights"))
        return weighed_examples(
            *(examples, features_for(self.config, arms, taught)),
            own_B=np.isin(asked_B, request_R[arm_R == self.arm]),
            within_B=np.isin(asked_B, request_R),
            rng=rng,
        )

    def _luck(self, purpose: str) -> str:
        """The purpose of a random stream that is this update's alone."""
        return f"{purpose}.update-{self.number}"

    def _stage(self, name: str, settings: Sequence[Any], inputs: Sequence[str]) -> Stage:
        name = f"{name}-update-{self.number}"
        told = [*settings, self.number, self.arm, *(["weighted"] if self.weighted else [])]
        key = stage_key(name, told, task=Past, inputs=[*self._read_of, *inputs])
        return Stage(name, key, self.store / f"{name}-{key}")


def _nobody(share: float) -> None:
    """The work is told of when an update is done."""


def _kept_or_made(stage: Stage, make: Callable[[], None]) -> None:
    """Make a stage that is not in the store as it was written, or in which a part failed.

    What has failed in it has failed in the world, too, which is told of what failed in it so far.
    """
    before = take_failures()
    with alone_with(stage):
        if not stage.finished or stage.damage() is not None or stage.failed():
            make()
    for failure in before:
        note_failure(failure)
    for failed in stage.failed():
        note_failure(Failure(failed.part, failed.reason, failed.requests, failed.detail))
