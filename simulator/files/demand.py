"""The queries that a shop's shoppers asked, read from a file."""

import numpy as np

from simulator.files.columns import ColumnReader
from simulator.files.items import chosen
from simulator.files.settings import DemandFileSpec
from simulator.files.tables.datapath import data_path
from simulator.files.tables.readers import read_table
from simulator.shoppers.intents import Asked

PLACE = "demand"


def read_demand(spec: DemandFileSpec) -> Asked:
    """Query texts with their counts; rows of one text add up, whatever the case of its letters.

    Raises:
        DataError: unreadable file, missing column, empty text, a count that is no positive number.
    """
    wanted = {f"{PLACE}.query": spec.query}
    if spec.count is not None:
        wanted[f"{PLACE}.count"] = spec.count
    wanted |= {f"{PLACE}.only.{name}": name for name in spec.only}
    path = data_path(spec.path)
    table = chosen(read_table(path, spec.format, wanted, f"{PLACE}.format"), spec.only)
    reader = ColumnReader(table, spec.format, f"{PLACE}.format")
    text = reader.filled_texts(spec.query)
    count = reader.counts(spec.count)
    kept = reader.close(spec.bad_rows)
    written = [" ".join(each.casefold().split()) for each in text[kept]]
    number = {each: at for at, each in enumerate(dict.fromkeys(written))}
    at_R = np.fromiter((number[each] for each in written), np.int64, len(written))
    return Asked(tuple(number), np.bincount(at_R, count[kept], len(number)).astype(np.float64))
