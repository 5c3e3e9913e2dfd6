"""The stages of a finished run, opened again to live further worlds of one of its arms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.config.schema import ArmSpec, Config
from experiments.records.manifest import RunManifest
from experiments.records.reading import read_record
from experiments.running.models import Trained
from experiments.running.pipeline import Pipeline, luck_of
from experiments.running.worlds import ExperimentWorld, OneArmWorld, WorldJob
from experiments.stages.maker import Maker
from experiments.stages.stage import Stage
from recall.settings import MergeSpec
from simulator.errors import StoreError


@dataclass(frozen=True)
class Arm:
    """One arm of a finished run, with everything that its worlds are made of.

    Attributes:
        number: of the arm in the config.
    """

    config: Config
    maker: Maker
    number: int
    trained: Trained

    @property
    def spec(self) -> ArmSpec:
        """The arm's settings."""
        return self.config.arms[self.number]

    def world(
        self,
        seed: int,
        channels: Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> OneArmWorld:
        """The world in which this arm serves everybody; with all channels a world of the truth.

        Where the truth does not follow every shopper, or serves another training in it, it is
        another world.

        Its models are the arm's own in any case: channels are switched off, nothing is retrained.

        Args:
            seed: of the world's luck; worlds of equal seed are paired.
            channels: those of the arm's that serve, at least one; None: all.
            weights: in the merge, instead of the arm's.
        """
        spec = self.spec
        kept = [name for name in spec.channels if channels is None or name in channels]
        gone = [name for name in spec.channels if name not in kept]
        name = f"{spec.name}-{seed}"
        if gone:  # by the shorter list: a name has no room for many channels
            some = (
                f"without-{'-'.join(gone)}" if len(gone) < len(kept) else f"only-{'-'.join(kept)}"
            )
            name = f"{some}-{name}"
        config = self.config
        if weights or len(kept) < len(spec.channels):
            config = self._changed(kept, weights or {})
        if weights:
            told = [f"{channel}-{weight:g}" for channel, weight in weights.items()]
            name = f"weight-{'-'.join(told).replace('+', '')}-{name}"
        pipeline = Pipeline(config, self.maker)
        if config is self.config:
            truth = config.truth
            own = seed == 0 or truth.trainings == "one"
            if truth.method == "expected" and truth.share == 1 and own:
                return pipeline.truth_world(self.number, seed, self.trained)
            name = f"all-{name}"
        return pipeline.one_arm(name, luck_of(seed), self.number, self.trained)

    def experiment(self) -> ExperimentWorld:
        """The run's experiment, in which the shoppers are split over the arms."""
        return Pipeline(self.config, self.maker).experiment(self.trained)

    def live(self, name: str, jobs: Sequence[WorldJob]) -> None:
        """Live the worlds that are not in the store yet, side by side."""
        Pipeline(self.config, self.maker).live(name, jobs)

    def _changed(self, kept: Sequence[str], weights: Mapping[str, float]) -> Config:
        """The config with this arm changed."""
        merge: MergeSpec = self.spec.merge or self.config.funnel.merge
        changed = self.spec.model_copy(
            update={
                "channels": tuple(kept),
                "limits": {name: n for name, n in self.spec.limits.items() if name in kept},
                "merge": merge.model_copy(update={"weights": merge.weights | dict(weights)}),
            }
        )
        arms = tuple(
            changed if number == self.number else arm for number, arm in enumerate(self.config.arms)
        )
        return self.config.model_copy(update={"arms": arms})


def open_arm(config: Config, maker: Maker, name: str) -> Arm:
    """An arm of the finished run in whose folder the maker works.

    Raises:
        StoreError: the run was made by other code or other settings: its worlds cannot be lived
            again.
    """
    pipeline = Pipeline(config, maker)
    number = [arm.name for arm in config.arms].index(name)
    folder = maker.run.path
    catalogue = _known(folder, pipeline.catalogue())
    history = _known(folder, pipeline.history(catalogue))
    with maker.together("models", "models"):
        channels, early = pipeline.models.channels(catalogue, history)
        trained = pipeline.models.trained(catalogue, history, channels, early)
    return Arm(config, maker, number, trained)


def _known(folder: Path, stage: Stage) -> Stage:
    """A stage that the run was made with."""
    keys = {each.key for each in read_record(RunManifest, folder).stages}
    if stage.key not in keys:
        raise StoreError(
            f"{folder}: {stage.name} == made by another version of funnelab, must be run again "
            "with this one to live further worlds (credit alone: --incremental none)"
        )
    return stage
