"""The stage that holds what catalogue steps guess against the simulated truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.config.schema import Config
from experiments.records.apart.understanding import FillingStep, UnderstandingRecord
from experiments.records.files import read_json
from experiments.records.reading import write_record
from experiments.running.models import POPULATION, REPORT, load_saved
from experiments.running.parts.filling import GUESSES
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from experiments.stress.fillings import TrueCells, understood
from experiments.stress.textrecall import recalls
from recall.understanding.filled import Filled
from simulator.living.world import Population
from simulator.randomness import Draws


@dataclass(frozen=True)
class UnderstandingJob:
    """Catalogue steps to be measured.

    Attributes:
        catalog: folder of this stage.
        steps: folders of the steps, by name.
    """

    config: Config
    stage: Stage
    catalog: Path
    steps: Mapping[str, Path]


def measure_understanding(job: UnderstandingJob, *, advance: Advance) -> None:
    """Compare what every step fills with the truth."""
    config = job.config
    population: Population = load_saved(job.catalog / POPULATION)
    supply, level = population.supply, config.analysis.confidence
    true = TrueCells.of(supply)
    filled: dict[str, Filled] = {
        name: load_saved(path / GUESSES) for name, path in job.steps.items()
    }
    surely = {name: config.understanding[name].confidence for name in filled}
    rows, calibrated = [], []
    for name, guesses in filled.items():
        some, more = understood(
            *(name, guesses, supply, true), surely=surely[name], confidence=level
        )
        rows += some
        calibrated += more
    luck = np.random.default_rng(Draws(config.seed).child("understanding.texts").seed)
    with job.stage.write() as folder:
        record = UnderstandingRecord(
            name=config.name,
            confidence=level,
            published=float((true.published_F >= 0).mean()) if len(true.cells) else 0.0,
            steps=tuple(
                FillingStep(name, surely[name], read_json(path / REPORT))
                for name, path in job.steps.items()
            ),
            understood=tuple(rows),
            calibrated=tuple(calibrated),
            recalled=tuple(recalls(supply, filled, surely, confidence=level, rng=luck)),
        )
        write_record(folder, record)
    advance(len(filled))
