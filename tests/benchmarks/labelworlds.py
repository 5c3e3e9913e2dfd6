"""Pairs of worlds of equal luck, everybody in control or in a treatment; for `labels`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.metrics import METRICS
from experiments.inference.units import shopper_days, unit_sums
from experiments.running.models import LOG
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline, luck_of
from experiments.stages.progress import NoProgress

SETTINGS = Path(__file__).with_name("labels.toml")
SUCCESS = "orders"
MARGINS = {"latency": 0.2, "gmv": 0.1}
"""Guardrails, and by which share of control's level each may be worse."""
COLUMNS = tuple(sorted({c for name in (SUCCESS, *MARGINS) for c in METRICS[name].columns}))
HALVES = 2

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Life:
    """What the shoppers of a world did.

    Attributes:
        sums_HCS: columns of the unit table by half of the days and shopper.
    """

    sums_HCS: Floats

    @cached_property
    def whole_CS(self) -> Floats:
        """Over all days."""
        return np.asarray(self.sums_HCS.sum(axis=0))


@dataclass(frozen=True)
class Pair:
    """Two worlds of equal luck, and what their shoppers did before.

    Attributes:
        shop: number of the shop.
        luck: number of the luck in it.
        treatment: name of the treatment.
        fades: whether it acts as it does only until the middle of the days.
        control, treated: what everybody does in control and in treatment.
        before_CS: what they did before.
    """

    shop: int
    luck: int
    treatment: str
    fades: bool
    control: Life
    treated: Life
    before_CS: Floats

    @cached_property
    def there_S(self) -> NDArray[np.bool_]:
        """Shoppers who searched in both worlds."""
        asked = COLUMNS.index("requests")
        return np.asarray((self.control.whole_CS[asked] > 0) & (self.treated.whole_CS[asked] > 0))

    def effect(self, metric: str) -> float:
        """What the treatment does to the metric of all shoppers, relative to control.

        That is exact, for this luck. Of a treatment that fades, it is the effect in the second
        half of the days: what stays of it after a launch.
        """
        lives = [self.control, self.treated]
        sums = [each.sums_HCS[1] if self.fades else each.whole_CS for each in lives]
        one, two = (level(metric, each[:, self.there_S]) for each in sums)
        return two / one - 1

    def faded(self, then: Life, name: str) -> "Pair":
        """This treatment until the middle of the days, and from then on another world's life."""
        made = Life(np.stack([self.treated.sums_HCS[0], then.sums_HCS[1]]))
        return Pair(self.shop, self.luck, name, True, self.control, made, self.before_CS)


def level(metric: str, sums_CU: Floats) -> float:
    """A metric of some shoppers."""
    ratio = METRICS[metric]
    top = sums_CU[COLUMNS.index(ratio.numerator)].sum()
    under = sums_CU.shape[1]
    if ratio.denominator is not None:
        under = sums_CU[COLUMNS.index(ratio.denominator)].sum()
    return float(top / under)


def settings(shop: int, shoppers: int) -> Config:
    """Of one shop."""
    return load_config(SETTINGS, [f"seed={shop}", f"shoppers.count={shoppers}"])


def pairs(shop: int, shoppers: int, folder: Path, lucks: Sequence[int]) -> list[Pair]:
    """All treatments of a shop with each luck; what is in the folder is not lived again."""
    config, found = settings(shop, shoppers), []
    with open_run(config, folder, NoProgress(), overwrite=True) as maker:
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        late, early = pipeline.models.channels(catalogue, history)
        trained = pipeline.models.trained(catalogue, history, late, early)
        before = read(history.path / LOG, shoppers, config.world.history_days)
        for luck in lucks:
            jobs = [
                pipeline.one_arm(f"{arm.name}-{luck}", luck_of(luck), at, trained, followed=False)
                for at, arm in enumerate(config.arms)
            ]
            pipeline.live("worlds", jobs)
            middle = config.world.history_days + config.world.days // HALVES
            control, *treated = (read(job.stage.path / LOG, shoppers, middle) for job in jobs)
            for arm, life in zip(config.arms[1:], treated, strict=True):
                found.append(Pair(shop, luck, arm.name, False, control, life, before.whole_CS))
    return found


def read(log: Path, shoppers: int, middle: int) -> Life:
    """The sums of a log, until a day and from it on."""
    sums_HCS = np.zeros((HALVES, len(COLUMNS), shoppers))
    with engine(EngineSpec(threads=1)) as connection:
        rows = connection.execute(
            f"SELECT shopper, (day >= {middle})::INTEGER AS half, {unit_sums(COLUMNS)} "
            f"FROM ({shopper_days(log, COLUMNS)}) GROUP BY ALL"
        ).fetchnumpy()
    for at, column in enumerate(COLUMNS):
        sums_HCS[rows["half"], at, rows["shopper"]] = rows[column]
    return Life(sums_HCS)
