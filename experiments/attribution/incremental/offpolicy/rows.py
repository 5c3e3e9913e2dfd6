"""What the measured arm would bring, estimated from the log of the control arm alone.

The question is asked of the requests of the control arm's log for the first page of a query that is
new in its session. Exploration has one luck for all pages of a query in a session, and whether a
later page is asked for depends on what the first one showed; of these requests alone is the logged
propensity the probability of the page given all that went before.
"""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incremental.arms import Arm
from experiments.attribution.incremental.offpolicy.judge import (
    EXPECTED,
    OffPolicyJob,
    judge,
)
from experiments.inference.logs import EngineSpec, engine, exact_sum, scan
from experiments.inference.offpolicy.directmodel import BINS, FOLDS, cross_fitted, folds
from experiments.inference.offpolicy.estimators import compared, estimates
from experiments.inference.offpolicy.slots import Floats, Slots
from experiments.inference.offpolicy.support import Diagnosis, reasons
from experiments.inference.offpolicy.totals import Totals
from experiments.records.attribution import OFF_POLICY, Event, OffPolicyRow
from experiments.records.files import read_json
from experiments.records.interval import Number
from experiments.running.models import LOG

JUDGED: tuple[Event, ...] = ("click", "purchase", "gmv")
TRUTH = "truth"

_DEVICES = 2
_BATCH = 131_072
Columns = dict[str, NDArray[Any]]


def off_policy_rows(arm: Arm, *, confidence: float) -> tuple[list[OffPolicyRow], list[str]]:
    """Every estimator beside the truth, and warnings where the log does not carry them.

    Args:
        arm: whose pages are judged; the log is that of the run's control arm.
        confidence: level of the intervals over shoppers.

    Raises:
        DataError: living the experiment again gives another log than it has.
    """
    config = arm.config
    job = off_policy_job(arm)
    requests = read_json(job.world.stage.path / LOG / "manifest.json")["rows"]["requests"]
    arm.maker.side_by_side("offpolicy", [job], "requests", requests)
    with engine(EngineSpec()) as connection:
        table = SlotTable(connection, job)
        if not len(table.shopper_U):
            by = f"{OFF_POLICY}{arm.spec.name} by the log of {config.control}"
            return [], [f"{by}: that log has no requests"]
        totals, truth_EU, base_EU = table.totals(table.model(config.funnel.slots))
    diagnosis = totals.diagnosis
    behind = int(totals.requests_U.sum()), len(totals.requests_U)
    rows = []
    for e, event in enumerate(JUDGED):
        truth = compared(truth_EU[e], base_EU[e], totals.requests_U, confidence=confidence)
        told = [*estimates(totals, e, confidence=confidence).items(), (TRUTH, truth)]
        for name, found in told:
            of_weights: tuple[Number, Number, Number, Number] = (None, None, None, None)
            if name != TRUTH:
                of_support = diagnosis.supported, diagnosis.burden
                of_weights = (*of_support, diagnosis.effective, diagnosis.largest)
            names = arm.spec.name, config.control, name, event
            rows.append(OffPolicyRow(*names, found.value, found.relative, *of_weights, *behind))
    return rows, doubts(diagnosis, arm.spec.name, config.control)


def doubts(diagnosis: Diagnosis, arm: str, logged: str) -> list[str]:
    """Why estimates of an arm's pages from another's log are not to be believed; [] if nothing."""
    said = reasons(diagnosis)
    if not diagnosis.explores:
        said.append(
            "the log has no exploration (funnel.exploration), every propensity is 1: estimates "
            "are of those slots alone in which both arms agree, and biased"
        )
    return [f"{OFF_POLICY}{arm} by the log of {logged}: {sentence}" for sentence in said]


def off_policy_job(arm: Arm) -> OffPolicyJob:
    """The task that shows the requests of the control arm's log to this arm."""
    world = arm.experiment()
    logged = [each.name for each in arm.config.arms].index(arm.config.control)
    arm.live("worlds", [world])
    name, inputs = f"offpolicy-{arm.spec.name}", [world.stage.key]
    stage = arm.maker.stage(name, [arm.number, logged], inputs=inputs, task=judge)
    return OffPolicyJob(world, stage, arm.number, logged)


class SlotTable:
    """The slots of a finished job's requests with what the log holds of them, inside DuckDB.

    Attributes:
        shopper_U: the shoppers behind the requests, ascending.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, job: OffPolicyJob) -> None:
        self._connection = connection
        log, noted = job.world.stage.path / LOG, job.stage.path
        connection.execute(f"CREATE TEMP TABLE slots AS {_sql(log, noted, job.logged)}")
        found = self._all("SELECT DISTINCT shopper FROM slots ORDER BY shopper")
        self.shopper_U = found["shopper"]

    def model(self, slots: int) -> Floats:
        """(E, 2, slot, device, bin) what is predicted of a slot, see `directmodel`.

        Args:
            slots: most results on a page.
        """
        found = self._all(
            f"SELECT shopper % {FOLDS} AS fold, slot, device, bin, count(*) AS slots, "
            "sum(clicked::INTEGER)::DOUBLE AS click, sum(orders)::DOUBLE AS purchase, "
            f"{exact_sum('gmv')} AS gmv FROM slots WHERE item >= 0 GROUP BY ALL"
        )
        cells = tuple(found[name] for name in ("fold", "slot", "device", "bin"))
        sums_XFKDR = np.zeros((1 + len(JUDGED), FOLDS, slots, _DEVICES, BINS))
        for sums_FKDR, name in zip(sums_XFKDR, ("slots", *JUDGED), strict=True):
            sums_FKDR[cells] = found[name]
        return cross_fitted(sums_XFKDR[0], sums_XFKDR[1:])

    def totals(self, model_EFKDR: Floats) -> tuple[Totals, Floats, Floats]:
        """The totals of the shoppers; and (E, U) what was to be expected of the judged pages, and
        of those of the log."""
        shoppers = len(self.shopper_U)
        totals = Totals.empty(len(JUDGED), shoppers)
        expected = {of: np.zeros((len(JUDGED), shoppers)) for of in (TRUTH, "base")}
        rows = self._connection.sql("SELECT * FROM slots ORDER BY request, slot")
        for arrow in rows.to_arrow_reader(_BATCH):
            batch = {
                name: column.to_numpy(zero_copy_only=False)
                for name, column in zip(arrow.schema.names, arrow.columns, strict=True)
            }
            at_N = np.searchsorted(self.shopper_U, batch["shopper"])
            totals.add(_slots(batch, at_N, model_EFKDR))
            for of, sums_EU in expected.items():
                value_EN = np.stack([batch[f"{of}_{event}"] for event in EXPECTED])
                np.add.at(sums_EU.T, at_N, value_EN.T)
        return totals, expected[TRUTH], expected["base"]

    def _all(self, sql: str) -> Columns:
        found = self._connection.execute(sql).fetchnumpy()
        return {name: np.asarray(column) for name, column in found.items()}


def _sql(log: Path, noted: Path, logged: int) -> str:
    """Selects the slots whose request is the first of its query, with the log's orders."""
    return f"""
        SELECT noted.*, coalesce(bought.orders, 0) AS orders, coalesce(bought.gmv, 0.0) AS gmv
        FROM {scan(noted.parent, noted.name)} AS noted
        SEMI JOIN (
            SELECT min(request) AS request FROM {scan(log, "requests")}
            WHERE arm = {logged} GROUP BY session, text
        ) AS new USING (request)
        LEFT JOIN (
            SELECT request, item, count(*) AS orders,
                {exact_sum("price::DOUBLE * quantity")} AS gmv
            FROM {scan(log, "orders")} WHERE arm = {logged} GROUP BY request, item
        ) AS bought USING (request, item)
    """


def _slots(batch: Columns, at_N: NDArray[np.integer], model_EFKDR: Floats) -> Slots:
    """A batch of the table as the estimators want it."""
    fold_N, logged_N, judged_N = folds(batch["shopper"]), batch["item"] >= 0, batch["judged"] >= 0
    place_N = fold_N, batch["slot"], batch["device"]
    outcomes = (batch["clicked"], batch["orders"], batch["gmv"])
    return Slots(
        shopper_N=at_N,
        first_N=batch["slot"] == 0,
        logged_N=logged_N,
        propensity_N=batch["propensity"].astype(np.float64),
        target_N=(logged_N & (batch["item"] == batch["judged"])).astype(np.float64),
        outcomes_EN=np.array([each.astype(np.float64) for each in outcomes]),
        model_EN=model_EFKDR[:, *place_N, batch["bin"]] * logged_N,
        judged_N=judged_N.astype(np.float64),
        chance_N=batch["chance"],
        judged_model_EN=model_EFKDR[:, *place_N, batch["judged_bin"]] * judged_N,
    )
