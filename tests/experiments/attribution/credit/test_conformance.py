import numpy as np
import pytest

from experiments.attribution.credit.conformance import check_rule, sample_paths
from tests.experiments.attribution.credit import rules


@pytest.mark.parametrize("rule", [rules.Newest, rules.Decay, rules.Decay(0.1), rules.even, rules.by_channel])  # fmt: skip  # noqa: E501
def test_sound_rules_keep_the_contract(rule):
    assert [str(finding) for finding in check_rule(rule)] == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (rules.nothing, r"nothing: values of outcome 0 \(cart, 1 touches\) sum to 0, must have a"),
        (
            rules.raising,
            r"raising raised RuntimeError\('not today'\) \(.*rules.py, line \d+\)",
        ),
        (rules.words, r"words: dtype == <U3, must be numbers"),
        (rules.short, r"short: shape == \(32,\), must be \(31,\) weights of touches or \(8, 4\)"),
        (rules.unknown, r"unknown: values of outcome 0 .* == nan, must be finite and >= 0"),
        (rules.endless, "== inf, must be finite"),
        (rules.negative, r"outcome 1 \(purchase, 2 touches\) == -0.1, must be finite and >= 0"),
        (rules.huge, "sum to inf, must have a positive, finite sum"),
        (rules.too_much, "outcome 0 .* sum to 4, must sum to 1"),
        (rules.below_zero, r"outcome 0 .* == \[2.0, -1.0, 0.0, 0.0\], must be finite and >= 0"),
        (
            rules.Refusing,
            r"Refusing\(\) raised ValueError\('no luck'\) \(.*rules.py, line \d+\)",
        ),
        (rules.Uncallable, r"Uncallable, must be callable with \(paths\)"),
    ],
)
def test_what_breaks_the_contract_is_told_with_rule_and_outcome(rule, told):
    (finding,) = check_rule(rule)
    assert finding.place == "rule()"
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(finding.found)


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        (rules.mixed, "rule() outcome by outcome"),
        (rules.by_place, "rule() in another order"),
        (rules.writing, "rule()"),
        (rules.without_outcomes, "rule() of no outcomes"),
        (rules.Forgetful, "rule() asked twice"),
    ],
)
def test_a_rule_of_more_than_the_paths_is_told(rule, place):
    assert place in [finding.place for finding in check_rule(rule)]


def test_sample_paths_are_paths():
    paths = sample_paths()
    assert paths.n_E.tolist() == np.bincount(paths.outcome_T).tolist()
    assert np.bincount(paths.outcome_T, paths.own_T).tolist() == [1.0] * len(paths)
    inside_T = np.diff(paths.outcome_T) == 0
    assert (np.diff(paths.age_T)[inside_T] <= 0).all()
    assert (paths.sources_T > 0).all()
    assert paths.same_session_T[paths.own_T].all()
