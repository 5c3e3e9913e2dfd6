from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest

from experiments.attribution.credit import customrules
from experiments.attribution.credit.customrules import (
    GROUP,
    check_rule,
    credits_of,
    load_rule,
    sample_paths,
)
from simulator.errors import ContractError
from tests.experiments.attribution.credit import rules

HERE = "tests.experiments.attribution.credit.rules"


@pytest.mark.parametrize("rule", [rules.Newest, rules.Decay, rules.Decay(0.1), rules.even, rules.by_channel])  # fmt: skip  # noqa: E501
def test_sound_rules_keep_the_contract(rule):
    assert [str(finding) for finding in check_rule(rule)] == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (rules.nothing, r"nothing: values of outcome 0 \(cart, 1 touches\) sum to 0, must have a"),
        (rules.raising, r"raising raised RuntimeError\('not today'\), must return credits"),
        (rules.words, r"words: dtype == <U3, must be numbers"),
        (rules.short, r"short: shape == \(32,\), must be \(31,\) weights of touches or \(8, 4\)"),
        (rules.unknown, r"unknown: values of outcome 0 .* == nan, must be finite and >= 0"),
        (rules.endless, "== inf, must be finite"),
        (rules.negative, r"outcome 1 \(purchase, 2 touches\) == -0.1, must be finite and >= 0"),
        (rules.huge, "sum to inf, must have a positive, finite sum"),
        (rules.too_much, "outcome 0 .* sum to 4, must sum to 1"),
        (rules.below_zero, r"outcome 0 .* == \[2.0, -1.0, 0.0, 0.0\], must be finite and >= 0"),
        (rules.Refusing, r"Refusing\(\) raised ValueError\('no luck'\), must make a rule"),
        (rules.Uncallable, "Uncallable, must be callable with paths"),
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


def test_weights_are_normalised_and_shared_by_the_channels_of_a_touch():
    paths = sample_paths().rows(np.array([1]))
    assert paths.sources_T.tolist() == [0b1100, 0b1000]
    found = credits_of(lambda paths: np.array([6.0, 2.0]), paths, "mine")
    np.testing.assert_allclose(found, [[0, 0, 3 / 8, 3 / 8 + 1 / 4]])


def test_rows_of_paths_are_their_own_touches():
    paths = sample_paths()
    some = paths.rows(np.array([4, 2]))
    assert some.n_E.tolist() == [5, 3]
    assert some.event_E.tolist() == ["cart", "cart"]
    assert some.outcome_T.tolist() == [0] * 5 + [1] * 3
    np.testing.assert_array_equal(some.age_T[:5], paths.age_T[paths.outcome_T == 4])
    np.testing.assert_array_equal(some.sources_T[5:], paths.sources_T[paths.outcome_T == 2])


def test_sample_paths_are_paths():
    paths = sample_paths()
    assert paths.n_E.tolist() == np.bincount(paths.outcome_T).tolist()
    assert np.bincount(paths.outcome_T, paths.own_T).tolist() == [1.0] * len(paths)
    inside_T = np.diff(paths.outcome_T) == 0
    assert (np.diff(paths.age_T)[inside_T] <= 0).all()
    assert (paths.sources_T > 0).all()
    assert paths.same_session_T[paths.own_T].all()


def test_a_rule_is_loaded_by_module_and_object_and_a_class_is_made():
    assert load_rule(f"{HERE}:even") is rules.even
    assert isinstance(load_rule(f"{HERE}:Newest"), rules.Newest)


def test_an_entry_point_is_found_by_its_name(monkeypatch):
    point = EntryPoint("mine", f"{HERE}:Newest", GROUP)
    monkeypatch.setattr(customrules, "entry_points", lambda group: EntryPoints([point]))
    assert isinstance(load_rule("mine"), rules.Newest)
    with pytest.raises(ContractError, match=rf"'yours', must be .* entry point of {GROUP} \(mine"):
        load_rule("yours")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nonsense", "attribution.rules == 'nonsense', must be a built-in rule, MODULE:OBJECT or"),
        ("no_such_module:x", "must name an importable module"),
        (f"{HERE}:missing", "must name an object in"),
        (f"{HERE}:Refusing", "raised ValueError"),
        (f"{HERE}:Uncallable", "Uncallable, must be callable with paths"),
    ],
)
def test_what_cannot_be_loaded_is_told(name, told):
    with pytest.raises(ContractError, match=told):
        load_rule(name)
