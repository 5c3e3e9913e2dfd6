"""Times of a file that cannot be used, each refused in words; as `test_files_refused`."""

import pytest

from tests.simulator.files.shops import assert_refused, refusals, written

# What a file holds: its name, its text, settings, and what must be said against it.
REFUSED = {
    "an arrival beyond what a number can say": (
        "shop.csv",
        "id,title,price,since\n1,lamp,10,1e300\n2,desk,20,-1e300\n",
        {"columns": {"created_at": "since"}},
        ["since == '1e300', must be at most", "since == '-1e300', must be at most 200 years"],
    ),
    "years": (
        "shop.csv",
        "id,title,price,since\n1,lamp,10,2020\n",
        {"columns": {"created_at": "since"}},
        ["since == '2020', must be a date, or a number that is no year (is it a year,"],
    ),
    "a placeholder for never": (
        "shop.csv",
        "id,title,price,since\n1,lamp,10,2020-01-01\n2,desk,20,9999-12-31\n",
        {"columns": {"created_at": "since"}},
        ["since == '9999-12-31', must be an ISO 8601 date from 1900 to 2100"],
    ),
    "American dates": (
        "shop.csv",
        "id,title,price,since\n1,lamp,10,01/02/2020\n",
        {"columns": {"created_at": "since"}},
        ["line 2, id '1': since == '01/02/2020', must be an ISO 8601 date"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_time_is_refused_in_words(tmp_path, case):
    assert_refused(tmp_path, *REFUSED[case])


def test_arrivals_beyond_the_simulated_time_are_refused(tmp_path):
    path = written(tmp_path, "id,title,price,since\n1,lamp,10,-5\n2,desk,20,200000\n")
    columns = {"created_at": "since"}
    assert refusals(path, 300_000.0, columns=columns) == []
    (found,) = refusals(path, 86_400.0, columns=columns)
    assert "line 3, id '2': since == '200000', must be at most 86400, the end of" in found
