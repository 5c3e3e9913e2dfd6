"""Settings of the log."""

from pydantic import Field

from simulator.spec import Spec


class LogSpec(Spec):
    """What is kept of a world."""

    candidate_rate: float = Field(
        0.02, ge=0, le=1, description="share of requests whose candidates are logged"
    )
    shard_rows: int = Field(1_000_000, ge=1, description="rows of one Parquet shard")
