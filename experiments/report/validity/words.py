"""What is said of checks: names, values with their intervals, ranges, and what follows."""

from collections.abc import Sequence

from experiments.records.interval import Number
from experiments.records.reading import rows_of
from experiments.records.validity import Check, Rung, Validity, Verdict
from experiments.report.kit.digits import (
    ABSENT,
    THIN,
    amount,
    between,
    decimals_for,
    fixed,
    number,
    p_value,
    share_words,
)
from experiments.report.kit.sentences import counted, listed, plain_name

RUNGS: dict[Rung, str] = {
    "invariants": "Invariants: what may never be",
    "ranges": "Ranges: where a shop's figures lie",
    "controls": "Controls: what no arm can move",
    "favouritism": "Favouritism: what no channel can know",
    "policy_shift": "Policy shift: whether clicks tell of another policy's",
    "own_log": "Your own log: how far it is",
    "past_tests": "Past experiments: whether simulated lifts came true",
}
_ACRONYMS = {"Ctr": "CTR", "Gmv": "GMV", " gmv": " GMV"}
_NAMED = 4  # facts that a sentence lists


def name_of(check: Check) -> str:
    """A fact by a name that people read."""
    name = plain_name(check.fact)
    for word, right in _ACRONYMS.items():
        name = name.replace(word, right)
    return name.replace(" percent", THIN + "%")


def where(check: Check) -> str:
    """The period, and the arm that is looked at."""
    return f"{check.period}, {check.arm}" if check.arm else check.period


def found_words(check: Check, *, brief: bool = False) -> tuple[str, str]:
    """What was found, and its interval or its p-value; in brief, a difference has no interval."""
    found = check.found
    if check.unit == "violations":
        return fixed(found.estimate, 0), ABSENT
    if check.unit == "share":
        return share_words(found)
    if check.unit == "points":
        return share_words(found, sign=True)
    if check.unit == "test":
        size = number(found.estimate, 2, sign=True) if brief else amount(found)
        return size, f"p {p_value(check.p_holm)}" if check.p_holm is not None else ABSENT
    if found.ends is None:
        return number(found.estimate), ABSENT
    low, high = found.ends
    decimals = decimals_for((high - low) / 2, 2) if high > low else 0
    return fixed(found.estimate, decimals), between(found, decimals)


def wanted_words(check: Check) -> str:
    """The range."""
    if check.unit == "violations":
        return "none"
    if check.unit in ("distance", "points", "area"):
        return _small(check)
    if check.unit == "test":
        return "no rise" if check.high is not None else "no difference"
    low, high = check.low, check.high
    if check.unit == "share" and (low, high) != (None, None):
        return _ends(*(None if each is None else 100 * each for each in (low, high))) + THIN + "%"
    return _ends(low, high)


def _small(check: Check) -> str:
    """How far from the user's own log is not far."""
    if check.unit == "points":
        return f"{_ends(100 * (check.low or 0), 100 * (check.high or 0))}{THIN}%"
    return f"at most {check.high:g}"


def _ends(low: Number, high: Number) -> str:
    if low is None and high is None:
        return ABSENT
    if low is None or high is None:
        return f"at least {low:g}" if low is not None else f"at most {high:g}"
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def headline(record: Validity) -> str:
    """What came of all checks, in a sentence."""
    fails, warns = (record.count(verdict) for verdict in (Verdict.FAIL, Verdict.WARN))
    checks = counted(len(record.checks), "check")
    if fails:
        return f"{fixed(fails, 0)} of {checks} failed: {names(record, Verdict.FAIL)}."
    if warns:
        return (
            f"None of {checks} failed; {counted(warns, 'warning')}: {names(record, Verdict.WARN)}."
        )
    return f"All of {checks} that can be told passed."


def names(record: Validity, verdict: Verdict) -> str:
    """The facts that ended so, not all where they are many."""
    rows = rows_of(record.checks, verdict=verdict)
    told = list(dict.fromkeys(f"{_begun(name_of(row))} ({row.period})" for row in rows))
    more = len(told) - _NAMED
    return listed(told if more <= 0 else [*told[:_NAMED], f"{fixed(more, 0)} more"])


def _begun(name: str) -> str:
    """A name inside a sentence."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def rung_words(record: Validity, rung: Rung) -> str:
    """How many checks of a rung ended how."""
    told = [
        f"{fixed(count, 0)} {word}"
        for verdict, word in (
            (Verdict.PASS, "pass"),
            (Verdict.WARN, "warn"),
            (Verdict.FAIL, "fail"),
            (Verdict.UNTOLD, "cannot be told"),
        )
        if (count := record.count(verdict, rung))
    ]
    return listed(told) + "."


def shown(record: Validity, rung: Rung) -> Sequence[Check]:
    """The checks of a rung, those that need a look first."""
    order = list(_ORDER)
    rows = rows_of(record.checks, rung=rung)
    return sorted(rows, key=lambda row: order.index(row.verdict))


_ORDER = (Verdict.FAIL, Verdict.WARN, Verdict.PASS, Verdict.UNTOLD)
