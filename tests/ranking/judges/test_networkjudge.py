"""What a log teaches before annotations, and that nobody reads one unasked."""

import numpy as np
import pytest

from ranking.judges.conformance import check_judge
from ranking.judges.entities import EntityJudge
from ranking.judges.joined import JoinedJudge
from ranking.judges.settings import JudgeSpec
from simulator.annotations.pairs import Annotations
from simulator.catalogue.catalog import Supply
from tests.ranking.judges.shop import auc, clicking, taught, told

KINDS = [EntityJudge, JoinedJudge]


def test_one_that_is_pretrained_keeps_the_contract() -> None:
    assert [str(each) for each in check_judge(lambda: EntityJudge(pretraining=1))] == []


@pytest.mark.parametrize("kind", KINDS)
def test_clicks_teach_what_texts_that_nobody_asked_want_and_blind_ones_do_not(
    kind: type[EntityJudge | JoinedJudge],
    supply: Supply,
    bought: tuple[Annotations, Annotations],
) -> None:
    none, (learned, measured) = Annotations.empty(), bought
    assert not set(learned.text_J.tolist()) & set(measured.text_J.tolist())
    clicked, blind = (
        auc(
            taught(kind(pretraining=1), supply, none, clicking(supply, learned, blind=each)),
            measured,
        )
        for each in (False, True)
    )
    assert clicked > 0.75
    assert clicked > blind + 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_no_log_is_read_unless_settings_say_so(
    kind: type[EntityJudge | JoinedJudge],
    supply: Supply,
    bought: tuple[Annotations, Annotations],
) -> None:
    few, measured = bought[0].rows(slice(0, 100)), bought[1].rows(slice(0, 100))
    log = clicking(supply, bought[0])
    plain = told(taught(kind(), supply, few), measured)
    np.testing.assert_array_equal(told(taught(kind(), supply, few, log), measured), plain)
    first, again = (told(taught(kind(pretraining=1), supply, few, log), measured) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first != plain).any()


def test_a_log_without_a_click_changes_nothing(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    few, measured = bought[0].rows(slice(0, 100)), bought[1].rows(slice(0, 100))
    unread = told(taught(EntityJudge(pretraining=3), supply, few), measured)
    np.testing.assert_array_equal(unread, told(taught(EntityJudge(), supply, few), measured))


def test_only_a_judge_by_entities_can_be_pretrained() -> None:
    with pytest.raises(ValueError, match="pretraining == 1 with type 'logistic', must be 0"):
        JudgeSpec(pretraining=1)
