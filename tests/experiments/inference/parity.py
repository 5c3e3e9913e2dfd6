"""Row-level statistics of a log by pandas, tea-tasting and statsmodels: what ours must equal."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import tea_tasting as tt
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from experiments.inference.estimates import estimate
from experiments.inference.logs import read_manifest
from experiments.inference.metrics import METRICS, Metric
from experiments.inference.reduction.cuped import PRE
from experiments.inference.units import open_units

DIGITS = 1e-10


def read(log: Path, table: str) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(path) for path in sorted((log / table).glob("*.parquet"))])


def sums(log: Path, by: list[str]) -> pd.DataFrame:
    requests, exposures, orders, sessions = (
        read(log, table) for table in ("requests", "exposures", "orders", "sessions")
    )
    first = requests["page"] == 0
    requests = requests.assign(
        requests=1,
        first_pages=first.astype(int),
        zero_results=(first & (requests["shown"] == 0)).astype(int),
        latency_sum=requests["latency"].astype(float),
    )
    session_of = requests.set_index("request")["session"]
    clicked = set(session_of.loc[exposures.loc[exposures["clicked"], "request"]])
    orders = orders.assign(
        orders=1,
        baskets=(~orders["request"].duplicated()).astype(int),
        gmv=orders["price"].astype(float) * orders["quantity"],
    )
    sessions = sessions.assign(
        sessions=1, clickless_sessions=(~sessions["session"].isin(clicked)).astype(int)
    )
    parts = [
        requests.groupby(by)[["requests", "first_pages", "zero_results", "latency_sum"]].sum(),
        exposures.assign(
            exposures=1,
            clicks=exposures["clicked"].astype(int),
            carts=exposures["carted"].astype(int),
        )
        .groupby(by)[["exposures", "clicks", "carts"]]
        .sum(),
        orders.groupby(by)[["orders", "baskets", "gmv"]].sum(),
        sessions.drop(columns="requests").groupby(by)[["sessions", "clickless_sessions"]].sum(),
    ]
    table = pd.concat(parts, axis=1).fillna(0.0)
    table["bought"] = (table["orders"] > 0).astype(float)
    table["clicked"] = (table["clicks"] > 0).astype(float)
    return table[table["requests"] > 0]


def shopper_table(log: Path, history: Path | None = None) -> pd.DataFrame:
    table = sums(log, ["shopper", "arm"]).reset_index()
    table["arm"] = [read_manifest(log).arms[arm] for arm in table["arm"]]
    if history is None:
        return table
    before = sums(history, ["shopper"]).add_prefix(PRE)
    return table.merge(before, "left", left_on="shopper", right_index=True).fillna(0.0)


def row_level(
    table: pd.DataFrame, metric: Metric, control: str, treatment: str, *, cuped: bool
) -> list[float]:
    covariates = [PRE + column for column in metric.columns] if cuped else []
    if metric.denominator is None:
        peer = tt.Mean(metric.numerator, *covariates, equal_var=False, use_t=True)
    else:
        peer = tt.RatioOfMeans(
            metric.numerator, metric.denominator, *covariates, equal_var=False, use_t=True
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(peer.analyze(table, control, treatment, "arm"))[:9]


def linearised(
    table: pd.DataFrame, metric: Metric, control: str, treatment: str, *, cuped: bool
) -> dict[str, np.ndarray]:
    """Each shopper's value of the metric, whose plain arm means are the metric's (delta method)."""

    def apart(rows: pd.DataFrame, prefix: str) -> np.ndarray:
        numerator = rows[prefix + metric.numerator].to_numpy(float)
        if metric.denominator is None:
            return numerator
        denominator = rows[prefix + metric.denominator].to_numpy(float)
        ratio = numerator.mean() / denominator.mean()
        return ratio + (numerator - ratio * denominator) / denominator.mean()

    both = table[table["arm"].isin([control, treatment])]
    arms = {arm: both[both["arm"] == arm] for arm in (control, treatment)}
    if not cuped:
        return {arm: apart(rows, "") for arm, rows in arms.items()}
    value, covariate = apart(both, ""), apart(both, PRE)
    theta = np.cov(value, covariate)[0, 1] / covariate.var(ddof=1)
    return {
        arm: apart(rows, "") - theta * (apart(rows, PRE) - covariate.mean())
        for arm, rows in arms.items()
    }


def compare_means(values: dict[str, np.ndarray], control: str, treatment: str) -> list[float]:
    compared = CompareMeans(DescrStatsW(values[treatment]), DescrStatsW(values[control]))
    low, high = compared.tconfint_diff(usevar="unequal")
    p_value = compared.ttest_ind(usevar="unequal")[1]
    return [values[treatment].mean() - values[control].mean(), low, high, p_value]


def compare_at(
    scaled: dict[str, np.ndarray], values: dict[str, np.ndarray], control: str, treatment: str
) -> float:
    """p-value of no difference between scaled arms, with the degrees of freedom of the unscaled."""
    means = [DescrStatsW(scaled[arm]) for arm in (control, treatment)]
    gap = means[1].mean - means[0].mean
    error = np.hypot(means[0].std_mean, means[1].std_mean)
    degrees = CompareMeans(DescrStatsW(values[treatment]), DescrStatsW(values[control])).dof_satt()
    return float(2 * stats.t.sf(abs(gap / error), degrees))


def robust_error(values: dict[str, np.ndarray], control: str, treatment: str) -> float:
    """Standard error of an OLS on the arm, HC2, which for two groups is Welch's."""
    y = np.concatenate([values[control], values[treatment]])
    treated = np.repeat([0.0, 1.0], [len(values[control]), len(values[treatment])])
    fit = OLS(y, np.column_stack([np.ones(len(y)), treated])).fit()
    return float(fit.get_robustcov_results("HC2").bse[1])


def assert_parity(log: Path, history: Path | None, control: str, treatment: str) -> None:
    """Fail unless our estimates equal tea-tasting's row-level path and statsmodels to 10 digits.

    Works on any log; a metric that a log leaves without an interval is passed over.
    """
    metrics = tuple(METRICS.values())
    table = shopper_table(log, history)
    with open_units(log, metrics, history=history) as units:
        arms = units.aggregates(metrics, covariates=history is not None)
    compared = 0
    for metric in metrics:
        for cuped in (False, True) if history else (False,):
            ours, warning = estimate(metric, (control, treatment), arms, cuped=cuped)
            if warning:
                continue
            compared += 1
            values = linearised(table, metric, control, treatment, cuped=cuped)
            found = [
                *(ours.control, ours.treatment, *ours.effect.numbers),
                *(ours.relative.estimate, ours.p_value),
            ]
            scale = abs(ours.control)
            peer = row_level(table, metric, control, treatment, cuped=cuped)
            peer = [*peer[:6], peer[8]]  # without the relative interval, which is on a log scale
            label = f"{metric.name} cuped={cuped}"
            np.testing.assert_allclose(
                found, peer, rtol=DIGITS, atol=DIGITS * scale, err_msg=f"tea-tasting {label}"
            )
            np.testing.assert_allclose(
                [*ours.effect.numbers, ours.p_value],
                compare_means(values, control, treatment),
                rtol=DIGITS,
                atol=DIGITS * scale,
                err_msg=f"statsmodels {label}",
            )
            for end in ours.relative.ends:  # no difference between this much of control and all
                scaled = {**values, control: values[control] * (1 + end)}
                fixed = compare_at(scaled, values, control, treatment)
                np.testing.assert_allclose(fixed, 0.05, rtol=1e-6, err_msg=f"Fieller {label}")
            half = (ours.effect.high - ours.effect.low) / 2
            degrees = CompareMeans(
                DescrStatsW(values[treatment]), DescrStatsW(values[control])
            ).dof_satt()
            np.testing.assert_allclose(
                half / stats.t.ppf(0.975, degrees),
                robust_error(values, control, treatment),
                rtol=DIGITS,
                err_msg=f"HC2 {label}",
            )
    assert compared > len(metrics) // 2
