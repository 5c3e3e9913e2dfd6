"""What tests should find: the truth of several lucks, and how far one luck goes astray."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from experiments.inference.metrics import METRICS
from experiments.operating.targets import targets
from experiments.records.interval import UNKNOWN
from experiments.truth.effects import paired_truth
from tests.experiments.operating.lived import LivedStudy

CHOSEN = tuple(METRICS[name] for name in ("gmv", "ctr"))


def truth_logs(lived: LivedStudy) -> tuple[list[Path], list[Path]]:
    stages = lived.folder / "stages"

    def of(arm: str) -> list[Path]:
        return [path / "log" for seed in (0, 1) for path in stages.glob(f"truth-{arm}-{seed}-*")]

    return of("control"), of("dense")


def test_the_truth_is_that_of_all_pairs_in_expectation(lived: LivedStudy) -> None:
    logs, config = truth_logs(lived), lived.study.config
    found = targets(config, CHOSEN, logs, ([], []))
    wanted = paired_truth(*logs, CHOSEN, confidence=config.analysis.confidence)
    assert dict(found.truth) == {row.metric: row.effect for row in wanted.effects}
    target = found.of_worlds("gmv")
    assert (target.truth, target.luck, target.moved) == (found.truth["gmv"], 0.0, False)


def test_the_luck_of_one_pair_is_the_spread_between_pairs(lived: LivedStudy) -> None:
    (one, other), config = truth_logs(lived), lived.study.config
    pair = [lived.pair[0]], [lived.pair[1]]
    found = targets(config, CHOSEN, (one, other), pair)
    real = [
        paired_truth([control], [treatment], CHOSEN, method="realised").effects
        for control, treatment in zip([*one, *pair[0]], [*other, *pair[1]], strict=True)
    ]
    for at, metric in enumerate(CHOSEN):
        spread = np.std([effects[at].effect.estimate for effects in real], ddof=1)
        wanted = stats.t.ppf(0.975, len(real) - 1) * spread
        target = found.of_redraws(metric.name)
        assert target.luck == pytest.approx(wanted, rel=1e-10)
        assert target.moved


def test_of_one_pair_alone_its_luck_is_not_known(lived: LivedStudy) -> None:
    pair = [lived.pair[0]], [lived.pair[1]]
    found = targets(lived.study.config, CHOSEN, ([], []), pair)
    assert found.of_redraws("gmv").truth == found.of_worlds("gmv").truth == UNKNOWN
    assert found.of_redraws("gmv").luck is None
