"""Updates of a world: at some midnights its models are trained anew, from its log so far.

A world is lived in one go. At the midnight of an update all that has happened is in its log; what
the models learn from is the history and that log. They are stages of their own, under a key that
says what they have learned from: a world that was killed in the middle is lived once more, to the
bit, and finds the models that it had trained.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from experiments.config.estimate import PAGE_SECONDS, update_seconds
from experiments.config.schema import Config
from experiments.records.files import write_json
from experiments.running.models import Trained
from experiments.running.rankers import Arms, sharing
from experiments.running.updating.line import Line
from experiments.running.updating.past import Past
from experiments.running.updating.served import Served
from simulator.living.settings import UpdatesSpec
from simulator.living.world import World

UPDATES = "updates.json"
"""Of a world: which models served since when, and what they were trained on."""


@dataclass(frozen=True)
class ModelUpdates:
    """How models are trained anew in one world of a run.

    Attributes:
        spec: when, which, and from whose log.
        split: whether the shoppers of the world are split over arms.
        lucks: by model, the number of the training whose luck its updates have; 0 where not named.
    """

    spec: UpdatesSpec
    split: bool
    lucks: Mapping[str, int] = field(default_factory=dict)

    def begin(self, config: Config, trained: Trained, store: Path, world: World) -> "Renewal":
        """Let a world that is about to be lived train its models anew.

        Args:
            trained: models and the history with which it begins.
            store: folder of the stages.
            world: not yet lived.
        """
        renewal = Renewal(self, config, trained, store, world)
        world.at_midnight(renewal)
        return renewal

    def arms_of(self, config: Config, arm: int) -> Arms:
        """The arms that share the ranker of an arm, in this world."""
        return (arm,) if self.apart or not self.split else sharing(config)[arm]

    @property
    def apart(self) -> bool:
        """Whether each arm's models learn from something else."""
        return self.split and self.spec.log != "shared"

    def work(self, config: Config, arms: Arms) -> float:
        """About how much all updates of these arms' funnels take, in pages that take as long."""
        days = self.spec.days(config.world.history_days, config.world.days)
        seconds = sum(update_seconds(config, config.arms[arm]) for arm in arms)
        return len(days) * seconds / PAGE_SECONDS


class Renewal:
    """The updates of one world that is lived; see `Renewing`.

    Attributes:
        lines: of funnels, each with the models that it has now.
    """

    def __init__(
        self, updates: ModelUpdates, config: Config, trained: Trained, store: Path, world: World
    ) -> None:
        self.updates = updates
        self.config = config
        self.trained = trained
        self.store = store
        self.world = world
        self.lines: list[Line] = []
        self.tell: Callable[[float], object] = lambda work: None
        self._first = config.world.history_days
        self._days = updates.spec.days(self._first, config.world.days)
        self._rows: list[dict[str, Any]] = []

    def serve(self, served: Served) -> None:
        """Also keep this funnel up to date."""
        updates, arms = self.updates, self.updates.arms_of(self.config, served.arm)
        served = replace(served, lucks={**updates.lucks, **served.lucks})
        self.lines.append(Line(self.config, updates.spec, self.trained, served, arms))

    def __call__(self, day: int) -> None:
        """Train all models anew, if it is the day for it."""
        if day not in self._days:
            return
        number = self._days.index(day) + 1
        log = self.world.log
        log.flush()
        pasts: dict[int | None, Past] = {}
        for line in self.lines:
            arm = line.served.arm if self.updates.apart else None
            if arm not in pasts:
                pasts[arm] = Past(
                    *(self.config, self.trained, self.store, number),
                    *(log.folder, log.channels, log.digest, arm),
                    weighted=self.updates.spec.log == "weighted",
                )
            self._rows += [
                {"day": day, "arm": self.config.arms[line.served.arm].name, **told}
                for told in line.update(day, pasts[arm])
            ]
            self.tell(self.updates.work(self.config, (line.served.arm,)) / len(self._days))

    def write(self, folder: Path) -> None:
        """Write down which models served since when."""
        write_json(folder / UPDATES, self._rows)
