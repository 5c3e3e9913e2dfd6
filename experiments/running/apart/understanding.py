"""The stage that holds what catalogue steps guess against the truth, or what a file has hidden."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.config.schema import Config
from experiments.records.apart.understanding import FillingStep, UnderstandingRecord
from experiments.records.files import read_json
from experiments.records.reading import write_record
from experiments.running.models import CATALOG, POPULATION, REPORT, load_saved
from experiments.running.parts.filling import GUESSES
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from experiments.stress.fillings import TrueCells, known_supply, understood
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
        lessened: of a user's file, the folder of the catalogue that the steps learned from.
    """

    config: Config
    stage: Stage
    catalog: Path
    steps: Mapping[str, Path]
    lessened: Path | None = None


def measure_understanding(job: UnderstandingJob, *, advance: Advance) -> None:
    """Compare what every step fills with the truth, or with what was hidden."""
    config = job.config
    population: Population = load_saved(job.catalog / POPULATION)
    supply, level = population.supply, config.analysis.confidence
    if job.lessened is not None:
        supply = known_supply(supply, load_saved(job.lessened / CATALOG))
    true = TrueCells.of(supply)
    filled: dict[str, Filled] = {
        name: load_saved(path / GUESSES) for name, path in job.steps.items()
    }
    surely = {name: config.understanding[name].confidence for name in filled}
    rows, calibrated = [], []
    for name, guesses in filled.items():
        some, more = understood(
            *(name, guesses, supply, true),
            surely=surely[name],
            confidence=level,
            whole=job.lessened is None,
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
            against="truth" if job.lessened is None else "hidden",
        )
        write_record(folder, record)
    advance(len(filled))
