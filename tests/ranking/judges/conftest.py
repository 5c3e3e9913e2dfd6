"""The shop that judges are tried on."""

from tests.ranking.judges.shop import bought, supply

__all__ = ["bought", "supply"]
