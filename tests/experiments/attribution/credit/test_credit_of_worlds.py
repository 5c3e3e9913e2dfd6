"""Credit of logs that worlds wrote: what rules conserve, and what names and twins do to them."""

from collections import defaultdict

import pytest

from experiments.attribution.credit.credited import credit_log
from experiments.attribution.credit.segments import Items
from experiments.config.attribution import BUILT_IN_RULES, AttributionSpec
from experiments.records.attribution import OUTCOMES
from experiments.running.models import CATALOG, LOG, load_saved
from tests.experiments.attribution.incremental.replay_runs import small_arm

NAMES = ("lexical", "twin", "popular", "nothing", "itemcf")
DIVIDING = tuple(rule for rule in BUILT_IN_RULES if rule not in ("any_touch", "exclusive"))
SPEC = AttributionSpec(order=("popular", "itemcf", "nothing", "lexical", "twin"))


def credited(folder, names):
    """The shares of a world in which these channels serve everybody, by everything but channel."""
    with small_arm(folder, *names, at_once=True, blind=True, keep=600) as arm:
        world = arm.world(0)
        arm.live("worlds", [world])
        items = Items.of(
            load_saved(arm.trained.catalogue.path / CATALOG), arm.trained.history.path / LOG
        )
        log = world.stage.path / LOG
        arms = {each.name: each.channels for each in arm.config.arms}
        record = credit_log(log, items, SPEC, name="small", arms=arms, confidence=0.9)
    found = defaultdict(dict)
    for row in record.credits:
        if row.total:
            found[row.rule, row.event, row.arm, row.cut, row.part][row.channel] = row
    assert len(found) > 300
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return credited(tmp_path_factory.mktemp("credited"), NAMES)


def test_rules_that_divide_credit_give_exactly_what_there_is(world):
    seen = set()
    for (rule, event, *_), rows in world.items():
        if rule in DIVIDING:
            total = rows["lexical"].total
            assert sum(row.credit for row in rows.values()) == pytest.approx(total, rel=1e-12)
            seen.add((rule, event))
    assert {rule for rule, _ in seen} == set(DIVIDING)
    assert {event for rule, event in seen if rule == "markov"} == set(OUTCOMES)


def test_any_touch_is_at_least_what_any_rule_of_the_page_gives_and_exclusive_at_most(world):
    for (rule, *key), rows in world.items():
        if rule in ("first", "best_rank", "fractional"):
            for channel, row in rows.items():
                least = world["exclusive", *key][channel].credit
                most = world["any_touch", *key][channel].credit
                assert least - 1e-9 <= row.credit <= most + 1e-9


def test_a_channel_that_finds_nothing_is_credited_with_nothing(world):
    assert {rows["nothing"].credit for rows in world.values()} == {0.0}


def test_twins_found_nothing_alone_and_share_what_one_of_them_would_get(world):
    for (rule, *_), rows in world.items():
        lexical, twin = rows["lexical"].credit, rows["twin"].credit
        if rule == "exclusive":
            assert (lexical, twin) == (0.0, 0.0)
        elif rule == "first":
            assert twin == 0.0  # the other one stands before it
        elif rule != "markov":
            assert twin == pytest.approx(lexical, rel=1e-12)


def test_permuting_the_channels_permutes_the_credit(world, tmp_path):
    turned = credited(tmp_path, NAMES[::-1])
    assert turned.keys() == world.keys()
    for key, rows in world.items():
        for channel, row in rows.items():
            other = turned[key][channel]
            assert other.credit == pytest.approx(row.credit, rel=1e-12, abs=1e-12)
            assert (other.share.low is None) == (row.share.low is None)
            if row.share.low is not None:
                assert other.share.low == pytest.approx(row.share.low, rel=1e-9, abs=1e-9)
