"""What the channel tells of its training."""

import json
import pickle

import numpy as np
import pytest
import torch

from cqsid.channel import CqsidChannel
from cqsid.reporting import figures, share_done
from cqsid.tokenizer.quality import IdQuality
from cqsid.training.loop import Course
from cqsid.training.stages import Stage
from recall.channel import Reporting, Watchable
from tests.cqsid.shop import tiny_shop
from tests.cqsid.small import fitted_channel, small_spec


@pytest.mark.parametrize(
    ("spec", "stages"),
    [
        (small_spec(), list(Stage)),
        (small_spec(personalised=False), [Stage.ITEM, Stage.QUERY]),
    ],
)
def test_the_share_that_is_done_grows_to_one_over_all_stages(spec, stages):
    told = []
    tell = share_done(spec, told.append)
    for stage in stages:
        for step in (1, 2):
            tell(stage, Course(step), 2)
    assert told == pytest.approx(np.arange(1, 2 * len(stages) + 1) / (2 * len(stages)))


def test_a_watched_training_learns_the_same_and_is_kept_without_its_watcher():
    channel, told = CqsidChannel(small_spec()), []
    assert isinstance(channel, Watchable)
    channel.watch(lambda share: told.append(share))
    catalog, history = tiny_shop()
    channel.fit(catalog, history, rng=np.random.default_rng(3))
    assert told == sorted(told)
    assert told[-1] == 1
    pickle.dumps(channel)  # a lambda that was kept would raise
    unwatched = fitted_channel().learned.weights
    assert torch.equal(channel.learned.weights.embedding_VD, unwatched.embedding_VD)
    assert torch.equal(channel.learned.weights.norm, unwatched.norm)


def test_the_report_tells_the_quality_of_the_ids_as_numbers_that_json_knows():
    channel = fitted_channel()
    assert isinstance(channel, Reporting)
    report = channel.report()
    learned = channel.learned
    quality = IdQuality.of(learned.ids, learned.signals)
    assert json.loads(json.dumps(report)) == report
    for key in ("items", "ids", "p99", "largest", "gini"):
        assert report[key] == getattr(quality, key)
    assert report["perplexity"] == list(quality.perplexity_L)
    assert report["sizes"] == list(learned.ids.sizes)


def test_every_stage_tells_why_it_ended_and_how_good_it_was():
    learned = fitted_channel().learned
    stages = figures(learned)["training"]
    assert [stage["stage"] for stage in stages] == ["item", "query", "shopper"]
    for stage, report in zip(stages, learned.report.stages, strict=True):
        assert stage["stopped"] == report.stopped
        assert stage["examples"] == report.examples > 0
        assert stage["best"]["hit_rate_10"] == report.best.hit_rates[-1]
        assert stage["best"] in stage["validations"]


def test_a_thinned_curve_keeps_the_last_step_and_the_mean_loss():
    learned = fitted_channel().learned
    for stage, report in zip(figures(learned)["training"], learned.report.stages, strict=True):
        steps = np.array([each["step"] for each in stage["losses"]])
        assert len(steps) <= 60
        assert steps[-1] == stage["steps"] == len(report.losses)
        spans = np.diff(steps, prepend=0)
        mean = np.average([each["loss"] for each in stage["losses"]], weights=spans)
        assert mean == pytest.approx(np.mean(report.losses))
