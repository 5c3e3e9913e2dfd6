import duckdb, numpy as np
from experiments.logviews import EngineSpec, engine, read_manifest, scan
from experiments.attribution.joint import _sql
from experiments.attribution import joint, moments
from tests.experiments.attribution.credit_cases import credited
def test_a(log):
    with engine(EngineSpec()) as c: list(c.sql('select 1').to_arrow_reader(10))
def test_b(log):
    with engine(EngineSpec()) as c: c.execute('select 1').fetchall()
def test_c():
    pass
