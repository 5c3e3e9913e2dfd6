"""What is told of a world beside its log, once it is lived."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.truth.files import BESIDE, HEADROOM, OWN, by_category, by_part, write_table
from experiments.truth.headroom import HeadroomSample
from simulator.following.walk import ExpectedWalk


@dataclass(frozen=True)
class Followed:
    """What is told of a world beside its log.

    Attributes:
        walks: by file, what is expected of its shoppers.
        sample: the requests that an oracle weighs.
    """

    walks: Mapping[str, ExpectedWalk]
    sample: HeadroomSample | None

    def write(self, folder: Path) -> None:
        """Write the files, once the world is lived."""
        for name, walk in self.walks.items():
            write_table(folder / name, walk.totals())
            if name in (OWN, BESIDE):
                write_table(folder / by_category(name), walk.by_category())
                write_table(folder / by_part(name), walk.split.by_shopper())
                write_table(folder / by_category(by_part(name)), walk.split.by_category())
        if self.sample is not None:
            self.sample.write(folder / HEADROOM)
