"""Human relevance grades, read from files."""

import logging

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Texts
from simulator.files.columns import ColumnReader
from simulator.files.items import chosen
from simulator.files.settings import JudgmentFileSpec, QueryFileSpec
from simulator.files.tables.datapath import data_path
from simulator.files.tables.findings import refuse
from simulator.files.tables.readers import read_table
from simulator.files.tables.table import cells_of
from simulator.shoppers.intents import Judgments

_LOGGER = logging.getLogger(__name__)

PLACE = "judgments"
_ONCE = "the grade that an earlier row gives this query and product"


def read_judgments(spec: JudgmentFileSpec, key_I: Texts) -> Judgments:
    """Human grades of query-item pairs, sorted by query and item.

    Pairs whose product the catalogue does not have are left out and counted in a warning.

    Args:
        key_I: the shop's own ids of the items.

    Raises:
        DataError: unreadable file, missing column, empty query, a grade that is not known, one pair
            with two grades, or too large a share of unknown products.
    """
    path = data_path(spec.path)
    wanted = {f"{PLACE}.{name}": getattr(spec, name) for name in ("query", "product", "grade")}
    wanted |= {f"{PLACE}.only.{name}": name for name in spec.only}
    table = chosen(read_table(path, spec.format, wanted, f"{PLACE}.format"), spec.only)
    reader = ColumnReader(table, spec.format, f"{PLACE}.format")
    query = reader.filled_texts(spec.query)
    if spec.queries is not None:
        query = _texts(reader, spec.query, query, spec.queries)
    product = reader.identifiers(spec.product, distinct=False)
    grade = reader.grades(spec.grade, spec.grades)
    _note_twice(reader, spec, query, product, grade)
    kept = reader.close(spec.bad_rows)
    row_of = {key: row for row, key in enumerate(key_I)}
    item = np.fromiter((row_of.get(key, -1) for key in product), np.int64, len(product))
    _refuse_unknown(reader, spec, np.where(kept, item, 0))
    number = {text: at for at, text in enumerate(dict.fromkeys(query[kept]))}
    rows = np.flatnonzero(kept & (item >= 0))
    asked = np.fromiter((number[text] for text in query[rows]), np.int64, len(rows))
    _, first = np.unique(asked * max(len(key_I), 1) + item[rows], return_index=True)
    return Judgments(
        queries=tuple(number),
        query_J=asked[first].astype(np.int32),
        item_J=item[rows][first].astype(np.int32),
        grade_J=grade[rows][first].astype(np.int8),
    )


def _texts(reader: ColumnReader, column: str, ids: Texts, spec: QueryFileSpec) -> Texts:
    """The texts of queries whose ids the judgments have."""
    place = f"{PLACE}.queries"
    wanted = {f"{place}.id": spec.id, f"{place}.text": spec.text}
    table = read_table(data_path(spec.path), spec.format, wanted, f"{place}.format")
    apart = ColumnReader(table, spec.format, f"{place}.format")
    keys, texts = apart.identifiers(spec.id), apart.filled_texts(spec.text)
    refuse(apart.findings)
    known = dict(zip(keys, texts, strict=True))
    unknown = f"the id of a query in {table.file}"
    strange = [row for row, key in enumerate(ids) if key and key not in known]
    reader.note(column, dict.fromkeys(strange, unknown))
    return cells_of(known.get(key, "") for key in ids)


def _note_twice(
    reader: ColumnReader,
    spec: JudgmentFileSpec,
    query: Texts,
    product: Texts,
    grade: NDArray[np.float64],
) -> None:
    """Refuse a second grade of one pair; the same grade again is no contradiction."""
    first: dict[tuple[str, str], float] = {}
    again = {}
    for row, pair in enumerate(zip(query, product, strict=True)):
        if not reader.bad_I[row] and first.setdefault(pair, grade[row]) != grade[row]:
            again[row] = _ONCE
    reader.note(spec.grade, again)


def _refuse_unknown(
    reader: ColumnReader, spec: JudgmentFileSpec, item_J: NDArray[np.int64]
) -> None:
    unknown = item_J < 0
    share = float(unknown.mean())
    if share > spec.max_unknown:
        wanted = f"the id of a product in the catalogue ({share:.0%} are unknown, at most "
        wanted += f"{spec.max_unknown:.0%} may be)"
        reader.findings.clear()
        reader.note(spec.product, dict.fromkeys(np.flatnonzero(unknown).tolist(), wanted))
        refuse(reader.findings)
    if share:
        _LOGGER.warning(
            "%s: %d judgments of unknown products left out", reader.table.file, unknown.sum()
        )
