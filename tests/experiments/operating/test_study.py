"""A study is of two arms of a config, of the designs that fit it and the metrics that decide."""

import pytest

from experiments.config.schema import Config
from experiments.designs.settings import SwitchbackDesign
from experiments.operating.study import DESIGNS, TRUTH_PAIRS, Study, study_of
from simulator.errors import ConfigError
from tests.experiments.small_runs import small_config

THREE = (
    'arms=[{name="a",share=0.5,channels=["lexical"]},{name="b",share=0.3,channels=["popular"]},'
    '{name="c",share=0.2,channels=["lexical","popular"]}]'
)


def study(config: Config, **asked: object) -> Study:
    return study_of(config, **({"redraws": 100, "worlds": 0} | asked))  # type: ignore[arg-type]


def test_control_comes_first_and_the_treatment_second_whatever_their_order() -> None:
    config = small_config(THREE, "control=b")
    made = study(config, treatment="c")
    assert [arm.name for arm in made.config.arms] == ["b", "c", "a"]
    assert [arm.share for arm in made.config.arms] == [0.3, 0.2, 0.5]
    assert made.contrast == ("b", "c")
    assert study(config).contrast == ("b", "a")


def test_the_metrics_are_those_that_reports_follow_the_primary_one_and_the_users_sums() -> None:
    plain = study(small_config())
    assert [each.name for each in plain.metrics] == ["gmv", "orders", "uctcvr", "ctr"]
    own = '[{name="carts",numerator="carts"}]'
    more = study(small_config("analysis.primary=baskets", f"analysis.metrics={own}"))
    assert [each.name for each in more.metrics] == [
        *("gmv", "orders", "baskets", "uctcvr", "ctr", "carts"),
    ]


def test_designs_have_the_configs_own_settings_where_it_is_theirs() -> None:
    days = "world.days=4"
    plain = study(small_config(days)).designs
    assert tuple(plain) == DESIGNS
    own = study(small_config(days, "design.type=switchback", "design.period=7200")).designs
    assert isinstance(plain["switchback"], SwitchbackDesign)
    assert plain["switchback"].period == 3_600
    assert isinstance(own["switchback"], SwitchbackDesign)
    assert own["switchback"].period == 7_200
    ramped = study(small_config(days, "design.ramp_up=[{day=1,part=0.5}]")).designs
    parts = [spec.ramp_up for spec in (ramped["shopper"], ramped["ramp_up"])]
    assert [[(step.day, step.part) for step in steps] for steps in parts] == [[], [(1, 0.5)]]
    assert plain["ramp_up"].ramp_up[-1].part == 1.0


def test_a_design_that_does_not_fit_is_told_and_refused_where_it_was_asked_for() -> None:
    made = study(small_config())
    assert "switchback" not in made.designs
    assert "switchback: world.days == 2, must be >= 4" in made.missing[0]
    with pytest.raises(ConfigError, match=r"switchback: world\.days == 2, must be >= 4"):
        study(small_config(), designs=["switchback"])
    assert not study(small_config(), redraws=0, worlds=3).designs


def test_the_truth_is_told_by_several_pairs_and_by_nothing_that_is_not_asked() -> None:
    spec = study(small_config("truth.headroom=50", "truth.retrained=['ranker']")).config.truth
    assert (spec.seeds, spec.headroom, spec.retrained) == (TRUTH_PAIRS, 0, ())
    assert study(small_config("truth.seeds=9")).config.truth.seeds == 9
    each = ("truth.trainings=each", "truth.retrained=['ranker']", "truth.seeds=2")
    assert study(small_config(*each)).config.truth.retrained == ("ranker",)
    none = study(small_config("truth.seeds=0"))
    assert none.config.truth.seeds == 0
    assert any("`truth.seeds` is 0" in sentence for sentence in none.missing)


def test_metrics_that_are_no_sums_are_said_to_be_left_out() -> None:
    own = '[{name="margin",object="tests.experiments.inference.own.own_metrics:margin"}]'
    made = study(small_config(f"analysis.own={own}", "analysis.primary=margin"))
    assert "margin: metrics from SQL or Python" in " ".join(made.missing)
    assert "margin" not in [each.name for each in made.metrics]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"redraws": 0}, "--redraws == 0, must be > 0 where --worlds is 0"),
        ({"treatment": "dens"}, "--arm == 'dens', must be .*dense"),
        ({"treatment": "control"}, "--arm == 'control', must be"),
        ({"designs": ["shoper"]}, "--design == 'shoper', must be .*shopper"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        study(small_config(), **asked)
