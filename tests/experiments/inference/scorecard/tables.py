"""Small tables for the statistics of a scorecard: levels of samples, and relations in DuckDB."""

import duckdb
import numpy as np
import pyarrow as pa

from experiments.inference.estimates import Level, blank, compared


def level_of(values):
    """The mean of a sample with its standard error."""
    values = np.asarray(values, np.float64)
    return Level(float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5), len(values))


def table(connection, name="shown", **columns):
    """A relation of these columns; SQL that reads it."""
    arrow = pa.table({key: pa.array(value) for key, value in columns.items()})
    connection.register("given", arrow)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM given")
    connection.unregister("given")
    return f"SELECT * FROM {name}"


def arms_table(connection, *samples):
    """A relation of rows (arm, value), arms numbered from 0."""
    arm_N = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
    return table(
        connection, arm=arm_N, value=np.concatenate([np.asarray(s, float) for s in samples])
    )


def contrast(levels, confidence=0.95):
    """The comparison of arms 0 and 1."""
    row = blank("m", ("control", "treatment"), (levels[0].n, levels[1].n))
    return compared(row, levels[0], levels[1], confidence)[0]


def open_connection():
    """A DuckDB of one thread, as the tests share two cores."""
    return duckdb.connect(config={"threads": 1})


def within(hits, rate, *, sigmas=4):
    """Whether a rate of hits is the nominal one, up to its Monte Carlo error."""
    hits = np.asarray(hits)
    return abs(hits.mean() - rate) < sigmas * (rate * (1 - rate) / len(hits)) ** 0.5
