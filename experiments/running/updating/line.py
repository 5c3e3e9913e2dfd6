"""One funnel's models from update to update."""

from collections.abc import Iterator
from typing import Any

from experiments.config.analysis import RANKER
from experiments.config.schema import Config
from experiments.running.models import MODEL, Trained, load_channel, load_saved
from experiments.running.rankers import Arms, dense_name, ranker_of, replayed
from experiments.running.updating.past import Past
from experiments.running.updating.served import Served
from experiments.stages.stage import Stage
from simulator.living.settings import UpdatesSpec
from simulator.protocols import DAY


class Line:
    """Keeps the models of one funnel up to date.

    The ranker learns from requests of days that no channel behind its features has learned from,
    replayed through the channels as they served then; in service it stands behind those that have
    learned from these days, too. So it was with the history: see `ModelStages.channels`.

    Args:
        spec: which models are trained anew.
        trained: the models that serve at first.
        served: the funnel.
        arms: who share its ranker.

    Attributes:
        channels: of each channel that the funnel or its ranker reads, the model that it has now.
        since: up to when these have learned, simulated seconds.
    """

    def __init__(
        self, config: Config, spec: UpdatesSpec, trained: Trained, served: Served, arms: Arms
    ) -> None:
        self.config = config
        self.served = served
        self.arms = arms
        dense = [name for name in [dense_name(config)] if name is not None]
        learns = ranker_of(config, arms).type != "merge_order"
        self.read = tuple(dict.fromkeys([*replayed(config, arms), *dense])) if learns else ()
        self.ranks = learns and RANKER in spec.models
        self.own = config.arms[served.arm].channels
        wanted = self.own if not self.ranks else (*self.own, *self.read)
        self.renewed = tuple(n for n in config.channels if n in spec.models and n in wanted)
        first = {**trained.channels, **served.begins}
        self.channels: dict[str, Stage] = {name: first[name] for name in wanted}
        self.since = dict.fromkeys(self.channels, config.world.history_days * DAY)

    def update(self, day: int, past: Past) -> Iterator[dict[str, Any]]:
        """Train the models anew and serve with them; tells what was made of what.

        Args:
            day: that begins.
            past: the log so far.
        """
        lucks = self.served.lucks
        new = {name: past.channel(name, lucks.get(name, 0)) for name in self.renewed}
        ranker = None
        if self.ranks:
            since = max((self.since[name] for name in self.read), default=0.0)
            early = {name: self.channels[name] for name in self.read}
            late = {name: new.get(name, self.channels[name]) for name in self.read}
            stage = past.ranker(self.arms, early, late, since, lucks.get(RANKER, 0))
            ranker = load_saved(stage.path / MODEL, self.config)
            yield _told(RANKER, stage)
        self.channels |= new
        self.since |= dict.fromkeys(new, day * DAY)
        for name, stage in new.items():
            yield _told(name, stage)
        loaded = {
            name: load_channel(stage.path / MODEL, self.config, name)
            for name, stage in new.items()
            if self.served.whole and name in self.own
        }
        self.served.funnel.renew(loaded, ranker)


def _told(model: str, stage: Stage) -> dict[str, Any]:
    return {"model": model, "stage": stage.name, "key": stage.key}
