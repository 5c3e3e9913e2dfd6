from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest

from experiments.attribution.credit.conformance import sample_paths
from experiments.attribution.credit.customrules import GROUP, check_rules, load_rule
from simulator import plugins
from simulator.errors import ContractError
from tests.experiments.attribution.credit import rules

HERE = "tests.experiments.attribution.credit.rules"


def test_rows_of_paths_are_their_own_touches():
    paths = sample_paths()
    some = paths.rows(np.array([4, 2]))
    assert some.n_E.tolist() == [5, 3]
    assert some.event_E.tolist() == ["cart", "cart"]
    assert some.outcome_T.tolist() == [0] * 5 + [1] * 3
    np.testing.assert_array_equal(some.age_T[:5], paths.age_T[paths.outcome_T == 4])
    np.testing.assert_array_equal(some.sources_T[5:], paths.sources_T[paths.outcome_T == 2])


def test_a_rule_is_loaded_by_module_and_object_and_a_class_is_made():
    assert load_rule(f"{HERE}:even") is rules.even
    assert isinstance(load_rule(f"{HERE}:Newest"), rules.Newest)


def test_an_entry_point_is_found_by_its_name(monkeypatch):
    point = EntryPoint("mine", f"{HERE}:Newest", GROUP)
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: EntryPoints([point]).select(group=group)
    )
    assert isinstance(load_rule("mine"), rules.Newest)
    with pytest.raises(ContractError, match=rf"'yours', must be .* entry point of {GROUP} \(mine"):
        load_rule("yours")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "nonsense",
            "attribution.rules == 'nonsense', must be one of any_touch, .*, markov, MODULE",
        ),
        ("no_such_module:x", "must name a module"),
        (f"{HERE}:missing", "must name an object in"),
        (f"{HERE}:Refusing", "raised ValueError"),
        (f"{HERE}:Uncallable", r"Uncallable, must be callable with \(paths\)"),
    ],
)
def test_what_cannot_be_loaded_is_told(name, told):
    with pytest.raises(ContractError, match=told):
        load_rule(name)


def test_rules_that_differ_in_capitals_alone_are_told_before_any_work():
    check_rules(["linear", "any_touch", f"{HERE}:even"])
    with pytest.raises(ContractError, match="'linear' and another that differs in capitals"):
        check_rules(["linear", "Linear"])
