"""How fast a stage goes and how long it takes, in words that are never empty or `0/s`."""

import math
from collections.abc import Sequence

_ROUNDING = 1e-6  # of a unit, far above what sums of parts lose


def whole(amount: float) -> int:
    """Whole units done; parts that make up a unit may fall short of it by rounding."""
    return math.floor(amount + _ROUNDING)


def shown(amount: float) -> str:
    """Units done as people read them, with parts where there are any."""
    exact = abs(amount - whole(amount)) < _ROUNDING
    return f"{whole(amount):,}" if exact else f"{amount:,.1f}"


def rate(amount: float, seconds: float) -> str:
    """How fast, such as `1,200/s`, `3.4/s` or, where one takes longer, `8.2 s each`."""
    if amount <= 0:
        return ""
    each = max(seconds, 1e-9) / amount
    if each > 1:
        return f"{lasting(each)} each"
    return f"{1 / each:,.0f}/s" if each < 0.1 else f"{1 / each:.1f}/s"


def lasting(seconds: float) -> str:
    """A time as people say it: `8.2 s`, `45 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def left(amount: float, total: float | None, seconds: float, kept: float = 0.0) -> str:
    """How much longer, at the pace so far; empty where no total is known.

    Args:
        amount, total: units done, and all.
        seconds: since the beginning.
        kept: of those done, units that were there before: they took no time.
    """
    if not total:
        return ""
    if amount <= kept < total:
        return "time left not known yet"
    more = max(total - amount, 0.0) * seconds / max(amount - kept, _ROUNDING)
    return f"about {lasting(more)} left"


def finished(done: int, unit: str, seconds: float) -> str:
    """A finished stage in words, such as `1,200 requests in 3.0 s (400/s)`."""
    took = f"{seconds:.1f} s"
    return f"{done:,} {unit} in {took} ({rate(done, seconds)})" if done else took


def under_way(
    amount: float, total: float | None, unit: str, seconds: float, kept: float = 0.0
) -> str:
    """A stage that runs, such as `45,200 of 169,000 pages in 38 s, about 104 s left`.

    Arguments are those of `left`.
    """
    if amount <= 0:
        return f"{lasting(seconds)} so far" + (", time left not known yet" if total else "")
    of = f" of {shown(total)}" if total else ""
    parts = [
        f"{shown(amount)}{of} {unit} in {lasting(seconds)}",
        left(amount, total, seconds, kept),
    ]
    return ", ".join(part for part in parts if part)


def planned(steps: Sequence[tuple[str, float]]) -> str:
    """A plan before it begins, such as `history 12 s, worlds 60 s: about 72 s in all`."""
    told = ", ".join(f"{name} {lasting(max(seconds, 1.0))}" for name, seconds in steps)
    return f"{told}: about {lasting(sum(seconds for _, seconds in steps))} in all"
