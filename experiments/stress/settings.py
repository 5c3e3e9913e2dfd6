"""Settings of the stress sets."""

from pydantic import Field

from simulator.spec import Spec


class ConditionsSpec(Spec):
    """Requests of several conditions against items that fail one, of a generated catalogue."""

    positives: int = Field(
        300, ge=1, le=5_000, description="items whose conditions become requests, at most"
    )
    most: int = Field(6, ge=1, le=7, description="conditions of one request, at most")


class StressSpec(Spec):
    """Sets that a run's channels and rankers are tried on; nothing is trained with them."""

    conditions: ConditionsSpec | None = Field(
        None, description="requests of several conditions (MultiConIR); none: not asked"
    )

    def problems(self, *, from_file: bool) -> list[str]:
        """What does not fit, as place, value found and value wanted.

        Args:
            from_file: whether the catalogue is the user's own.
        """
        if self.conditions is None or not from_file:
            return []
        return [
            "stress.conditions == a catalogue of a file, must be a generated one: what an item "
            "truly is must be known"
        ]
