"""Clicks under one policy tell of another's, and do not where they were shuffled."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.clickfits.foretelling import CLICK_MODELS
from experiments.clickfits.impressions import impressions_of, impressions_of_logs
from experiments.records.interval import Interval
from experiments.records.validity import Verdict
from experiments.validate import policyshift
from experiments.validate.policyshift import policy_shift
from simulator.behaviour.clickmodels import PositionBased
from tests.experiments.clickfits.logs import PAIRS, simulated
from tests.experiments.small_runs import table
from tests.experiments.validate.evidences import evidence, log_of, spoiled


def judged(run, **logs):
    with evidence(run, **logs) as found:
        return {check.fact: check for check in policy_shift(found)}


def own_gain(check):
    """Bits that a fit to the arm itself gains, as the note tells them."""
    return float(re.search(r"own fit gains (-?[\d.]+) bits", check.note)[1])


def test_the_arm_with_most_new_results_is_asked_and_tells_more_of_itself_than_the_history(
    small_run,
):
    checks = judged(small_run)
    assert {"bits_of_a_result_foretold_by_pbm", "bits_of_a_result_foretold_by_dbn"} <= set(checks)
    for check in checks.values():
        assert check.arm == "dense"
        assert check.found.low < check.found.estimate < check.found.high
        assert own_gain(check) > check.found.estimate
        new = int(re.search(r"(\d+) % of the results are new", check.note)[1])
        assert 50 < new < 100


def test_where_clicks_follow_one_law_another_policy_is_foretold_nearly_as_by_itself():
    """Pairs attract alike under both policies; the other one has half of them at the top."""
    clicks = PositionBased()
    history, arm, asked = (
        simulated(clicks, pages, seed=at) for at, pages in enumerate((4000,) * 3)
    )
    arm, asked = (of.rows(of.pair_PK[:, 0] < PAIRS // 2) for of in (arm, asked))
    split = policyshift._Split(history, arm, asked, np.arange(len(asked)))
    (check,) = policyshift._foretold(
        *(SimpleNamespace(confidence=0.95), "other", "pbm", CLICK_MODELS["pbm"], split),
        Interval(0.0, 0.0, 0.0),
    )
    assert check.verdict is Verdict.PASS
    assert check.found.estimate > 0.8 * own_gain(check) > 0.005


def shuffled(rows):
    """Clicks go to other results, so that nothing can be learned of items or ranks."""
    luck = np.random.default_rng(3).permutation(len(rows))
    rows["clicked"] = rows.clicked.to_numpy()[luck]
    rows["carted"] = False


def test_a_history_whose_clicks_mean_nothing_tells_nothing(small_run, tmp_path):
    log = spoiled(log_of(small_run, "history"), tmp_path / "log", "exposures", shuffled)
    verdicts = {check.verdict for check in judged(small_run, history=log).values()}
    assert verdicts == {Verdict.WARN}


def test_the_gain_is_that_of_the_logarithm_of_perplexity(small_run):
    """Where all pages are as long: the mean over ranks of log2 of the perplexity of each."""
    pages = impressions_of(log_of(small_run, "experiment"), slots=8)
    full = pages.rows(pages.real_PK.all(axis=1))
    chance_PK = np.full(full.pair_PK.shape, 0.3)
    loss_PK = policyshift._loss(full, chance_PK)
    share = full.clicked_PK.mean()
    assert loss_PK.mean() == pytest.approx(-share * np.log2(0.3) - (1 - share) * np.log2(0.7))
    by_rank = 2.0 ** loss_PK.mean(axis=0)
    assert policyshift._perplexity(full, loss_PK) == pytest.approx(by_rank.mean())


def test_pairs_have_one_number_in_all_logs(small_run):
    logs = [log_of(small_run, name) for name in ("history", "experiment")]
    both = impressions_of_logs(logs, slots=8)
    seen = {}
    for log, pages in zip(logs, both, strict=True):
        texts = table(log, "requests").set_index("request").text
        shown = table(log, "exposures")
        shown["rank"] = shown.groupby("request").position.rank().astype(int) - 1
        of = pages.impressions
        row_of = {request: row for row, request in enumerate(pages.request_P.tolist())}
        for each in shown[shown["rank"] < 8].sample(200, random_state=1).itertuples():
            pair = int(of.pair_PK[row_of[each.request], each.rank])
            key = int(texts[each.request]), each.item
            assert seen.setdefault(key, pair) == pair
            assert bool(of.clicked_PK[row_of[each.request], each.rank]) == each.clicked
    assert len(set(seen.values())) == len(seen)


def test_without_an_experiment_nothing_is_asked(small_run):
    with evidence(small_run) as found:
        assert list(policy_shift(replace(found, experiment=None))) == []
