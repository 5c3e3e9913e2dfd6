"""Models trained again by other luck, in the place of an arm's own."""

from dataclasses import dataclass

from experiments.config.analysis import RANKER
from experiments.running.models import Models, Trained


@dataclass(frozen=True)
class Retraining:
    """Models that stand in the place of an arm's own, and whom the arm is followed with them.

    Attributes:
        models: "ranker", and names of channels.
        share: of the shoppers that are followed.
    """

    models: tuple[str, ...]
    share: float = 1.0

    def models_of(self, trained: Trained) -> Models:
        """What serves in the place of the arms' models."""
        again = trained.again[0]
        return Models(
            {name: stage for name, stage in again.channels.items() if name in self.models},
            again.rankers if RANKER in self.models else trained.rankers,
        )

    def told(self, trained: Trained, arm: int) -> list[object]:
        """All that decides it, for the key of a world."""
        models = self.models_of(trained)
        keys = {name: stage.key for name, stage in models.channels.items()}
        return [self.share, keys, models.rankers[arm].key]
