"""Numbers as people and shops write them: `1,299.00`, `1.299,00 €`, `Rs. 499`, `USD 12`.

What stands before the decimals is decided for a whole column: a value such as `12,50` tells it, one
such as `1,299` does not. Where nothing tells it, the user is asked.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# What currency a sign may mean; columns of one currency must have a meaning in common.
_DOLLARS = "USD CAD AUD NZD SGD HKD TWD MXN CLP COP ARS"
_CURRENCIES = {
    "$": _DOLLARS,
    "US$": "USD",
    "CA$": "CAD",
    "C$": "CAD",
    "A$": "AUD",
    "AU$": "AUD",
    "NZ$": "NZD",
    "S$": "SGD",
    "HK$": "HKD",
    "NT$": "TWD",
    "MX$": "MXN",
    "R$": "BRL",
    "€": "EUR",
    "£": "GBP EGP",
    "¥": "JPY CNY",
    "円": "JPY",
    "元": "CNY TWD",
    "₹": "INR",
    "Rs.": "INR PKR LKR NPR MUR",
    "Rs": "INR PKR LKR NPR MUR",
    "₽": "RUB",
    "руб.": "RUB BYN",
    "руб": "RUB BYN",
    "р.": "RUB BYN",
    "₴": "UAH",
    "грн.": "UAH",
    "грн": "UAH",
    "zł": "PLN",
    "Kč": "CZK",
    "kr.": "SEK NOK DKK ISK",
    "kr": "SEK NOK DKK ISK",
    "Ft": "HUF",
    "lei": "RON",
    "лв.": "BGN",
    "лв": "BGN",
    "₺": "TRY",
    "TL": "TRY",
    "₩": "KRW",
    "원": "KRW",
    "₫": "VND",
    "đ": "VND",
    "฿": "THB",
    "Rp": "IDR",
    "RM": "MYR",
    "₱": "PHP",
    "₪": "ILS",
    "₦": "NGN",
    "Fr.": "CHF",
}
_CODES = (
    "USD EUR GBP JPY CNY RMB INR RUB PLN CZK SEK NOK DKK ISK HUF RON BGN TRY KRW VND THB IDR MYR "
    "PHP ILS NGN CHF CAD AUD NZD SGD HKD TWD MXN CLP COP ARS BRL PEN UAH BYN KZT ZAR EGP AED SAR "
    "QAR KWD PKR LKR NPR MUR BDT MAD TND KES GHS HRK RSD GEL AMD AZN"
).split()
_MEANINGS = {sign.casefold(): frozenset(m.split()) for sign, m in _CURRENCIES.items()}
_MEANINGS |= {code.casefold(): frozenset([code]) for code in _CODES} | {"rmb": frozenset(["CNY"])}
_SIGN = "|".join(re.escape(sign) for sign in sorted(_MEANINGS, key=len, reverse=True))
_NUMBER = r"(?:[0-9][0-9.,' ]*|[.,][0-9]+)"
_PRICE = re.compile(
    rf"(?P<minus>[-+]?)\s*(?P<before>{_SIGN})?\s*(?P<minus2>[-+]?)\s*"
    rf"(?P<number>{_NUMBER})(?P<even>[.,][-–—])?\s*(?P<after>{_SIGN})?",
    re.IGNORECASE,
)
_RAISED = frozenset("\u00b2\u00b3\u00b9\u2070\u2074\u2075\u2076\u2077\u2078\u2079")
_SCIENTIFIC = re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d{1,3}")
_APOSTROPHES = str.maketrans({"’": "'", "´": "'", "`": "'", "−": "-"})
NOTHING = frozenset(("", "null", "none", "nan", "n/a", "#n/a", "\\n", "<na>", "undefined"))
"""What programs write where there is nothing, in small letters."""
_THOUSANDS = re.compile(r"\d{1,3}(?:(?P<mark>[.,' ])\d{3})(?:(?P=mark)\d{3})*")
_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}")

ASK = "decimal"
"""Why a value is not read: it could have decimals or thousands, and nothing tells which."""
MIXED = "mixed"
"""Why a value is not read: other rows have the other sign before their decimals."""
UNREADABLE = "unreadable"
"""Why a value is not read: it is no number."""


@dataclass(frozen=True)
class Amount:
    """A value that is a number, or could be one of two.

    Attributes:
        value: what it is; where it could be two, what it is with decimals.
        thousands: what it is without decimals, where it could be two.
        mark: what stands before its decimals where it tells, and what might where it does not.
        currency: the sign or code beside it, "" for none.
    """

    value: float
    thousands: float | None = None
    mark: str = ""
    currency: str = ""


@dataclass(frozen=True)
class Amounts:
    """A column of numbers.

    Attributes:
        number_I: NaN where a cell is empty or no number.
        empty_I: where a cell is empty.
        why: by row, why it has no number: `ASK`, `MIXED` or `UNREADABLE`.
        decimal: what stands before the decimals in this column, "" where nothing tells it.
        currency_I: sign or code beside each number.
    """

    number_I: Floats
    empty_I: NDArray[np.bool_]
    why: dict[int, str]
    decimal: str
    currency_I: tuple[str, ...]


def is_empty(value: object) -> bool:
    """Whether a cell holds nothing: nothing at all, blanks, NaN, or a word for it."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return isinstance(value, str) and value.strip().casefold() in NOTHING


def amounts(values: Sequence[object], decimal: str = "auto") -> Amounts:
    """The numbers of a column.

    Args:
        values: cells; a boolean is no number.
        decimal: what stands before decimals, "." or ",", or "auto": as the column's values tell.
    """
    read = [None if is_empty(value) else _amount(value) for value in values]
    marks = Counter(a.mark for a in read if a is not None and a.mark and a.thousands is None)
    told = decimal if decimal in (".", ",") else max(marks, key=lambda m: marks[m], default="")
    number_I = np.full(len(read), np.nan)
    why: dict[int, str] = {}
    for row, amount in enumerate(read):
        if amount is None:
            if not is_empty(values[row]):
                why[row] = UNREADABLE
        elif amount.thousands is None and amount.mark in ("", told):
            number_I[row] = amount.value
        elif amount.thousands is None:
            why[row] = MIXED
        elif not told:
            why[row] = ASK
        else:
            number_I[row] = amount.value if amount.mark == told else amount.thousands
    empty_I = np.fromiter((is_empty(value) for value in values), bool, len(read))
    currency_I = tuple("" if amount is None else amount.currency for amount in read)
    return Amounts(number_I, empty_I, why, told, currency_I)


def strange_currencies(signs: Iterable[str]) -> tuple[str, set[str]]:
    """The most frequent currency of a column, and the signs that cannot mean it."""
    count = Counter(sign for sign in signs if sign)
    if not count:
        return "", set()
    main = count.most_common(1)[0][0]
    meant = _MEANINGS[main]
    for sign, _ in count.most_common():
        meant = meant & _MEANINGS[sign] or meant
    return main, {sign for sign in count if not meant & _MEANINGS[sign]}


def _amount(value: object) -> Amount | None:
    """What a filled cell says; None where it is no number."""
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | float | Decimal | np.number):
        try:
            return Amount(float(value))
        except (OverflowError, ValueError):
            return None
    return _read(value) if isinstance(value, str) and len(value) <= 100 else None


def _read(text: str) -> Amount | None:
    whole, dot, rest = text.partition(".")
    if text.isascii() and whole.isdigit() and (not dot or (rest.isdigit() and len(rest) != 3)):
        return Amount(float(text), mark=dot)  # as programs write it: most numbers are
    if any(each in _RAISED for each in text):
        return None  # cents, or a power: 12\u2079\u2079 is no 1299
    plain = unicodedata.normalize("NFKC", text.strip()).translate(_APOSTROPHES).strip()
    if _SCIENTIFIC.fullmatch(plain):
        return Amount(float(plain), mark="." if "." in plain else "")
    found = _PRICE.fullmatch(plain)
    if not found or not plain.isprintable() or (found["minus"] and found["minus2"]):
        return None
    signs = [found[side].casefold() for side in ("after", "before") if found[side]]
    if len(signs) == 2 and not _MEANINGS[signs[0]] & _MEANINGS[signs[1]]:
        return None
    amount = _number(found["number"].strip(), bool(found["even"]))
    if amount is None:
        return None
    sign = -1.0 if "-" in (found["minus"], found["minus2"]) else 1.0
    other = None if amount.thousands is None else sign * amount.thousands
    return Amount(sign * amount.value, other, amount.mark, signs[0] if signs else "")


def _number(text: str, even: bool) -> Amount | None:
    """The number of digits, dots, commas, blanks and apostrophes.

    Args:
        text: such characters.
        even: whether `,-` or `.-` stood behind it, for no decimals.
    """
    if even:
        whole = _whole(text)
        return None if whole is None else Amount(whole)
    dot, comma = text.rfind("."), text.rfind(",")
    if dot < 0 and comma < 0:
        whole = _whole(text)
        return None if whole is None else Amount(whole)
    mark = "." if dot > comma else ","
    head, _, tail = text.rpartition(mark)
    other = "," if mark == "." else "."
    if mark in head:  # several: they part thousands, so the other one stands before decimals
        whole = None if other in text else _whole(text)
        return None if whole is None else Amount(whole, mark=other)
    before = _whole(head) if head else 0.0
    if before is None or not tail.isdigit():
        return None
    value = float(f"{before:.0f}.{tail}")
    undecided = len(tail) == 3 and head.isdigit() and len(head) <= 3 and not head.startswith("0")
    return Amount(value, float(head + tail) if undecided else None, mark)


def _whole(text: str) -> float | None:
    """A number without decimals, in groups of thousands or not."""
    if text.isdigit() or _THOUSANDS.fullmatch(text) or _INDIAN.fullmatch(text):
        return float(re.sub(r"\D", "", text))
    return None
