import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from experiments.attribution.credit import pathrules
from experiments.attribution.credit.pathrules import credited_rules, make_path_credits
from experiments.config.attribution import BUILT_IN_RULES, AttributionSpec
from simulator.errors import ContractError
from tests.experiments.attribution.credit.pathlogs import CHANNELS, Story, ask, plain_credits
from tests.experiments.inference.logs import write_log

RULES = ("last_click", "linear", "time_decay")
HERE = "tests.experiments.attribution.credit.rules"
SPEC = AttributionSpec()


def made(*arguments):
    """Makes the table and tells nothing of rules that failed: there must be none."""
    assert make_path_credits(*arguments) == {}


def credits(log, rules=RULES, spec=SPEC):
    """Credit arrays by (event, request, item) and rule."""
    table = ask(log, made, spec.model_copy(update={"rules": rules}))
    width = (table.shape[1] - 3) // len(credited_rules(rules))
    return {
        (row["event"], row["request"], row["item"]): {
            rule: np.array([row[f"{rule}_{c}"] for c in range(width)])
            for rule in credited_rules(rules)
        }
        for row in table.to_dict("records")
    }


def test_a_path_that_was_worked_out_by_hand(tmp_path):
    """Three touches, ages 4, 2 and 0 days; the middle one of two channels, the last of three."""
    story = Story().page(1, session=1, day=0).page(2, session=2, day=2).page(3, session=2, day=4)
    story.shown(1, 10, 0b001).shown(2, 11, 0b011).shown(3, 12, 0b111).bought(2, 11, 0b011, day=4)
    found = credits(story.write(tmp_path / "log"))["purchase", 2, 11]
    third = 1 / 3
    np.testing.assert_allclose(found["last_click"], [third, third, third])
    np.testing.assert_allclose(
        found["linear"], [(1 + 1 / 2 + third) / 3, (1 / 2 + third) / 3, third / 3]
    )
    # weights 1/4, 1/2, 1 over 7/4
    np.testing.assert_allclose(
        found["time_decay"],
        np.array([1 / 4 + 1 / 4 + third, 1 / 4 + third, third]) / 1.75,
    )


def test_the_last_click_is_looked_for_in_the_session_of_the_page_alone(tmp_path):
    story = Story().page(1, session=1, day=0).page(2, session=1, day=0.01).page(3, session=2, day=1)
    story.shown(1, 10, 0b001).shown(2, 11, 0b010).shown(3, 12, 0b100).bought(1, 10, 0b001, day=2)
    found = credits(story.write(tmp_path / "log"))["purchase", 1, 10]
    np.testing.assert_array_equal(found["last_click"], [0, 1, 0])


def test_old_touches_decay_to_nothing_without_losing_the_whole(tmp_path):
    """All touches are a thousand half-lives old: the youngest counts, as it does when fresh."""
    story = Story().page(1, day=0).page(2, day=1).shown(1, 10, 1).shown(2, 11, 2)
    story.bought(2, 11, 2, day=20)
    spec = AttributionSpec(half_life_days=0.001, window_days=30)
    found = credits(story.write(tmp_path / "log"), spec=spec)["purchase", 2, 11]
    np.testing.assert_array_equal(found["time_decay"], [0, 1, 0])


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A log of busy shoppers."""
    return write_log(
        tmp_path_factory.mktemp("busy") / "log", shoppers=100, requests=8, clicks=0.2, orders=0.5
    )


def test_all_outcomes_have_one_row_whose_credits_sum_to_one(busy):
    found = credits(busy)
    assert len(found) > 200
    for rules in found.values():
        for credit_C in rules.values():
            assert credit_C.sum() == pytest.approx(1, abs=1e-12)
            assert credit_C.min() >= 0


def test_permuting_channels_permutes_credit(busy, tmp_path):
    story = _story(np.random.default_rng(3))
    turned = Story(story.requests, *([_turned(row) for row in rows] for rows in (story.exposures, story.orders)))  # fmt: skip  # noqa: E501
    plain, other = credits(story.write(tmp_path / "a")), credits(turned.write(tmp_path / "b"))
    for key, rules in plain.items():
        for rule, credit_C in rules.items():
            np.testing.assert_allclose(np.roll(credit_C, 1), other[key][rule], atol=1e-12)


def test_a_channel_that_always_accompanies_another_gets_the_same(tmp_path):
    """A copy of channel 0 as channel 2: both are given equally, and together at least as much."""
    story = _story(np.random.default_rng(4), masks=(1, 2, 3))
    copied = Story(story.requests, *([_copied(row) for row in rows] for rows in (story.exposures, story.orders)))  # fmt: skip  # noqa: E501
    plain, other = credits(story.write(tmp_path / "a")), credits(copied.write(tmp_path / "b"))
    for key, rules in plain.items():
        for rule, credit_C in rules.items():
            got_C = other[key][rule]
            assert got_C[0] == got_C[2]
            assert got_C[0] + got_C[2] >= credit_C[0] - 1e-12


def test_batches_and_threads_change_nothing(busy, monkeypatch):
    rules = (*RULES, f"{HERE}:Newest")
    whole = credits(busy, rules)
    monkeypatch.setattr(pathrules, "BATCH", 3_000)
    parts = credits(busy, rules)
    for key, each in whole.items():
        for rule, credit_C in each.items():
            np.testing.assert_array_equal(credit_C, parts[key][rule])


@pytest.mark.parametrize(
    ("custom", "rule"),
    [
        ("Newest", "last_click"),
        ("even", "linear"),
        ("Decay", "time_decay"),
        ("by_channel", "linear"),
    ],
)
def test_custom_rules_that_do_what_built_in_ones_do_agree(busy, custom, rule):
    """Newest looks at all touches, so only paths of one session are compared."""
    found = credits(busy, (*RULES, f"{HERE}:{custom}"))
    for key, rules in found.items():
        if custom != "Newest" or np.array_equal(rules["linear"], rules["last_click"]):
            np.testing.assert_allclose(rules[f"{HERE}:{custom}"], rules[rule], atol=1e-12)
        assert rules[f"{HERE}:{custom}"].sum() == pytest.approx(1), key


def test_page_rules_and_markov_have_no_columns(busy):
    assert credited_rules(BUILT_IN_RULES) == RULES
    table = ask(busy, made, AttributionSpec(rules=("any_touch", "markov")))
    assert list(table.columns) == ["event", "request", "item"]


def test_a_log_without_outcomes_has_no_credits(tmp_path):
    story = Story().page(1).shown(1, 10, 1)
    assert credits(story.write(tmp_path / "log"), (*RULES, f"{HERE}:even")) == {}


def test_a_broken_rule_is_named_with_its_outcome_and_takes_no_other_with_it(busy):
    found, rules = {}, ("linear", f"{HERE}:nothing", f"{HERE}:even")

    def make(*arguments):
        found.update(make_path_credits(*arguments))

    table = ask(busy, make, SPEC.model_copy(update={"rules": rules}))
    assert list(found) == [f"{HERE}:nothing"]
    assert f"rule {HERE}:nothing: values of outcome 0 " in found[f"{HERE}:nothing"]
    assert table[f"{HERE}:nothing_0"].isna().all()
    for rule in ("linear", f"{HERE}:even"):
        whole = table[[c for c in table if c.startswith(f"{rule}_")]].sum(axis=1)
        np.testing.assert_allclose(whole, 1, atol=1e-12)


def test_an_unknown_rule_is_told_before_the_log_is_read(tmp_path):
    with pytest.raises(ContractError, match=r"rules == .no_such., must be one of any_touch"):
        make_path_credits(None, tmp_path, None, AttributionSpec(rules=("no_such",)))


def _turned(row):
    """Channel c of three becomes channel c + 1."""
    return row | {"sources": (row["sources"] << 1 | row["sources"] >> 2) & 7}


def _copied(row):
    return row | {"sources": row["sources"] | (row["sources"] & 1) << 2}


def _story(rng, masks=range(1, 8), shoppers=3, pages=8) -> Story:
    """Odd things included: equal times, orders without clicks, of pages never logged."""
    story = Story()
    for request in rng.permutation(pages).tolist():
        shopper = int(rng.integers(shoppers))
        story.page(
            request, shopper=shopper, session=10 * shopper + int(rng.integers(3)),
            day=float(rng.integers(12)), arm=shopper % 2,
        )  # fmt: skip
        for position in range(3):
            clicked = bool(rng.random() < 0.6)
            story.shown(
                request, 3 * position + int(rng.integers(3)), int(rng.choice(list(masks))),
                position=position, clicked=clicked, carted=bool(rng.random() < 0.4 * clicked + 0.1),
            )  # fmt: skip
    for row in story.exposures:
        if rng.random() < 0.4:
            day = story.requests[[r["request"] for r in story.requests].index(row["request"])]["at"]
            story.bought(
                row["request"], row["item"], row["sources"], day / 86_400 + int(rng.integers(10)),
                position=row["position"], price=float(rng.integers(1, 50)),
            )  # fmt: skip
    story.bought(99, 5, int(rng.choice(list(masks))), 6.0, shopper=0, session=98)
    return story


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 10**6),
    window=st.sampled_from([0.5, 3.0, 30.0]),
    half_life=st.sampled_from([0.2, 2.0]),
)
def test_credits_equal_a_slow_reading_of_the_log(tmp_path, seed, window, half_life):
    story = _story(np.random.default_rng(seed))
    spec = AttributionSpec(window_days=window, half_life_days=half_life)
    found = credits(story.write(tmp_path / "log"), spec=spec)
    wanted = plain_credits(story, window, half_life, len(CHANNELS))
    assert found.keys() == wanted.keys()
    for key, rules in wanted.items():
        for rule, credit_C in rules.items():
            np.testing.assert_allclose(found[key][rule], credit_C, atol=1e-12, err_msg=str(key))
