"""Frames of what is asked apart from any funnel: stress sets, judges, catalogue steps."""

from abc import ABC, abstractmethod
from functools import cached_property

import pandas as pd

from experiments.notebook.frames import frame
from experiments.records.apart.judges import Judged, JudgesRecord
from experiments.records.apart.stress import Ordering, StressRecord, WinRate
from experiments.records.apart.understanding import (
    Calibrated,
    Recalled,
    UnderstandingRecord,
    Understood,
)
from experiments.records.reading import AnyRecord


class Apart(ABC):
    """Frames that a folder of results has beside those of its experiment."""

    @abstractmethod
    def _of(self, kind: type[AnyRecord]) -> AnyRecord:
        """A record of the folder."""

    @cached_property
    def stress(self) -> pd.DataFrame:
        """How often each scorer ranks what meets all conditions first (`stress.conditions`)."""
        return frame(WinRate, self._of(StressRecord).wins)

    @cached_property
    def stress_order(self) -> pd.DataFrame:
        """How each scorer orders items by failed conditions, and how that hangs on wording."""
        return frame(Ordering, self._of(StressRecord).orders)

    @cached_property
    def judges(self) -> pd.DataFrame:
        """How well each judge grades texts that nobody was paid for (`judges`)."""
        return frame(Judged, self._of(JudgesRecord).judged)

    @cached_property
    def understanding(self) -> pd.DataFrame:
        """What each catalogue step fills, and how rightly (`understanding`)."""
        return frame(Understood, self._of(UnderstandingRecord).understood)

    @cached_property
    def understanding_confidence(self) -> pd.DataFrame:
        """How often guesses of about one confidence are right."""
        return frame(Calibrated, self._of(UnderstandingRecord).calibrated)

    @cached_property
    def understanding_recall(self) -> pd.DataFrame:
        """What BM25 finds for texts of a value and a category in each filled catalogue."""
        return frame(Recalled, self._of(UnderstandingRecord).recalled)
