"""A log as bandit feedback: the dictionary of Open Bandit Pipeline, as one file of NumPy arrays.

A round is a slot that was shown: `action` is the item, `position` the slot, `reward` whether it was
clicked, `pscore` the probability of this item at this place (Saito, Aihara, Matsutani and Narita,
"Open Bandit Dataset and Pipeline", NeurIPS 2021). `context` has the device, gender and age band of
the shopper, one-hot.

    with np.load("bandit_feedback.npz") as file:
        feedback = {name: file[name][()] for name in file.files}
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.inference.logs import EngineSpec, engine, read_manifest, scan
from experiments.notebook.logtables import lacking
from experiments.notebook.results import Results
from experiments.running.models import LOG
from simulator.errors import DataError

FILE = "bandit_feedback.npz"


def write_bandit(results: Results, folder: Path) -> list[Path]:
    """Write the arrays; memory grows with the slots shown.

    Raises:
        DataError: pages were not shown by chance, or nobody knows by which.
    """
    log = results.folder / LOG
    arms = read_manifest(log).arms
    with engine(EngineSpec()) as connection:
        shown = connection.execute(f"SELECT * FROM {scan(log, 'exposures')} LIMIT 0").description
        if "propensity" not in [column for column, *_ in shown or ()]:
            raise lacking(log, "exposures", "propensity", "by which chance each slot was filled")
        found = connection.execute(
            "SELECT e.item AS action, e.position, e.clicked AS reward, e.propensity, e.arm, "
            "r.device, r.gender, r.age, e.request "
            f"FROM {scan(log, 'exposures')} AS e JOIN {scan(log, 'requests')} AS r USING (request) "
            "ORDER BY e.request, e.position"
        ).fetchnumpy()
    pscore_N = np.ma.filled(np.ma.asarray(found["propensity"], np.float64), np.nan)
    unknown = int(np.isnan(pscore_N).sum())
    if unknown:
        raise DataError(
            f"propensity == unknown in {unknown:,} of {len(pscore_N):,} slots, must be known in "
            "all: interleaved pages have none, so it must be a design of whole pages"
        )
    wrong_N = (pscore_N <= 0) | (pscore_N > 1)
    if wrong_N.any():
        raise DataError(
            f"propensity == {pscore_N[wrong_N][0]:g} in exposures, must be above 0 and at most 1"
        )
    if (pscore_N == 1).all():
        raise DataError(
            "propensity == 1 in every slot, must be below: without funnel.exploration nothing is "
            "shown by chance, and a log tells nothing of other pages"
        )
    arrays: dict[str, Any] = {
        "n_rounds": len(pscore_N),
        "n_actions": len(results.catalog),
        "context": _context(found),
        "action": np.asarray(found["action"], np.int64),
        "position": np.asarray(found["position"], np.int64),
        "reward": np.asarray(found["reward"], np.int64),
        "pscore": pscore_N,
        "policy": np.array(arms)[np.asarray(found["arm"], np.int64)],
        "round": np.asarray(found["request"], np.int64),
        "action_id": np.array(results.catalog.key_I.tolist()),
        "action_title": np.array(results.catalog.title_I.tolist()),
    }
    path = folder / FILE
    np.savez_compressed(path, **arrays)
    return [path]


def _context(found: dict[str, Any]) -> NDArray[np.float64]:
    """(N, 2 + 3 + 6) one-hot."""
    parts = [
        np.eye(size)[np.asarray(found[name], np.int64)]
        for name, size in (("device", 2), ("gender", 3), ("age", 6))
    ]
    return np.concatenate(parts, axis=1)
