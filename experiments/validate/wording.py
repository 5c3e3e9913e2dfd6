"""What shoppers write: queries that nobody asked before, and spellings of one need."""

from collections.abc import Iterator

import numpy as np

from experiments.records.interval import UNKNOWN
from experiments.records.validity import Check
from experiments.validate.evidence import PeriodLog
from experiments.validate.verdicts import Wanted, ranged, ratio_of, share_of

NEVER_ASKED = Wanted(0.2, 0.5, "common knowledge", weak=True)
SPELLINGS = Wanted(2.0, None, "aim of this project", weak=True)
ASKED = 10
"""Times that a wording of a need is asked, of which its spellings are counted."""


def worded(log: PeriodLog, confidence: float) -> Iterator[Check]:
    """How new queries are, and how many spellings there are."""
    yield _never_asked(log, confidence)
    yield _spellings(log, confidence)


def _never_asked(log: PeriodLog, confidence: float) -> Check:
    """First queries of sessions of the second half whose text nobody asked in the first half."""
    half = log.first_day + log.days // 2
    told = log.columns(
        "SELECT count(*)::DOUBLE AS n, count(*) FILTER (k.text IS NULL)::DOUBLE AS fresh "
        f"FROM ({_firsts(log)}) AS f LEFT JOIN (SELECT DISTINCT text FROM {log.own('requests')} "
        f"WHERE day < {half}) AS k USING (text) WHERE f.day >= {half} GROUP BY f.shopper"
    )
    known = log.row(f"SELECT count(*) AS n FROM {log.own('requests')} WHERE day < {half}")["n"]
    found = share_of(told["fresh"], told["n"], confidence) if known else UNKNOWN
    return ranged(
        *(log.period, "first_queries_never_asked", "share", found, NEVER_ASKED),
        n=int(told["n"].sum()),
        arm=log.arm_name,
        note=f"days {half - log.first_day + 1} to {log.days} against {known} requests before them",
    )


def _spellings(log: PeriodLog, confidence: float) -> Check:
    """Texts that ten askers of one wording of a need have, in expectation; over such wordings.

    Of n first queries in one wording, n_t of them in text t, so many are expected among ten that
    are drawn without replacement: the sum over t of 1 - C(n - n_t, 10) / C(n, 10) (Hurlbert,
    Ecology 52, 1971, 577-586).
    """
    texts = (
        f"SELECT intent, wording, text, count(*) AS n FROM ({_firsts(log)}) "
        f"JOIN {log.table('latent')} USING (request) GROUP BY ALL"
    )
    absent = (
        f"CASE WHEN total - n < {ASKED} THEN 0 ELSE exp(lgamma(total - n + 1) "
        f"- lgamma(total - n - {ASKED} + 1) - lgamma(total + 1) + lgamma(total - {ASKED} + 1)) END"
    )
    told = log.columns(
        f"SELECT sum(1 - {absent})::DOUBLE AS texts FROM ("
        f"SELECT *, sum(n) OVER (PARTITION BY intent, wording)::BIGINT AS total FROM ({texts})) "
        f"WHERE total >= {ASKED} GROUP BY intent, wording"
    )["texts"]
    found = ratio_of(told, np.ones(len(told)), confidence)
    return ranged(
        *(log.period, "spellings_in_ten_askings", "number", found, SPELLINGS),
        n=len(told),
        arm=log.arm_name,
        note=f"wordings of a need that were asked first at least {ASKED} times",
    )


def _firsts(log: PeriodLog) -> str:
    """SQL of the first request of each session."""
    return (
        "SELECT min(request) AS request, any_value(shopper) AS shopper, "
        f"arg_min(day, request) AS day, arg_min(text, request) AS text "
        f"FROM {log.own('requests')} GROUP BY session"
    )
