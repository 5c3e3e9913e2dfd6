import numpy as np
import pytest

from experiments.attribution.credit.segments import Items
from simulator.errors import DataError
from tests.experiments.attribution.credit.credit_cases import catalog, credited, hand_log
from tests.experiments.inference.logs import DAY, write_log


def parts(log, cut, event="exposure", **options):
    """The total of each part of a cut, in order."""
    rows = credited(log, ("any_touch",), **options)
    return {key[4]: row.total for key, row in rows.items() if key[1] == event and key[3] == cut}


def items(count, names=(), **options):
    codes = options.pop("codes", np.zeros(count, int))
    return Items(np.asarray(codes), tuple(names) or ("x > y",), np.zeros(count), **options)


def test_head_queries_make_up_the_first_third_of_requests(tmp_path):
    texts = [7] * 40 + [3] * 20 + [5] * 20 + [1] * 20  # ties by text number: 1, 3, 5
    requests = [{"request": n, "text": text} for n, text in enumerate(texts)]
    exposures = [{"request": n} for n in range(len(texts))]
    log = hand_log(tmp_path / "log", requests, exposures)
    # 7 stands first; before text 1 are 0.4 of all requests, before 3 0.6 and before 5 0.8
    assert parts(log, "query") == {"head": 40, "torso": 40, "tail": 20}
    assert parts(log, "query", head=0.5, torso=0.2) == {"head": 60, "torso": 20, "tail": 20}
    assert parts(log, "query", head=0.1, torso=0.1) == {"head": 40, "tail": 60}


def test_the_only_query_is_a_head_query(tmp_path):
    log = hand_log(tmp_path / "log", [{"request": 1}], [{"request": 1}])
    assert parts(log, "query", head=0.01, torso=0.01) == {"head": 1}


def test_purchases_from_pages_that_the_log_lacks_are_of_an_unknown_query(tmp_path):
    log = hand_log(
        tmp_path / "log",
        [{"request": 1}],
        [{"request": 1}],
        [{"request": 1}, {"request": 2, "at": 20 * DAY}],
    )
    assert parts(log, "query", "purchase") == {"head": 1, "unknown": 1}
    assert parts(log, "item", "purchase") == {"new": 1, "known": 1}


def test_categories_beyond_the_twenty_most_shown_go_together(tmp_path):
    exposures = [{"request": 1, "item": item} for item in range(25) for _ in range(25 - item)]
    log = hand_log(tmp_path / "log", [{"request": 1}], exposures)
    names = [f"department > leaf {c:02}" for c in range(24)]
    own = items(25, names, codes=[-1, *range(24)])
    found = parts(log, "category", items=own)
    assert list(found) == ["none", *(f"leaf {c:02}" for c in range(19)), "others"]
    assert found["none"] == 25
    assert found["others"] == 5 + 4 + 3 + 2 + 1


def test_leaves_of_the_same_name_are_one_category(tmp_path):
    exposures = [{"request": 1, "item": item} for item in range(3)]
    log = hand_log(tmp_path / "log", [{"request": 1}], exposures)
    own = items(3, ("Home > Lamps", "Garden > Lamps", "Lone"), codes=[0, 1, 2])
    assert parts(log, "category", items=own) == {"Lamps": 2, "Lone": 1}


def test_an_item_is_new_by_its_age_at_the_time_of_the_page(tmp_path):
    requests = [{"request": day, "at": day * DAY, "day": day} for day in (1, 3, 4)]
    exposures = [{"request": day, "day": day} for day in (1, 3, 4)]
    bought = [{"request": 3, "at": 9 * DAY, "day": 9}]
    log = hand_log(tmp_path / "log", requests, exposures, bought)
    assert parts(log, "item", items=items(1), new_days=3) == {"known": 1, "new": 2}
    assert parts(log, "item", "purchase", items=items(1), new_days=3) == {"new": 1}
    assert parts(log, "day", "purchase", items=items(1)) == {"9": 1}


def test_a_shopper_is_new_for_some_days_and_never_with_a_history(tmp_path):
    requests = [
        {"request": 10 * shopper + day, "shopper": shopper, "at": day * DAY, "day": day}
        for shopper in (1, 2)
        for day in (shopper, 5)
    ]
    exposures = [
        {"request": r["request"], "shopper": r["shopper"], "day": r["day"]} for r in requests
    ]
    log = hand_log(tmp_path / "log", requests, exposures)
    history = hand_log(tmp_path / "history", [{"request": 99, "shopper": 2}], [])
    # shopper 1 comes on days 1 and 5, shopper 2 on days 2 and 5
    assert parts(log, "shopper", items=items(1), new_days=3) == {"known": 1, "new": 3}
    known = items(1, history=history)
    assert parts(log, "shopper", items=known, new_days=3) == {"known": 3, "new": 1}


def test_every_day_of_the_log_is_a_part(log):
    assert list(parts(log, "day")) == ["0", "1", "2"]


def test_items_beyond_the_catalogue_are_refused(tmp_path):
    log = write_log(tmp_path / "log", shoppers=30)
    with pytest.raises(DataError, match=r"exposures.item == \d+ to \d+, must be in 0..99"):
        credited(log, items=catalog(100))


def test_a_history_that_is_no_log_is_refused(log, tmp_path):
    with pytest.raises(DataError, match="no manifest"):
        credited(log, items=catalog(history=tmp_path))
