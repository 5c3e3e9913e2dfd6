import re

import numpy as np
import pandas as pd
import pytest

from experiments.inference.logs import rows
from experiments.inference.offpolicy.openbandit.banditlog import open_bandit_log
from experiments.inference.offpolicy.openbandit.settings import BanditColumns, BanditLogSpec
from simulator.errors import DataError
from tests.experiments.inference.offpolicy.openbandit.bandits import (
    COLUMNS,
    opened,
    random_table,
    spec_of,
    written,
)

NAMES = {"policy": "policy", "context": ("user",)}


def held(log):
    """The table of a log, with names for numbers."""
    found = pd.DataFrame(rows(log.connection, "SELECT * FROM rounds ORDER BY unit, position"))
    found["item"] = [log.actions[number] for number in found["action"]]
    found["place"] = [log.positions[number] for number in found["position"]]
    found["policy"] = [log.policies[number] for number in found["policy"]]
    found["user"] = [log.contexts[number][0] for number in found["context"]]
    return found


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_every_row_is_read_as_it_is_written(tmp_path, kind):
    table = random_table(200)
    with opened(tmp_path, table, kind, **NAMES) as log:
        found = held(log)
        assert (log.policies, log.positions) == (("new", "old"), (1, 2))
        assert (log.actions, log.contexts) == (("0", "1", "2"), (("0",), ("1",)))
        assert log.warnings == ()
    assert found["unit"].tolist() == list(range(200))
    for name in ("place", "policy", "user"):
        assert found[name].tolist() == table[name].tolist()
    assert found["item"].tolist() == table["item"].astype(str).tolist()
    assert found["reward"].tolist() == table["click"].astype(float).tolist()
    np.testing.assert_allclose(found["propensity"], table["chance"], rtol=1e-14)


def test_names_of_numbers_are_in_the_order_of_numbers(tmp_path):
    table = random_table(60, actions=12)
    with opened(tmp_path, table) as log:
        assert log.actions == tuple(map(str, range(12)))


def test_a_log_may_tell_no_policy_no_position_and_no_context(tmp_path):
    with opened(tmp_path, random_table(20), position=None) as log:
        assert (log.policies, log.positions, log.contexts) == (("logged",), (0,), ((),))


def test_empty_cells_of_a_context_are_a_value_of_their_own(tmp_path):
    table = random_table(60)
    table.loc[:9, "user"] = None
    with opened(tmp_path, table, context=("user", "place")) as log:
        assert len(rows(log.connection, "SELECT * FROM rounds")) == 60
        assert sum(user is None for user, _ in log.contexts) == 2


def test_rows_of_another_value_are_left_out(tmp_path):
    table = random_table(60)
    with opened(tmp_path, table, only={"user": "1", "policy": "old"}) as log:
        kept = ((table["user"] == "1") & (table["policy"] == "old")).sum()
        assert len(rows(log.connection, "SELECT * FROM rounds")) == kept


def test_rows_of_a_round_share_a_unit(tmp_path):
    table = random_table(60, rounds=3).sample(frac=1, random_state=2).reset_index(drop=True)
    with opened(tmp_path, table, round="page", policy="policy") as log:
        units = rows(log.connection, "SELECT unit, count(*) AS n FROM rounds GROUP BY unit")
        first = rows(
            log.connection,
            "SELECT reward, propensity FROM rounds WHERE unit = 0 ORDER BY propensity",
        )
    assert [each["n"] for each in units] == [3] * 20
    page = table["page"].iloc[0]  # units are numbered by their first rows
    assert [each["propensity"] for each in first] == sorted(table["chance"][table["page"] == page])


def test_rewards_may_be_any_finite_number(tmp_path):
    table = random_table(40)
    table["click"] = np.linspace(-3.5, 99.25, 40)
    with opened(tmp_path, table) as log:
        found = rows(log.connection, "SELECT reward FROM rounds ORDER BY unit")
    assert [each["reward"] for each in found] == pytest.approx(table["click"].tolist())


def test_rewards_may_be_true_and_false(tmp_path):
    table = random_table(40)
    table["click"] = table["click"] == 1
    with opened(tmp_path, table, "csv") as log:
        found = rows(log.connection, "SELECT reward FROM rounds ORDER BY unit")
    assert [each["reward"] for each in found] == table["click"].astype(float).tolist()


def refusal(tmp_path, table, kind="csv", **columns):
    with pytest.raises(DataError) as found, opened(tmp_path, table, kind, **columns):
        pass
    return str(found.value).removeprefix(f"{tmp_path}/log.{kind}: ")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("chance", 0.0, "chance of 2 rows == 0.0, must be > 0 and <= 1"),
        ("chance", -0.2, "chance of 2 rows == -0.2, must be > 0 and <= 1"),
        ("chance", 1.5, "chance of 2 rows == 1.5, must be > 0 and <= 1"),
        ("chance", np.nan, "chance of 2 rows == none, must be > 0 and <= 1"),
        ("click", np.inf, "click of 2 rows == inf, must be a finite number"),
        ("click", np.nan, "click of 2 rows == none, must be a finite number"),
        ("place", np.nan, "place of 2 rows == none, must be a whole number"),
        ("place", 1.5, "place of 2 rows == 1.5, must be a whole number"),
        ("item", None, "item of 2 rows == none, must be there"),
        ("policy", None, "policy of 2 rows == none, must be there"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_by_name(tmp_path, kind, column, value, said):
    table = random_table(30)
    if column in ("click", "place"):
        table[column] = table[column].astype(float)
    table.loc[[7, 11], column] = value
    told = refusal(tmp_path, table, kind, policy="policy")
    assert told.replace("nan", "none") == said


def test_a_cell_that_is_no_number_is_refused_by_its_text(tmp_path):
    table = random_table(30).astype({"chance": object})
    table.loc[25_000 % 30, "chance"] = "often"
    assert refusal(tmp_path, table) == "chance of 1 rows == often, must be > 0 and <= 1"


def test_a_position_twice_in_a_round_is_refused(tmp_path):
    table = random_table(30, rounds=3)
    table.loc[4, "place"] = 1
    said = refusal(tmp_path, table, round="page", policy="policy")
    assert said == "rows of page '1', position 1 == 2, must be 1"


def test_whole_copies_are_warned_of_where_no_round_tells_them_apart(tmp_path):
    table = random_table(30)
    twice = pd.concat([table, table.iloc[:4]])
    with opened(tmp_path, twice) as log:
        (told,) = log.warnings
    assert "4 of 34 rows are whole copies of others" in told
    assert "columns.round tells rounds apart" in told
    thin = twice[["item", "place", "click", "chance"]].reset_index(drop=True)
    with opened(tmp_path, thin) as log:
        assert log.warnings == ()  # no further column could tell two rounds apart


def test_missing_columns_are_named_with_what_there_is(tmp_path):
    said = refusal(tmp_path, random_table(10), propensity="pscore")
    assert said.endswith("must have 'pscore' (columns.propensity)")
    assert "'item', 'place', 'click'" in said
    said = refusal(tmp_path, random_table(10), context=("age",))
    assert said.endswith("must have 'age' (columns.context)")
    path = written(tmp_path, random_table(10))
    with (
        pytest.raises(DataError, match=r"must have 'shop' \(only\)"),
        open_bandit_log(spec_of(path, {"shop": "a"})),
    ):
        pass


def test_a_log_without_rows_is_refused(tmp_path):
    path = written(tmp_path, random_table(10))
    said = re.escape(f"{path}: rows == 0, of those with user == '9', must be > 0")
    with pytest.raises(DataError, match=said), open_bandit_log(spec_of(path, {"user": "9"})):
        pass


def test_files_that_are_none_are_refused(tmp_path):
    for name, content, said in (
        ("log.parquet", None, "== no file, must be a log in Open Bandit form"),
        ("log.xlsx", b"x", "== of unknown kind, must end with .parquet"),
        ("cut.parquet", b"PAR1 and no more", "== unreadable"),
    ):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError, match=said), open_bandit_log(spec_of(path)):
            pass


def test_a_truncated_parquet_file_is_refused(tmp_path):
    path = written(tmp_path, random_table(500))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="unreadable"), open_bandit_log(spec_of(path)):
        pass


def test_names_with_quotes_are_names(tmp_path):
    table = random_table(20).rename(columns={"item": 'the "item"', "user": "it's"})
    with opened(tmp_path, table, action='the "item"', only={"it's": "1"}) as log:
        assert log.actions


def test_the_data_folder_may_be_named_by_its_variable(data, monkeypatch):
    monkeypatch.setenv("FUNNELAB_DATA", str(data))
    columns = BanditColumns(action="item_id", reward="click", propensity="propensity_score")
    spec = BanditLogSpec(
        path="$FUNNELAB_DATA/open_bandit_small/obd_men_women.parquet", columns=columns
    )
    with open_bandit_log(spec) as log:
        assert len(log.actions) == 46


def test_a_setting_that_is_unknown_is_refused():
    with pytest.raises(ValueError, match="pscore"):
        BanditColumns(**COLUMNS, pscore="chance")
