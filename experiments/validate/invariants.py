"""The first rung: what may never be in a log, counted in SQL.

Each rule is a query of the rows that break it. Rows are counted in the log engine, and the first
one is named.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from experiments.records.interval import Interval
from experiments.records.validity import Check, Verdict
from experiments.validate.evidence import TABLES, Evidence, PeriodLog
from simulator.living.sessions import IDLE_SECONDS
from simulator.log.codes import EndReason
from simulator.protocols import DAY

Broken = Callable[[PeriodLog], str]
"""SQL of the rows that break a rule, their number or name as `place`."""


@dataclass(frozen=True)
class Rule:
    """What may never be.

    Attributes:
        fact: its name.
        table: whose rows it is about.
        place: what the first wrong row is called by.
        broken: SQL of the wrong rows.
    """

    fact: str
    table: str
    place: str
    broken: Broken


def invariants(evidence: Evidence) -> Iterator[Check]:
    """What may never be, in each log."""
    for log in evidence.logs:
        for rule in RULES:
            if log.layout is None or rule.broken is not _assigned:
                yield _counted(log, rule)


def violations(log: PeriodLog, fact: str, count: int, n: int, note: str = "") -> Check:
    """A check of what may never be."""
    return Check(
        rung="invariants",
        period=log.period,
        fact=fact,
        unit="violations",
        found=Interval(float(count), None, None),
        high=0.0,
        verdict=Verdict.FAIL if count else Verdict.PASS,
        n=n,
        note=note,
    )


def _counted(log: PeriodLog, rule: Rule) -> Check:
    found = log.row(f"SELECT count(*) AS n, min(place) AS first FROM ({rule.broken(log)})")
    looked = log.row(f"SELECT count(*) AS n FROM {log.table(rule.table)}")["n"]
    note = f"the first: {rule.place} {found['first']}" if found["n"] else ""
    return violations(log, rule.fact, found["n"], looked, note)


def _unclicked(log: PeriodLog) -> str:
    return (
        f"SELECT o.request AS place FROM {log.table('orders')} AS o ANTI JOIN "
        f"(SELECT request, item FROM {log.table('exposures')} WHERE clicked) AS e "
        "ON o.request = e.request AND o.item = e.item"
    )


def _too_early(log: PeriodLog) -> str:
    return (
        f"SELECT o.request AS place FROM {log.table('orders')} AS o "
        f"JOIN {log.table('requests')} AS r USING (request) "
        f"WHERE o.at < r.at OR o.session <> r.session OR o.shopper <> r.shopper{_strange('o', log)}"
    )


def _strange(rows: str, log: PeriodLog) -> str:
    """SQL that adds rows of another arm than their page's, where a page is of one arm."""
    return "" if log.mixed else f" OR {rows}.arm <> r.arm"


def _other_slot(log: PeriodLog) -> str:
    return (
        f"SELECT o.request AS place FROM {log.table('orders')} AS o "
        f"JOIN {log.table('exposures')} AS e USING (request, item) WHERE "
        "o.position <> e.position OR o.sources <> e.sources OR o.best_ranked <> e.best_ranked"
    )


def _unexamined(log: PeriodLog) -> str:
    """Slots of a page count from its first one, as the bits of `examined` do."""
    first = f"SELECT request, min(position) AS first FROM {log.table('exposures')} GROUP BY request"
    return (
        f"SELECT e.request AS place FROM {log.table('exposures')} AS e "
        f"JOIN ({first}) AS f USING (request) LEFT JOIN {log.table('latent')} AS l USING (request) "
        "WHERE e.clicked AND (l.request IS NULL OR e.position - f.first > 62 "
        "OR (l.examined >> (e.position - f.first)::BIGINT) & 1 = 0)"
    )


def _seen_by_nobody(log: PeriodLog) -> str:
    return (
        f"SELECT DISTINCT e.request AS place FROM {log.table('exposures')} AS e "
        f"LEFT JOIN {log.table('latent')} AS l USING (request) "
        f"LEFT JOIN {log.table('requests')} AS r USING (request) "
        'WHERE r.request IS NULL OR l."left" OR e.shopper <> r.shopper OR e.day <> r.day'
        + _strange("e", log)
    )


def _carts(log: PeriodLog) -> str:
    return (
        f"SELECT request AS place FROM {log.table('exposures')} "
        "WHERE carted AND NOT clicked OR NOT propensity BETWEEN 1e-30 AND 1"
    )


def _gaps(log: PeriodLog) -> str:
    """Positions of each page: each once, none left out, and from 0 on the first page."""
    return (
        f"SELECT p.request AS place FROM ({_pages(log)}) AS p "
        f"JOIN {log.table('requests')} AS r USING (request) "
        "WHERE p.last - p.first + 1 <> p.n OR p.places <> p.n OR r.shown <> p.n "
        "OR (r.page = 0 AND p.first <> 0)"
    )


def _not_continued(log: PeriodLog) -> str:
    """Later pages go on where the one before stopped; ids of a session's requests are in a row."""
    return (
        f"SELECT p.request AS place FROM ({_pages(log)}) AS p "
        f"JOIN {log.table('requests')} AS r USING (request) "
        f"LEFT JOIN ({_pages(log)}) AS b ON b.request = p.request - 1 "
        "WHERE r.page > 0 AND p.first IS DISTINCT FROM b.last + 1"
    )


def _pages(log: PeriodLog) -> str:
    return (
        "SELECT request, min(position) AS first, max(position) AS last, count(*) AS n, "
        "count(DISTINCT position) AS places, count(DISTINCT item) AS items "
        f"FROM {log.table('exposures')} GROUP BY request"
    )


def _twice(log: PeriodLog) -> str:
    return f"SELECT request AS place FROM ({_pages(log)}) WHERE items <> n"


def _unended(log: PeriodLog) -> str:
    known = ", ".join(f"'{reason.name.lower()}'" for reason in EndReason)
    return (
        f"SELECT session AS place FROM {log.table('sessions')} "
        f"WHERE end_reason IS NULL OR end_reason NOT IN ({known})"
    )


def _other_requests(log: PeriodLog) -> str:
    """Every session once, with as many requests as there are of it."""
    asked = (
        "SELECT session, min(shopper) AS shopper, count(*) AS n, max(shopper) AS other "
        f"FROM {log.table('requests')} GROUP BY session"
    )
    told = (
        "SELECT session, min(shopper) AS shopper, sum(requests) AS n, count(*) AS times "
        f"FROM {log.table('sessions')} GROUP BY session"
    )
    return (
        f"SELECT coalesce(t.session, a.session) AS place FROM ({told}) AS t "
        f"FULL JOIN ({asked}) AS a ON t.session = a.session WHERE t.session IS NULL "
        "OR t.times <> 1 OR coalesce(a.n, 0) <> t.n OR a.shopper <> t.shopper "
        "OR a.other <> a.shopper"
    )


def _unbought(log: PeriodLog) -> str:
    return (
        f"SELECT s.session AS place FROM {log.table('sessions')} AS s "
        f"ANTI JOIN {log.table('orders')} AS o ON s.session = o.session "
        "WHERE s.end_reason = 'bought'"
    )


def _outside(table: str) -> Broken:
    """Rows with a time outside of the period, or on another day than they say."""

    def broken(log: PeriodLog) -> str:
        return (
            f'SELECT request AS place FROM {log.table(table)} WHERE "at" IS NULL '
            f'OR "at" < {log.start!r} OR "at" > {log.end!r} OR day <> floor("at" / {DAY!r})'
        )

    return broken


def _session_outside(log: PeriodLog) -> str:
    """The last page may still be read when the period is over, for as long as nobody is idle."""
    last = log.end + IDLE_SECONDS
    return (
        f"SELECT session AS place FROM {log.table('sessions')} WHERE start IS NULL "
        f'OR "end" IS NULL OR start < {log.start!r} OR start > {log.end!r} '
        f'OR "end" < start OR "end" > {last!r}'
    )


def _unknown_sources(table: str) -> Broken:
    """Rows found by no channel, by one that there is not, or best by one that did not find them."""

    def broken(log: PeriodLog) -> str:
        above = 1 << len(log.manifest.channels)
        return (
            f"SELECT request AS place FROM {log.table(table)} WHERE sources IS NULL "
            f"OR sources <= 0 OR sources >= {above} OR best_ranked <= 0 "
            "OR (best_ranked & ~sources) <> 0"
        )

    return broken


def _worthless(log: PeriodLog) -> str:
    return (
        f"SELECT request AS place FROM {log.table('orders')} "
        "WHERE price IS NULL OR NOT isfinite(price) OR price <= 0 OR quantity < 1"
    )


def _assigned(log: PeriodLog) -> str:
    """Shoppers in several arms or in none that there is, and those who were served by another."""
    arms = len(log.manifest.arms)
    return (
        f"SELECT unit AS place FROM {log.table('assignments')} GROUP BY unit "
        f"HAVING count(*) <> 1 OR min(arm) < 0 OR max(arm) >= {arms} UNION "
        f"SELECT r.shopper AS place FROM {log.table('requests')} AS r "
        f"ANTI JOIN {log.table('assignments')} AS a ON r.shopper = a.unit AND r.arm = a.arm"
    )


def _wordless(log: PeriodLog) -> str:
    return (
        f"SELECT r.request AS place FROM {log.table('requests')} AS r "
        f"ANTI JOIN {log.table('texts')} AS t ON r.text = t.text"
    )


def _lost_rows(log: PeriodLog) -> str:
    parts = (
        f"SELECT '{table}' AS place FROM (SELECT count(*) AS n FROM {log.table(table)}) "
        f"WHERE n <> {log.counted.get(table, 0)}"
        for table in TABLES
    )
    return " UNION ALL ".join(parts)


RULES = (
    Rule("purchase_without_click", "orders", "request", _unclicked),
    Rule("purchase_before_its_search", "orders", "request", _too_early),
    Rule("purchase_unlike_its_slot", "orders", "request", _other_slot),
    Rule("click_without_examination", "exposures", "request", _unexamined),
    Rule("exposure_nobody_saw", "exposures", "request", _seen_by_nobody),
    Rule("cart_without_click", "exposures", "request", _carts),
    Rule("position_gap", "exposures", "request", _gaps),
    Rule("page_not_continued", "exposures", "request", _not_continued),
    Rule("item_twice_on_a_page", "exposures", "request", _twice),
    Rule("session_without_reason", "sessions", "session", _unended),
    Rule("session_unlike_its_requests", "sessions", "session", _other_requests),
    Rule("bought_without_order", "sessions", "session", _unbought),
    Rule("request_outside_of_period", "requests", "request", _outside("requests")),
    Rule("session_outside_of_period", "sessions", "session", _session_outside),
    Rule("purchase_outside_of_period", "orders", "request", _outside("orders")),
    Rule("exposure_of_unknown_channel", "exposures", "request", _unknown_sources("exposures")),
    Rule("purchase_of_unknown_channel", "orders", "request", _unknown_sources("orders")),
    Rule("purchase_without_worth", "orders", "request", _worthless),
    Rule("shopper_of_several_arms", "assignments", "shopper", _assigned),
    Rule("search_without_words", "requests", "request", _wordless),
    Rule("rows_lost", "requests", "table", _lost_rows),
)
"""What may never be."""
