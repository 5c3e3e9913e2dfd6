"""What a world that is lived must know of updates: who is served, and whom it tells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from experiments.config.schema import Config
from experiments.running.models import Trained
from experiments.stages.stage import Stage
from ranking.funnel import Funnel
from simulator.living.world import World


@dataclass(frozen=True)
class Served:
    """A funnel whose models are to be trained anew.

    Attributes:
        funnel: of an arm; its twins follow it.
        arm: number of the arm.
        lucks: by model, the number of the training whose luck its updates have, where another than
            in the world.
        begins: channels with which it begins, by name, where other ones than the world.
        whole: whether its channels are its own; else another funnel brings them up to date.
    """

    funnel: Funnel
    arm: int
    lucks: Mapping[str, int] = field(default_factory=dict)
    begins: Mapping[str, Stage] = field(default_factory=dict)
    whole: bool = True


class Renewing(Protocol):
    """Trains the models of one world anew while it is lived."""

    tell: Callable[[float], object]
    """Told of the work of each update, in pages that would take as long."""

    def serve(self, served: Served) -> None:
        """Also keep this funnel up to date."""

    def write(self, folder: Path) -> None:
        """Write down which models served since when."""


class Updating(Protocol):
    """How models are trained anew in a world that is still to be lived, perhaps elsewhere."""

    def begin(self, config: Config, trained: Trained, store: Path, world: World) -> Renewing:
        """Let a world train its models anew.

        Args:
            trained: models and the history with which it begins.
            store: folder of the stages.
            world: not yet lived.
        """

    def work(self, config: Config, arms: tuple[int, ...]) -> float:
        """About how much all updates of these arms' funnels take, in pages that take as long."""
