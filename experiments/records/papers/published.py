"""What papers report of their own shop (arXiv 2605.14434), to be held beside ours.

Its catalogue, log, models and shoppers are other ones: compare orders and relative gains, not
levels. It gives no intervals.
"""

from dataclasses import dataclass

from cqsid.alignment.measures import CLK_1, CLK_10, EXP_1, EXP_10, PVR_10
from experiments.records.interval import Number

SOURCE = "arXiv 2605.14434"


@dataclass(frozen=True)
class Published:
    """One published number of an identifier scheme.

    Attributes:
        scheme: by the bench's name.
        mode: `semantic` (the query alone) or `personalised`.
        measure: `hit_rate`, or `hit_rate_at_items` (at 1,000 items returned).
        beam: width (ids).
        value: click hit rate that the paper reports (share).
        relative: gain over its baseline, as a fraction; null for the baseline itself or where the
            two cannot be compared.
        source: where it is published.
    """

    scheme: str
    mode: str
    measure: str
    beam: int
    value: float
    relative: Number
    source: str


_BEAMS = (1, 10, 100)
_SEMANTIC = {
    "rqvae": (0.0598, 0.2579, 0.5199),
    "cqsid_no_category": (0.0680, 0.2870, 0.5578),
    "cqsid_no_contrast": (0.0596, 0.2691, 0.5652),
    "cqsid": (0.0758, 0.3161, 0.6181),
}
_PERSONALISED = {"rqvae": {1: 0.1359, 100: 0.7513}, "cqsid": {1: 0.1510, 100: 0.8062}}
_AT_1000 = (  # scheme, mode, beam that returns about 1,000 items, hit rate
    ("rqvae", "semantic", 65, 0.4275),
    ("cqsid", "semantic", 30, 0.4422),
    ("rqvae", "personalised", 195, 0.7607),
    ("cqsid", "personalised", 160, 0.7984),
)


def _schemes() -> tuple[Published, ...]:
    semantic = {name: dict(zip(_BEAMS, rates, strict=True)) for name, rates in _SEMANTIC.items()}
    rows = []
    for mode, table in (("semantic", semantic), ("personalised", _PERSONALISED)):
        for scheme, rates in table.items():
            for beam, rate in rates.items():
                gain = None if scheme == "rqvae" else rate / table["rqvae"][beam] - 1
                rows.append(Published(scheme, mode, "hit_rate", beam, rate, gain, SOURCE))
    for scheme, mode, beam, rate in _AT_1000:
        rows.append(Published(scheme, mode, "hit_rate_at_items", beam, rate, None, SOURCE))
    return tuple(rows)


SCHEMES: tuple[Published, ...] = _schemes()
"""Everything that the paper reports of the bench's measures."""

MEASURES = (CLK_1, CLK_10, EXP_1, EXP_10, PVR_10)
"""The offline measures that it reports of aligning its generator."""

BASE = "SFT"
"""Its supervised model."""

POLICIES: dict[str, tuple[float, ...]] = {
    BASE: (0.1510, 0.5206, 0.5056, 0.8693, 0.4371),
    "GRPO": (0.1519, 0.5196, 0.5077, 0.8702, 0.4360),
    "EG-GRPO, K = 2": (0.1524, 0.5221, 0.5091, 0.8703, 0.4377),
    "EG-GRPO, K = 4": (0.1523, 0.5219, 0.5087, 0.8711, 0.4378),
}
"""Its levels, in the order of `MEASURES`."""

ONLINE_GAINS = {"gmv": 0.0115, "uctcvr": 0.0040}
"""Its lifts in a two-week online test, as fractions; against what is not told in full."""

SHARES = {"exposure": 0.5025, "click": 0.5896, "purchase": 0.7263}
"""Shares of events that its channel holds; how items of several channels count is not told."""


def policy_gain(name: str, measure: str) -> float:
    """A published level over that of its supervised model, minus 1."""
    at = MEASURES.index(measure)
    return POLICIES[name][at] / POLICIES[BASE][at] - 1
