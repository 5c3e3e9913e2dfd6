"""What the conformance suites of plug-ins find."""

from dataclasses import dataclass

from simulator.plugins import told


@dataclass(frozen=True)
class Violation:
    """One violation of a contract: where, what was found, what is wanted."""

    place: str
    found: str
    wanted: str

    @classmethod
    def raised(cls, place: str, error: Exception, wanted: str) -> "Violation":
        """A call that raised instead."""
        return cls(place, f"{told(error)} raised", wanted)

    def __str__(self) -> str:
        return f"{self.place} == {self.found}, must {self.wanted}"
