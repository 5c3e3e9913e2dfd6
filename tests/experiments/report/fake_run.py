"""A run folder with plausible numbers, as the analysis would write it, for tests and for looking.

`python tests/experiments/fake_run.py FOLDER [arms]` writes one and its report.
"""

import sys
from pathlib import Path

import numpy as np

from experiments.records.interval import UNKNOWN, Interval
from experiments.records.manifest import ArmEntry, ChannelEntry, RunManifest, Seeds
from experiments.records.metrics import (
    Daily,
    Dropped,
    EndReason,
    Estimate,
    FunnelCount,
    Health,
    Latency,
    Metrics,
    Model,
    Retrieval,
    SampleRatio,
    Traffic,
)
from experiments.records.reading import write_record
from experiments.records.truth import Truth, Truths
from experiments.stages.stage import StageRecord
from tests.experiments.report.fake_truths import SHOPPERS, around, fake_truth, fake_truths

LEVELS = {  # level, standard error of the relative effect, true relative effect of one arm
    "gmv": (4.873, 0.0135, 0.027),
    "orders": (0.0712, 0.0102, 0.021),
    "uctcvr": (0.0564, 0.0094, 0.019),
    "uctr": (0.4127, 0.0041, 0.011),
    "ctr": (0.0382, 0.0038, 0.016),
    "cvr": (0.0533, 0.0088, 0.005),
    "aov": (68.44, 0.0107, 0.006),
    "zero_result_rate": (0.0214, 0.0190, -0.61),
    "abandonment": (0.5621, 0.0043, -0.009),
    "latency": (0.0312, 0.0011, 0.184),
    "baskets": (0.0579, 0.0097, 0.020),
    "basket_value": (84.16, 0.0109, 0.007),
}
CHANNELS = {
    "lexical": (200, 0.71),
    "popularity": (100, 0.33),
    "item_cf": (100, 0.22),
    "dense": (200, 0.58),
    "rewrite": (80, 0.19),
}
ENDS = ("satisfied", "bought", "out_of_patience", "frustrated", "page_too_slow", "nothing_found")
DAYS = 7


def arm_channels(arm: int) -> list[str]:
    """Control has three channels; every further arm adds one."""
    names = list(CHANNELS)
    return [names[:3], names[:4], [names[0], *names[2:]]][min(arm, 2)]


def times(interval: Interval, level: float) -> Interval:
    return Interval(*(level * number for number in interval.numbers))


def estimates(arms: list[str], rng: np.random.Generator) -> tuple[list[Estimate], list[Truth]]:
    rows, truths = [], []
    for number, arm in enumerate(arms[1:], start=1):
        for metric, (level, spread, true) in LEVELS.items():
            true = true / number
            noise = rng.normal(0.3, 0.6)
            own = [
                estimate((arms[0], arm), metric, true, noise, cuped=cuped)
                for cuped in ((False, True) if metric != "latency" else (False,))
            ]
            rows += own
            truths.append(fake_truth(metric, (arms[0], arm), level, spread, true, own[0].effect))
    return rows, truths


def estimate(
    contrast: tuple[str, str], metric: str, true: float, noise: float, *, cuped: bool
) -> Estimate:
    level, spread, _ = LEVELS[metric]
    sigma = spread * (0.82 if cuped else 1.0)
    relative = true + sigma * (noise + (0.2 if cuped else 0.0))
    z = abs(relative) / sigma
    return Estimate(
        metric=metric,
        contrast=contrast,
        design="shopper",
        n=SHOPPERS,
        n_control=SHOPPERS // 2,
        n_treatment=SHOPPERS - SHOPPERS // 2,
        control=level,
        treatment=level * (1 + relative),
        effect=times(around(relative, 1.96 * sigma), level),
        relative=around(relative, 1.96 * sigma),
        p_value=float(np.exp(-0.717 * z - 0.416 * z * z)),
        cuped=cuped,
    )


def daily(rows: list[Estimate], rng: np.random.Generator) -> list[Daily]:
    found = []
    for row in rows:
        if row.cuped or row.metric not in ("gmv", "orders", "uctcvr", "ctr"):
            continue
        half = (row.effect.high - row.effect.low) / 2
        for day in range(1, DAYS + 1):
            wide = float(half * np.sqrt(DAYS / day))
            effect = row.effect.estimate + wide * 0.35 * rng.normal() * (1 - day / DAYS)
            found.append(Daily(13 + day, row.metric, row.contrast, around(effect, wide)))
    return found


def service(arms: list[str]) -> dict[str, object]:
    """The fields of `Metrics` on funnel, latency, endings and health."""
    funnel, latency, ends, traffic = [], [], [], []
    for at, arm in enumerate(arms):
        requests = 43_210 - 177 * at
        stages = {"requests": 1.0}
        stages |= {f"recalled:{name}": CHANNELS[name][0] * 0.83 for name in arm_channels(at)}
        stages |= {"merged": 231.4 + 88 * at, "ranked": 100.0, "shown": 9.42}
        stages |= {"clicked": 0.36 + 0.006 * at, "carted": 0.051, "purchased": 0.0192 + 0.0004 * at}
        funnel += [
            FunnelCount(arm, stage, round(rate * requests), rate) for stage, rate in stages.items()
        ]
        quantiles = (0.0312, 0.0297, 0.0431, 0.0588, 0.0721)
        latency.append(Latency(arm, *(time * (1 + 0.18 * at) for time in quantiles)))
        weights = np.array([0.42, 0.041 + 0.002 * at, 0.31, 0.17 - 0.01 * at, 0.004, 0.03])
        weights /= weights.sum()
        ends += [
            EndReason(arm, reason, round(21_800 * w), w)
            for reason, w in zip(ENDS, weights.tolist(), strict=True)
        ]
        shoppers = SHOPPERS // len(arms)
        rates = 0.0214 / (1 + at), 0.5621 - 0.005 * at
        traffic.append(Traffic(arm, requests, 21_800 + at, shoppers, *rates))
    dropped = Dropped(arms[-1], "dense", "deadline", 131, 131 / 43_000, "")
    warnings = ("latency has no history period to adjust by, so it has no CUPED estimate",)
    return {
        "funnel": tuple(funnel),
        "latency": tuple(latency),
        "end_reasons": tuple(ends),
        "service": apart(arms, funnel, latency, ends),
        "health": Health(tuple(traffic), (dropped,), warnings),
    }


def apart(
    arms: list[str], funnel: list[FunnelCount], latency: list[Latency], ends: list[EndReason]
) -> tuple[Estimate, ...]:
    """How arms differ in all of these, each known to a twentieth of its level."""
    levels: dict[str, dict[str, float]] = {}
    for row in funnel:
        if row.stage != "requests" and row.per_request is not None:
            levels.setdefault(row.stage, {})[row.arm] = row.per_request
    for late in latency:
        for name in ("mean", "p50", "p90", "p99"):
            levels.setdefault(f"latency:{name}", {})[late.arm] = getattr(late, name)
    for end in ends:
        levels.setdefault(f"ended:{end.reason}", {})[end.arm] = end.share
    found = []
    for arm in arms[1:]:
        for metric, of in levels.items():
            one, two = of.get(arms[0], 0.0), of.get(arm, 0.0)
            row = Estimate(
                metric, (arms[0], arm), "shopper", SHOPPERS, SHOPPERS // 2, SHOPPERS // 2,
                one, two, around(two - one, max(one, two) / 20),
                around(two / one - 1, 0.05) if one else UNKNOWN, 0.5, False,
            )  # fmt: skip
            found.append(row)
    return tuple(found)


def models(arms: list[str]) -> tuple[Model, ...]:
    """A generative channel with two stages of training, and one ranker for each arm."""

    def at(step: int, loss: float, rate: float) -> dict[str, float]:
        return {"step": step, "loss": loss, "hit_rate_1": rate, "hit_rate_10": 3 * rate}

    stages = []
    for name, end, low in (("item", 960, 2.1), ("query", 1440, 4.7)):
        losses = [{"step": end * part // 60, "loss": low + 5 * 0.93**part} for part in range(1, 61)]
        validations = [
            at(step, low + 0.2 + 5 * 0.93 ** (60 * step / end), step / 8_000)
            for step in range(240, end + 1, 240)
        ]
        stages.append(
            {
                "stage": name,
                "stopped": "finished" if name == "item" else "patience",
                "seconds": 31.25,
                "distinct": 9_000,
                "examples": 256 * end,
                "steps": end,
                "best": validations[-1],
                "validations": validations,
                "losses": losses,
            }
        )
    ids = {"items": 9_000, "ids": 3_412, "sizes": [128, 64, 64], "perplexity": [88.1, 51.0, 40.4]}
    ids |= {"p99": 21.0, "largest": 50, "purity": 0.934, "training": stages}
    rankers = [
        {"clicks": 3_111, "ndcg": 0.612 + 0.01 * number, "shown_ndcg": 0.53}
        for number in range(len(arms))
    ]
    return (
        Model("channel", "dense", tuple(arms[1:]), ids),
        *(
            Model("ranker", "learned", (arm,), report)
            for arm, report in zip(arms, rankers, strict=True)
        ),
    )


def fake_metrics(arms: list[str], seed: int = 3) -> tuple[Metrics, Truths]:
    """What the analysis of a plausible run finds, and its true effects."""
    rng = np.random.default_rng(seed)
    rows, truths = estimates(arms, rng)
    each = SHOPPERS // len(arms)
    counts = (each + 31, *(each - 31 // (len(arms) - 1) for _ in arms[1:]))
    expected = (SHOPPERS / len(arms),) * len(arms)
    ratios = [
        SampleRatio(population, tuple(arms), counts, expected, 0.158, p)
        for population, p in (("assigned", 0.69), ("exposed", 0.41))
    ]
    retrieval = [
        Retrieval(
            name, 78, 0, 0.89 * (1 - 0.13 * at), 0.75 * (1 - 0.17 * at), 0.93 * (1 - 0.08 * at)
        )
        for at, name in enumerate(list(CHANNELS)[: len(arms) + 2])
    ]
    metrics = Metrics(
        name="demo",
        primary="gmv",
        confidence=0.95,
        estimates=tuple(rows),
        srm=tuple(ratios),
        daily=tuple(daily(rows, rng)),
        retrieval=tuple(retrieval),
        models=models(arms),
        **service(arms),
    )
    return metrics, fake_truths(arms, truths)


def bare_metrics(**more: object) -> Metrics:
    """What the analysis finds of a run in which nothing happened, but for what is given."""
    rows = ("estimates", "srm", "daily", "funnel", "latency", "end_reasons")
    known = dict.fromkeys((*rows, "retrieval", "models"), ())
    known |= {"name": "bare", "primary": "gmv", "confidence": 0.95, "health": Health((), (), ())}
    return Metrics(**known | more)


def fake_manifest(arms: list[str]) -> RunManifest:
    names = list(CHANNELS)[: len(arms) + 2]
    stages = ("catalogue", "history", "train", "experiment", "truth", "analyse", "report")
    rows = {"requests": 86_243, "exposures": 804_236}
    return RunManifest(
        name="demo",
        seed=20240611,
        created="2025-03-04T11:22:33+00:00",
        funnelab="0.1.0",
        command="funnelab run experiments/config/shipped/demo.toml --out runs/demo",
        stages=tuple(
            StageRecord(stage, f"{at:02d}9f3c2ab14e", 3.7 * (at + 1), at < 2, rows, 512)
            for at, stage in enumerate(stages)
        ),
        versions={"python": "3.11.9", "numpy": "2.2.1", "torch": "2.6.0", "simpy": "4.1.1"},
        processor="A processor (family 25)",
        kernels={"instruction_set": "avx2", "attention": "lanes", "matmul": "torch"},
        peak_memory_mb=1434,
        items=20_000,
        shoppers=30_000,
        history_days=14,
        data=(),
        arms=tuple(
            ArmEntry(arm, 1 / len(arms), tuple(arm_channels(at)), "learned")
            for at, arm in enumerate(arms)
        ),
        channels=tuple(ChannelEntry(name, name, CHANNELS[name][0]) for name in names),
        days=DAYS,
        seeds=Seeds(run=20240611, truth=1),
        log_digest="b3c1d2e4f5a69788",
    )


CONFIG = """[world]
days = 7
shoppers = 30000

[[arms]]
name = "control"
channels = ["lexical", "popularity", "item_cf"]
"""


def fake_run(folder: Path, arms: tuple[str, ...] = ("control", "treatment")) -> Path:
    """Write a whole run folder, without its report."""
    folder.mkdir(parents=True, exist_ok=True)
    for record in (*fake_metrics(list(arms)), fake_manifest(list(arms))):
        write_record(folder, record)
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    return folder


if __name__ == "__main__":
    from experiments.report import write_report

    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    names = ("control", "treatment") if count == 2 else ("control", "with_dense", "no_popularity")
    write_report(fake_run(Path(sys.argv[1]), names))
