"""The stages of steps, for whoever is made of them, learns with them or measures them."""

from collections.abc import Mapping
from pathlib import Path

from experiments.config.schema import Config
from experiments.running.models import training_luck
from experiments.running.parts.judgestages import JudgeStages
from experiments.running.parts.steps import StepJob, fit_step
from experiments.stages.maker import Maker
from experiments.stages.stage import Stage


class StepStages:
    """The steps of one run; a step is fitted once however many use it.

    Args:
        judges: the stages of judges, for steps that ask one.
        unseen_days: last days of the history that no step learns from.
    """

    def __init__(
        self, config: Config, maker: Maker, judges: JudgeStages, unseen_days: int = 0
    ) -> None:
        self.config = config
        self.maker = maker
        self.judges = judges
        self.unseen_days = unseen_days
        self._asked: set[Path] = set()

    def fitted(
        self,
        catalogue: Stage,
        history: Stage,
        section: str,
        name: str,
        channels: Mapping[str, Stage],
        *,
        early: bool = False,
    ) -> Stage:
        """A step.

        Args:
            catalogue, history: what it learns from.
            section, name: where it is set.
            channels: stages of channels, those that it may ask among them.
            early: as it was before the requests that teach rankers.
        """
        config, spec = self.config, self.config.steps[section][name]
        named = spec.references()
        asked = {each.name: channels[each.name] for each in named if "channels" in each.kinds}
        grading = [each.name for each in named if "judges" in each.kinds]
        judged = [self.judges.fitted(catalogue, history, one, early=early) for one in grading]
        stage = self.maker.stage(
            f"{section.removesuffix('s')}-{name}" + "-early" * early,
            [
                *(spec, training_luck(config), [config.channels[each] for each in asked]),
                *([self.unseen_days] if self.unseen_days else []),
                *([config.examples] if early else []),
            ],
            inputs=[
                *(catalogue.key, history.key),
                *(each.key for each in (*asked.values(), *judged)),
            ],
            task=fit_step,
        )
        if stage.path not in self._asked:
            self._asked.add(stage.path)
            folders = {each: found.path for each, found in asked.items()}
            job = StepJob(
                *(config, stage, catalogue.path, history.path, section, name, early),
                *(self.unseen_days, folders, judged[0].path if judged else None),
            )
            self.maker.side_by_side(stage.name, [job], "models", 1)
        return stage
