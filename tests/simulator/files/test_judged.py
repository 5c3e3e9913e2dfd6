"""Human grades of research sets: by name or number, with the texts of queries apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.errors import DataError
from simulator.files.judgments import read_judgments
from simulator.files.mapping.judged import propose_judgments
from simulator.files.settings import JudgmentFileSpec
from simulator.shoppers.intents import Judgments
from tests.simulator.files.shops import written

KEYS = np.array(["B1", "B2", "B3", "B4"], object)
LABELS = (
    "id\tquery_id\tproduct_id\tlabel\n0\t0\tB1\tExact\n1\t0\tB2\tPartial\n2\t1\tB3\tIrrelevant\n"
)
QUERIES = "query_id\tquery\tquery_class\n0\tsalon chair\tMassage Chairs\n1\tbed\tBeds\n"


def _read(path: Path, **settings: Any) -> Judgments:
    spec = JudgmentFileSpec.model_validate({"path": str(path), **settings})
    return read_judgments(spec, KEYS)


def _rows(judgments: Judgments) -> list[tuple[str, str, int]]:
    triples = zip(judgments.query_J, judgments.item_J, judgments.grade_J, strict=True)
    return [(judgments.queries[q], KEYS[i], int(g)) for q, i, g in triples]


def test_grades_of_esci_are_known_by_their_letters(tmp_path):
    rows = "query,product_id,product_locale,esci_label\nlamp,B1,us,E\nlamp,B2,us,S\nlamp,B3,us,C\nlamp,B4,us,I\nlampe,B4,es,E\n"
    path = written(tmp_path, rows, "examples.csv")
    proposal = propose_judgments(path, None, {"product_locale": "us"})
    assert proposal.settings["only"] == {"product_locale": "us"}
    assert "grades by name: E 3, S 2, C 1, I 0" in proposal.told
    found = _rows(_read(path, **proposal.settings))
    assert found == [("lamp", "B1", 3), ("lamp", "B2", 2), ("lamp", "B3", 1), ("lamp", "B4", 0)]


def test_grades_of_wands_join_the_texts_of_queries_beside_them(tmp_path):
    written(tmp_path, QUERIES, "query.csv")
    path = written(tmp_path, LABELS, "label.csv")
    proposal = propose_judgments(path, None, {})
    assert "the texts of queries are in query.csv, which lies beside it" in proposal.told
    found = _rows(_read(path, **proposal.settings))
    assert found == [("salon chair", "B1", 3), ("salon chair", "B2", 2), ("bed", "B3", 0)]


def test_a_scale_of_numbers_is_brought_to_ours_and_told(tmp_path):
    path = written(tmp_path, "query,doc_id,rating\nlamp,B1,1\nlamp,B2,5\nlamp,B3,3\n", "grades.csv")
    proposal = propose_judgments(path, None, {})
    assert proposal.settings["grades"] == {"1": 0, "5": 3, "3": 2}
    assert any("1 is 0, 3 is 2, 5 is 3" in sentence for sentence in proposal.told)
    assert [grade for _, _, grade in _rows(_read(path, **proposal.settings))] == [0, 3, 2]


def test_a_table_of_grades_is_the_users(tmp_path):
    path = written(tmp_path, "query,product_id,grade\nlamp,B1,good\nlamp,B2,Bad\n", "grades.csv")
    assert _rows(_read(path, grades={"Good": 3, "bad": 0})) == [
        ("lamp", "B1", 3),
        ("lamp", "B2", 0),
    ]
    with pytest.raises(DataError, match="line 2, id 'B1': grade == 'good', must be Perfect"):
        _read(path, grades={"Perfect": 3})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query,product_id,grade\nlamp,B1,good\n", "a name such as Exact; or say which grade each"),
        ("query,product_id,note\nlamp,B1,1\n", "no column that is known as grade"),
        ("query_id,product_id,grade\n1,B1,1\n", "query texts apart: --queries FILE"),
    ],
)
def test_grades_that_cannot_be_told_are_refused(tmp_path, text, message):
    with pytest.raises(DataError) as error:
        propose_judgments(written(tmp_path, text, "grades.csv"), None, {})
    assert message in str(error.value)


def test_an_id_of_a_query_without_a_text_is_refused(tmp_path):
    written(tmp_path, "query_id\tquery\n0\tsalon chair\n", "query.csv")
    path = written(tmp_path, LABELS, "label.csv")
    proposal = propose_judgments(path, None, {})
    with pytest.raises(
        DataError, match=r"line 4.*query_id == '1', must be the id of a query in query"
    ):
        _read(path, **proposal.settings)


def test_bad_grades_are_skipped_where_it_is_asked_for(tmp_path):
    rows = "query,product_id,grade\nlamp,B1,3\nlamp,B2,9\n,B3,1\nlamp,B4,1,1\n"
    path = written(tmp_path, rows, "grades.csv")
    assert _rows(_read(path, bad_rows="skip")) == [("lamp", "B1", 3)]
    with pytest.raises(DataError) as error:
        _read(path)
    assert len(str(error.value).splitlines()) == 3


def test_whole_grades_are_the_same_however_they_are_written(tmp_path):
    rows = "query,product_id,grade\nlamp,B1,2.0\nlamp,B2,1.0\nlamp,B3,0.0\n"
    path = written(tmp_path, rows, "grades.csv")
    proposal = propose_judgments(path, None, {})
    assert "grades" not in proposal.settings
    assert [grade for *_, grade in _rows(_read(path, **proposal.settings))] == [2, 1, 0]


def test_a_grade_that_is_not_finite_is_refused(tmp_path):
    rows = "query,product_id,grade\nlamp,B1,inf\nlamp,B2,1\nlamp,B3,5\n"
    with pytest.raises(DataError, match="must be 0, 1, 2 or 3"):
        propose_judgments(written(tmp_path, rows, "grades.csv"), None, {})
