"""Settings of the stress sets."""

from pydantic import Field

from simulator.spec import Spec


class ConditionsSpec(Spec):
    """Requests of several conditions against items that fail one.

    Of a user's catalogue they are what its file publishes.
    """

    positives: int = Field(
        300, ge=1, le=5_000, description="items whose conditions become requests, at most"
    )
    most: int = Field(6, ge=1, le=7, description="conditions of one request, at most")


class StressSpec(Spec):
    """Sets that a run's channels and rankers are tried on; nothing is trained with them."""

    conditions: ConditionsSpec | None = Field(
        None, description="requests of several conditions (MultiConIR); none: not asked"
    )

    def problems(self, *, from_file: bool, published: bool) -> list[str]:
        """What does not fit, as place, value found and value wanted.

        Args:
            from_file: whether the catalogue is the user's own.
            published: whether the shop publishes attribute values.
        """
        if self.conditions is None or not from_file or published:
            return []
        return [
            "stress.conditions == a catalogue of a file without attribute values, must be a "
            "generated one, whose truth is known, or one with a table of attributes "
            "(catalog.file.columns.attributes), whose published values are the conditions"
        ]
