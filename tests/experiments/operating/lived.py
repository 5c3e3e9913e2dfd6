"""A small study that is lived once for the tests that only read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from experiments.operating.run import calibrate_config
from experiments.operating.splits import Drawn
from experiments.operating.study import Study, study_of
from experiments.running.models import LOG, POPULATION, Trained, load_saved
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from tests.experiments.small_runs import begun, small_config, stage

SETTINGS = ("world.days=4", "truth.seeds=2")
REDRAWS, WORLDS = 60, 2


def calibrate(folder: Path, *overrides: str, redraws: int = REDRAWS, worlds: int = WORLDS) -> Path:
    """Calibrate the small settings in a folder; returns it."""
    config = small_config(*SETTINGS, *overrides)
    asked = {"redraws": redraws, "worlds": worlds}
    calibrate_config(config, folder, progress=NoProgress(), command="a test", **asked)
    return folder


@dataclass(frozen=True)
class LivedStudy:
    """A finished study, and what the tests of its parts need."""

    folder: Path

    @property
    def study(self) -> Study:
        return study_of(small_config(*SETTINGS), redraws=REDRAWS, worlds=WORLDS)

    @property
    def pair(self) -> tuple[Path, Path]:
        one, other = (stage(self.folder, f"operating-{arm}") / LOG for arm in ("control", "dense"))
        return one, other

    def drawn(self, design: str) -> Drawn:
        """One of the designs of the study."""
        study, population = self.study, stage(self.folder, "catalogue") / POPULATION
        history = stage(self.folder, "history") / LOG
        return Drawn.of(study.config, study.designs[design], load_saved(population), history)

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Maker, Trained]]:
        """Its stages and models, in another folder."""
        begun(folder, self.folder)
        with open_run(self.study.config, folder, NoProgress(), overwrite=True) as maker:
            pipeline = Pipeline(self.study.config, maker)
            catalogue = pipeline.catalogue()
            history = pipeline.history(catalogue)
            channels, early = pipeline.models.channels(catalogue, history)
            yield maker, pipeline.models.trained(catalogue, history, channels, early)
