"""A market calibrated on a log of itself foretells what a policy does.

A shop is lived with settings that are not told to whoever calibrates. They have its log, as its own
files tell it, and a config with other settings. What they find must foretell the lift of a policy:
it is the lift in one more world, as far as both are known; and the calibrated market's log is no
further from the shop's than one life of that market from another. Catalogue and needs are the
shop's, shoppers and all other luck are others.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from experiments.calibrate.demand import MARKET, calibrate
from experiments.calibrate.worlds import Market
from experiments.config.loading import load_config, resolved_toml, setting_of
from experiments.records.calibration import Calibration
from experiments.records.interval import Interval
from experiments.records.reading import read_record, row_of
from experiments.records.sweep import SweepRecord
from experiments.records.truth import Truths
from experiments.records.validity import Validity, Verdict
from experiments.stages.progress import NoProgress
from experiments.sweep.cells import draw_sweep
from experiments.sweep.run import run_sweep
from experiments.validate.run import validate_config
from tests.experiments.small_runs import SMALL, run
from tests.experiments.validate.ownlog.test_compare import own_files

pytestmark = pytest.mark.slow

SEEDS, WORLDS, ENOUGH = 20, 6, 18
METRIC = "orders"

SHOP = (
    *("truth.headroom=0", "truth.retrained=[]", "world.history_days=14", "world.days=7"),
    *("catalog.items=800", "catalog.stock_days=2000", "ranker.type='merge_order'"),
    *("arms.dense.channels=['lexical']", "world.behavior.click_model.type='pbm'"),
)
"""What is known of the shop, and the policy: its control without the channel `popular`."""

TRUE = {
    "shoppers.count": 1_000,
    "shoppers.visits_per_week": 5.0,
    "shoppers.activity_sigma": 0.8,
    "world.arrivals.peak_hour": 19.0,
    "world.arrivals.peak_to_trough": 4.0,
    "world.behavior.repeat_quantity": 0.3,
    "world.behavior.click_cost": 4.4,
    "world.behavior.outside": 3.4,
    "world.behavior.basket_cost": -3.0,
    "world.behavior.click_model.eta_phone": 0.7,
    "world.behavior.click_model.eta_desktop": 0.4,
    "world.sessions.reformulate": 0.45,
    "world.sessions.next_page": 0.2,
}
GUESS = {
    "shoppers.count": 700,
    "world.behavior.click_cost": 4.0,
    "world.behavior.outside": 4.0,
    "world.behavior.basket_cost": -4.0,
}
"""What the others begin with; all else is as it comes with the config."""


KNOWN = ("catalog.seed", "queries.seed", "catalog.price_sigma", "catalog.demand_sigma")
"""What whoever calibrates knows besides: catalogue and needs of the shop."""


def laid(values: dict[str, float]) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key, value in values.items())


@dataclass(frozen=True)
class Outcome:
    """What came of one shop."""

    seed: int
    calibration: Calibration
    classifier: Verdict
    area: Interval
    true: Interval
    foretold: Interval

    @property
    def recovers(self) -> bool:
        """Whether both are one number, as far as each of them is known."""
        told = [np.log1p([*each.numbers]) for each in (self.true, self.foretold)]
        apart = abs(told[0][0] - told[1][0])
        return bool(apart <= np.hypot(*((high - low) / 2 for _, low, high in told)))

    def told(self) -> str:
        """A line for whoever runs the study."""
        held = {
            row.setting.rpartition(".")[2]: row.value.holds(TRUE.get(row.setting))
            for row in self.calibration.settings
        }
        return (
            f"seed {self.seed}: classifier {self.classifier.value} {self.area.numbers}, "
            f"true lift {self.true.numbers}, foretold {self.foretold.numbers}; "
            f"settings not held: {[key for key, holds in held.items() if holds is False]}"
        )


def outcome(seed: int, folder: Path) -> Outcome:
    """Live a shop, calibrate a market on its log, and see what that foretells."""
    own = (f"catalog.seed={seed}", f"queries.seed={seed}")
    shop = load_config(SMALL, (*SHOP, *own, *laid(TRUE), f"seed={seed}"))
    lived = run(shop, folder / "shop")
    log = own_files(lived, folder / "own")
    begin = folder / "begin.toml"
    begin.write_text(resolved_toml(load_config(SMALL, (*SHOP, *laid(GUESS)))))
    known = tuple(f"{key}={setting_of(shop, key)}" for key in KNOWN)
    here = (*known, f"seed={1_000 + 50 * seed}")
    record = calibrate(log, folder / "market", market=Market(str(begin), here))
    drawn = draw_sweep(str(begin), [], WORLDS, here, folder / "market")
    quiet = NoProgress()
    run_sweep(drawn, folder / "worlds", progress=quiet, command="a test")
    laid_over = (str(folder / "market" / MARKET), *known, f"seed={seed + 9_000}")
    market = load_config(begin, laid_over)
    validate_config(market, folder / "valid", progress=quiet, command="a test", own=log)
    check = row_of(
        read_record(Validity, folder / "valid").checks, fact="told_apart_by_a_classifier"
    )
    over = row_of(read_record(SweepRecord, folder / "worlds").over, metric=METRIC)
    truth = row_of(read_record(Truths, lived).truth, metric=METRIC)
    return Outcome(seed, record, check.verdict, check.found, truth.growth, over.another)


def test_a_market_calibrated_on_a_log_of_itself_foretells_the_lift_of_a_policy(tmp_path, capsys):
    found = []
    for seed in range(1, SEEDS + 1):
        found.append(outcome(seed, tmp_path / str(seed)))
        with capsys.disabled():
            print(found[-1].told(), flush=True)
    assert sum(each.recovers for each in found) >= ENOUGH
    assert sum(each.classifier is Verdict.PASS for each in found) >= ENOUGH
    # Not because everything is held by what is foretold.
    widths = [each.foretold.high - each.foretold.low for each in found]
    assert np.median(widths) < 0.5
