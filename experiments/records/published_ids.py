"""What the paper reports of its own shop (arXiv 2605.14434), to be held beside ours.

Its catalogue, log and model are other ones: compare orders and relative gains, not levels.
"""

from dataclasses import dataclass

SOURCE = "arXiv 2605.14434"


@dataclass(frozen=True)
class Published:
    """One published number.

    Attributes:
        scheme: the scheme, by the bench's name.
        mode: "semantic" (the query alone) or "personalised".
        measure: "hit_rate", or "hit_rate_at_items" (at 1,000 items returned).
        beam: beam width (ids).
        value: click hit rate (share).
        relative: gain over the RQ-VAE, as a fraction; None for itself or where not comparable.
        source: where it is published.
    """

    scheme: str
    mode: str
    measure: str
    beam: int
    value: float
    relative: float | None = None
    source: str = SOURCE


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


def _rows(
    mode: str, scheme: str, rates: dict[int, float], base: dict[int, float]
) -> list[Published]:
    own = scheme == "rqvae"
    return [
        Published(scheme, mode, "hit_rate", beam, rate, None if own else rate / base[beam] - 1)
        for beam, rate in rates.items()
    ]


def _all() -> tuple[Published, ...]:
    semantic = {name: dict(zip(_BEAMS, rates, strict=True)) for name, rates in _SEMANTIC.items()}
    rows = []
    for mode, table in (("semantic", semantic), ("personalised", _PERSONALISED)):
        for scheme, rates in table.items():
            rows += _rows(mode, scheme, rates, table["rqvae"])
    rows += [
        Published(scheme, mode, "hit_rate_at_items", beam, rate)
        for scheme, mode, beam, rate in _AT_1000
    ]
    return tuple(rows)


PUBLISHED: tuple[Published, ...] = _all()
"""Everything that the paper reports of these measures."""
