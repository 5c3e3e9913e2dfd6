"""A small shop in which judges serve: as scorers of channels, and as a feature of rankers."""

from dataclasses import dataclass
from pathlib import Path

from experiments.config.schema import Config
from experiments.running.pipeline import Pipeline
from experiments.stages.executor import ExecutionSpec
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from experiments.stages.stage import Stage
from tests.experiments.small_runs import small_config

JUDGES = """
[annotations]
pairs = 900

[judges.plain]
type = "logistic"

[judges.twin]
permuted = true

[judges.idle]
type = "logistic"
"""
CHANNELS = """
[channels.best]
type = "reranked"
inner = "lexical"
scorer = "plain"
depth = 60
limit = 30
threshold = 0.2

[channels.nested]
type = "reranked"
inner = "best"
scorer = "dense"
depth = 30
limit = 20

[channels.sieve]
type = "reranked"
inner = "lexical"
scorer = "plain"
depth = 60
limit = 60
threshold = 0.2

[channels.twin_order]
type = "reranked"
inner = "lexical"
scorer = "twin"
depth = 100
limit = 100

[[arms]]
name = "best"
share = 0.1
channels = ["best", "popular"]

[[arms]]
name = "nested"
share = 0.1
channels = ["nested", "popular"]

[[arms]]
name = "sieve"
share = 0.1
channels = ["sieve", "popular"]

[[arms]]
name = "twin_order"
share = 0.1
channels = ["twin_order", "popular"]

[[arms]]
name = "twin_feature"
share = 0.1
channels = ["lexical", "popular"]
[arms.ranker]
judge = "twin"

[[arms]]
name = "feature"
share = 0.25
channels = ["lexical", "popular"]
[arms.ranker]
judge = "plain"
"""


@dataclass(frozen=True)
class Made:
    """The stages of a small run up to its models."""

    config: Config
    catalogue: Stage
    history: Stage
    late: dict[str, Stage]
    early: dict[str, Stage]
    rankers: list[Stage]
    folder: Path

    def stage(self, name: str) -> Path:
        """The folder of the only stage of this name."""
        (found,) = [
            path
            for path in (self.folder / "stages").iterdir()
            if path.name.rpartition("-")[0] == name
        ]
        return found

    def count(self, name: str) -> int:
        """How many stages of this name there are."""
        folders = (self.folder / "stages").iterdir()
        return sum(path.name.rpartition("-")[0] == name for path in folders)


def made(config: Config, folder: Path) -> Made:
    with RunFolder(folder) as run:
        maker = Maker(run, ExecutionSpec(processes=1), NoProgress())
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        with maker.together("models", "models"):
            late, early = pipeline.models.channels(catalogue, history)
            rankers = pipeline.models.rankers(catalogue, history, late, early)
        keys = [record.key for record in maker.records]
        assert len(keys) == len(set(keys))  # nobody makes a stage twice
    return Made(config, catalogue, history, late, early, rankers, folder)


def config_of(*overrides: str, more: str = "", folder: Path, control: float = 0.2) -> Config:
    """Eight arms, two of which are those of the small settings."""
    shares = (f"arms.control.share={control}", "arms.dense.share=0.05")
    return small_config(*shares, *overrides, more=JUDGES + CHANNELS + more, folder=folder)


RANKED = """
[channels.ranked]
type = "reranked"
inner = "lexical"
scorer = "ranker"
depth = 40
limit = 10

[[arms]]
name = "ranked"
share = 0.05
channels = ["ranked", "popular"]
"""
