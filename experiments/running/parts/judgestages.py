"""The stages of relevance judges, for whoever uses or measures them."""

from pathlib import Path

from experiments.config.schema import Config
from experiments.running.apart.judges import AnnotationsJob, JudgeJob, annotate, fit_judge
from experiments.running.models import luck_of_training
from experiments.running.parts.fillstages import FillStages
from experiments.stages.maker import Job, Maker
from experiments.stages.stage import Stage


class JudgeStages:
    """The judges of one run; each method finds or makes some and returns their stages.

    Args:
        fills: the catalogues that judges may read.
        unseen_days: last days of the history that no judge learns from.
    """

    def __init__(
        self, config: Config, maker: Maker, fills: FillStages, unseen_days: int = 0
    ) -> None:
        self.config = config
        self.maker = maker
        self.fills = fills
        self.unseen_days = unseen_days
        self._asked: set[Path] = set()

    def annotations(self, catalogue: Stage, history: Stage) -> Stage:
        """The pairs that were bought, and those that judges are measured with."""
        config = self.config
        stage = self.maker.stage(
            "annotations",
            [config.annotations, config.seed],
            inputs=[catalogue.key, history.key],
            task=annotate,
        )
        return self._made(AnnotationsJob(config, stage, catalogue.path, history.path))

    def fitted(self, catalogue: Stage, history: Stage, name: str, *, early: bool = False) -> Stage:
        """A judge.

        Args:
            catalogue, history: what it learns from, beside annotations.
            name: of the judge in the config.
            early: as it was before the requests that teach rankers.
        """
        config, bought = self.config, self.annotations(catalogue, history)
        days = [self.unseen_days] if self.unseen_days else []
        read = self.fills.read(catalogue, history, config.judges[name].understanding)
        luck = luck_of_training(config.judges, name)
        stage = self.maker.stage(
            f"judge-{name}" + "-early" * early,
            [
                *(config.judges[name], config.seed, config.training_seed, *days),
                *([luck] if luck != name else []),
                *([config.examples] if early else []),
            ],
            inputs=[read.key, history.key, bought.key],
            task=fit_judge,
        )
        folders = read.path, history.path, bought.path
        return self._made(JudgeJob(config, stage, name, *folders, early, self.unseen_days))

    def _made(self, job: Job) -> Stage:
        """The stage of a job, which is made once however often it is asked for."""
        if job.stage.path not in self._asked:
            self._asked.add(job.stage.path)
            self.maker.side_by_side(job.stage.name, [job], "models", 1)
        return job.stage
