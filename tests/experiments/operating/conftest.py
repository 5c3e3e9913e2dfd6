"""A small study that many tests only read."""

from pathlib import Path

import pytest

from experiments.operating import study as studying
from tests.experiments.operating.lived import LivedStudy, calibrate
from tests.experiments.small_runs import begun, made_once


@pytest.fixture(scope="session")
def lived(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> LivedStudy:
    """With two pairs of worlds for the truth, for speed, and the models of the small run."""

    def make(at: Path) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(studying, "TRUTH_PAIRS", 2)
            return calibrate(begun(at / "run", small_run))

    return LivedStudy(made_once(tmp_path_factory, "operating", make))
