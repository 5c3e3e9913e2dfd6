import pytest
from scipy import stats

from experiments.inference.intervals.binomial import exact_share
from experiments.records.interval import UNKNOWN
from simulator.errors import DataError


@pytest.mark.parametrize(("events", "trials"), [(0, 7), (7, 7), (1, 2), (50, 1_000), (999, 1_000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_it_is_the_exact_interval_of_scipy(events, trials, confidence):
    peer = stats.binomtest(events, trials).proportion_ci(confidence, method="exact")
    found = exact_share(events, trials, confidence=confidence)
    assert found.estimate == events / trials
    assert found.ends == pytest.approx((peer.low, peer.high), rel=1e-10)


def test_nothing_is_known_without_trials_and_impossible_counts_are_refused():
    assert exact_share(0, 0, confidence=0.95) == UNKNOWN
    with pytest.raises(DataError, match="events == 3, must be 0 to 2"):
        exact_share(3, 2, confidence=0.95)
