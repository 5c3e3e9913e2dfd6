"""Which column of a log in Open Bandit form holds what."""

from pydantic import Field

from simulator.spec import Spec


class BanditColumns(Spec):
    """Which column holds what; a row is an action that was shown at a position."""

    action: str = Field(description="what was shown, by any key")
    reward: str = Field(description="what it brought: 0 or 1 for clicks, or any finite number")
    propensity: str = Field(description="probability of the action at its position by the policy")
    position: str | None = Field(None, description="place, a whole number; without it one place")
    policy: str | None = Field(None, description="by which policy; without it all by one")
    context: tuple[str, ...] = Field((), description="what the direct model tells apart besides")
    round: str | None = Field(
        None,
        description="which rows hang together, by any key, such as a page or a shopper; without it "
        "each row is a round",
    )


class BanditLogSpec(Spec):
    """A log in Open Bandit form."""

    path: str = Field(description="a Parquet or CSV file; may begin with $FUNNELAB_DATA")
    columns: BanditColumns
    only: dict[str, str] = Field({}, description="rows are left out that have another value here")
