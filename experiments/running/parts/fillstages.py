"""The stages of catalogue steps, for whoever reads what they fill."""

from experiments.config.schema import Config
from experiments.running.models import training_luck
from experiments.running.parts.filling import FillJob, HidingJob, fill_catalogue, hide_part
from experiments.stages.maker import Maker
from experiments.stages.stage import Stage
from recall.understanding.hidden import HIDDEN


class FillStages:
    """The filled catalogues of one run.

    Args:
        unseen_days: last days of the history that no step learns from.
    """

    def __init__(self, config: Config, maker: Maker, unseen_days: int = 0) -> None:
        self.config = config
        self.maker = maker
        self.unseen_days = unseen_days
        self._filled: dict[tuple[str, str, str], Stage] = {}

    def read(self, catalogue: Stage, history: Stage, step: str) -> Stage:
        """The stage whose catalogue is read: that of a catalogue step, or the public one.

        Args:
            catalogue, history: what the step learns from.
            step: its name; "": none.
        """
        if not step:
            return catalogue
        known = step, catalogue.key, history.key
        if known not in self._filled:
            config, days = self.config, [self.unseen_days] if self.unseen_days else []
            stage = self.maker.stage(
                f"understanding-{step}",
                [config.understanding[step], config.examples, training_luck(config), *days],
                inputs=[catalogue.key, history.key],
                task=fill_catalogue,
            )
            paths = catalogue.path, history.path
            job = FillJob(config, stage, step, *paths, self.unseen_days)
            self.maker.side_by_side(stage.name, [job], "models", 1)
            self._filled[known] = stage
        return self._filled[known]

    def lessened(self, catalogue: Stage) -> Stage:
        """The catalogue of a user's file with a part of what it publishes hidden."""
        settings = [self.config.seed, HIDDEN]
        stage = self.maker.stage("lessened", settings, inputs=[catalogue.key], task=hide_part)
        self.maker.here(HidingJob(self.config, stage, catalogue.path), unit="catalogues")
        return stage
