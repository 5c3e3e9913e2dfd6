"""Small worlds of a config: what the log has told of them is drawn anew for each."""

import numpy as np

from experiments.calibrate.worlds import Market, Small
from experiments.records.calibration import Posterior
from tests.experiments.small_runs import SMALL

CLICKS = "world.behavior.click_model."
LAW = Posterior(
    settings=(CLICKS + "eta_phone", CLICKS + "eta_desktop", "shoppers.count"),
    scales=("log", "log", "log"),
    floors=(0.0, 0.0, 0.0),
    centre=(np.log(0.7), np.log(0.4), np.log(900.0)),
    covariance=((0.04, 0.02, 0.0), (0.02, 0.01, 0.0), (0.0, 0.0, 0.25)),
    law="a test",
    n=10,
)


def test_each_world_draws_what_the_log_has_told_and_has_luck_of_its_own():
    chosen = (CLICKS + "type=pbm",)
    small = Small(Market(str(SMALL), ("seed=4",)), chosen, (LAW,), days=3, shoppers=70, seed=4)
    likeliest = small.config()
    model = likeliest.world.behavior.click_model
    assert (model.eta_phone, model.eta_desktop) == (0.7, 0.4)
    assert (likeliest.shoppers.count, likeliest.world.history_days) == (70, 3)
    worlds = [small.config((), number) for number in range(1, 301)]
    models = [each.world.behavior.click_model for each in worlds]
    drawn = np.log([[each.eta_phone, each.eta_desktop] for each in models])
    np.testing.assert_allclose(drawn.mean(axis=0), np.log([0.7, 0.4]), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), [[0.04, 0.02], [0.02, 0.01]], rtol=0.25)
    assert {each.shoppers.count for each in worlds} == {70}
    assert [each.seed for each in worlds[:3]] == [5, 6, 7]
    assert small.config((), 9) == worlds[8]
