"""A run folder with plausible numbers, as the analysis would write it, for tests and for looking.

`python tests/experiments/fake_run.py FOLDER [arms]` writes one and its report.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

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
SHOPPERS = 24_312


def arm_channels(arm: int) -> list[str]:
    """Control has three channels; every further arm adds one."""
    names = list(CHANNELS)
    return [names[:3], names[:4], [names[0], *names[2:]]][min(arm, 2)]


def estimates(arms: list[str], rng: np.random.Generator) -> tuple[list[Any], list[Any]]:
    rows, truths = [], []
    for number, arm in enumerate(arms[1:], start=1):
        for metric, (level, spread, true) in LEVELS.items():
            true = true / number
            noise = rng.normal(0.3, 0.6)
            for cuped in (False, True) if metric != "latency" else (False,):
                sigma = spread * (0.82 if cuped else 1.0)
                relative = true + sigma * (noise + (0.2 if cuped else 0.0))
                low, high = relative - 1.96 * sigma, relative + 1.96 * sigma
                z = abs(relative) / sigma
                rows.append(
                    {
                        "metric": metric,
                        "contrast": [arms[0], arm],
                        "design": "shopper",
                        "n": SHOPPERS,
                        "n_control": SHOPPERS // 2,
                        "n_treatment": SHOPPERS - SHOPPERS // 2,
                        "control": level,
                        "treatment": level * (1 + relative),
                        "effect": level * relative,
                        "effect_low": level * low,
                        "effect_high": level * high,
                        "relative": relative,
                        "relative_low": low,
                        "relative_high": high,
                        "p_value": float(np.exp(-0.717 * z - 0.416 * z * z)),
                        "cuped": cuped,
                    }
                )
            plain = next(r for r in rows if r["metric"] == metric and r["contrast"][1] == arm)
            gte = level * true
            truths.append(
                {
                    "metric": metric,
                    "contrast": [arms[0], arm],
                    "gte": gte,
                    "gte_low": gte - 0.3 * level * spread,
                    "gte_high": gte + 0.3 * level * spread,
                    "gte_relative": true,
                    "naive": plain["effect"],
                    "naive_low": plain["effect_low"],
                    "naive_high": plain["effect_high"],
                    "bias": plain["effect"] - gte,
                    "covered": plain["effect_low"] <= gte <= plain["effect_high"],
                    "pairing_factor": 11.3,
                    "seeds": 1,
                    "n": SHOPPERS,
                }
            )
    return rows, truths


def daily(arms: list[str], rows: list[Any], rng: np.random.Generator) -> list[Any]:
    found = []
    for row in rows:
        if row["cuped"] or row["metric"] not in ("gmv", "orders", "uctcvr", "ctr"):
            continue
        half = (row["effect_high"] - row["effect_low"]) / 2
        for day in range(1, DAYS + 1):
            wide = half * np.sqrt(DAYS / day)
            effect = row["effect"] + wide * 0.35 * rng.normal() * (1 - day / DAYS)
            found.append(
                {
                    "metric": row["metric"],
                    "contrast": row["contrast"],
                    "day": 13 + day,
                    "effect": effect,
                    "effect_low": effect - wide,
                    "effect_high": effect + wide,
                }
            )
    return found


def shares(arms: list[str]) -> list[Any]:
    found = []
    for at, arm in enumerate(arms):
        for channel in arm_channels(at):
            base = CHANNELS[channel][1]
            for event, lift, wide in (
                ("exposure", 1.0, 0.003),
                ("click", 1.06, 0.009),
                ("purchase", 1.12, 0.021),
                ("gmv", 1.1, 0.034),
            ):
                share = min(0.97, base * lift * (1 - 0.05 * at))
                found.append(
                    {
                        "channel": channel,
                        "event": event,
                        "rule": "any_touch",
                        "arm": arm,
                        "share": share,
                        "low": share - wide,
                        "high": min(1.0, share + wide),
                    }
                )
    return found


def overlap(arms: list[str]) -> list[Any]:
    found = []
    for at, arm in enumerate(arms):
        names = arm_channels(at)
        sets = [
            [name for bit, name in enumerate(names) if code >> bit & 1] for code in range(1, 16)
        ]
        sets = [list(one) for one in dict.fromkeys(tuple(one) for one in sets) if one]
        weights = np.array([np.prod([CHANNELS[n][1] for n in one]) for one in sets])
        for event, tilt in (("exposure", 1.0), ("purchase", 1.4)):
            share = weights**tilt / (weights**tilt).sum()
            total = 402_118 if event == "exposure" else 1_731
            found += [
                {
                    "arm": arm,
                    "event": event,
                    "channels": one,
                    "count": round(total * float(part)),
                    "share": float(part),
                }
                for one, part in zip(sets, share, strict=True)
            ]
    return found


def service(arms: list[str]) -> dict[str, Any]:
    funnel, latency, ends, traffic = [], [], [], []
    for at, arm in enumerate(arms):
        requests = 43_210 - 177 * at
        stages = {"requests": 1.0}
        stages |= {f"recalled:{name}": CHANNELS[name][0] * 0.83 for name in arm_channels(at)}
        stages |= {"merged": 231.4 + 88 * at, "ranked": 100.0, "shown": 9.42}
        stages |= {"clicked": 0.36 + 0.006 * at, "carted": 0.051, "purchased": 0.0192 + 0.0004 * at}
        funnel += [
            {"arm": arm, "stage": stage, "count": round(rate * requests), "per_request": rate}
            for stage, rate in stages.items()
        ]
        times = {"mean": 0.0312, "p50": 0.0297, "p90": 0.0431, "p99": 0.0588, "max": 0.0721}
        latency.append({"arm": arm} | {key: t * (1 + 0.18 * at) for key, t in times.items()})
        weights = np.array([0.42, 0.041 + 0.002 * at, 0.31, 0.17 - 0.01 * at, 0.004, 0.03])
        weights /= weights.sum()
        ends += [
            {"arm": arm, "reason": reason, "sessions": round(21_800 * w), "share": float(w)}
            for reason, w in zip(ENDS, weights, strict=True)
        ]
        traffic.append(
            {
                "arm": arm,
                "requests": requests,
                "sessions": 21_800 + at,
                "shoppers": SHOPPERS // len(arms),
                "zero_result_rate": 0.0214 / (1 + at),
                "abandonment": 0.5621 - 0.005 * at,
            }
        )
    dropped = [
        {
            "arm": arms[-1],
            "channel": "dense",
            "reason": "deadline",
            "requests": 131,
            "share": 131 / 43_000,
            "detail": "",
        }
    ]
    warnings = ["latency has no history period to adjust by, so it has no CUPED estimate"]
    health = {"requests": traffic, "dropped": dropped, "warnings": warnings}
    return {"funnel": funnel, "latency": latency, "end_reasons": ends, "health": health}


def models(arms: list[str]) -> list[Any]:
    """A generative channel with two stages of training, and one ranker for each arm."""

    def at(step: int, loss: float, rate: float) -> dict[str, Any]:
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
        {"clicks": 3_111, "ndcg": 0.612 + 0.01 * number, "merge_ndcg": 0.53}
        for number in range(len(arms))
    ]
    return [
        {"model": "channel", "name": "dense", "arms": arms[1:], "report": ids},
        *(
            {"model": "ranker", "name": "learned", "arms": [arm], "report": report}
            for arm, report in zip(arms, rankers, strict=True)
        ),
    ]


def fake_metrics(arms: list[str], seed: int = 3) -> tuple[dict[str, Any], dict[str, Any]]:
    """metrics.json and truth.json of a plausible run."""
    rng = np.random.default_rng(seed)
    rows, truths = estimates(arms, rng)
    each = SHOPPERS // len(arms)
    ratios = [
        {
            "population": population,
            "arms": arms,
            "counts": [each + 31, *[each - 31 // (len(arms) - 1)] * (len(arms) - 1)],
            "expected": [SHOPPERS / len(arms)] * len(arms),
            "statistic": 0.158,
            "p_value": p,
        }
        for population, p in (("assigned", 0.69), ("exposed", 0.41))
    ]
    retrieval = [
        {
            "channel": name,
            "queries": 78,
            "recall_at_100": 0.89 * (1 - 0.13 * at),
            "ndcg_at_10": 0.75 * (1 - 0.17 * at),
            "judged_at_10": 0.93 * (1 - 0.08 * at),
        }
        for at, name in enumerate(list(CHANNELS)[: len(arms) + 2])
    ]
    metrics = {
        "schema": 1,
        "name": "demo",
        "primary": "gmv",
        "confidence": 0.95,
        "estimates": rows,
        "srm": ratios,
        "shares": shares(arms),
        "daily": daily(arms, rows, rng),
        "overlap": overlap(arms),
        "retrieval": retrieval,
        "models": models(arms),
        **service(arms),
    }
    return metrics, {"schema": 1, "truth": truths}


def fake_manifest(arms: list[str]) -> dict[str, Any]:
    names = list(CHANNELS)[: len(arms) + 2]
    stages = ("catalogue", "history", "train", "experiment", "truth", "analyse", "report")
    return {
        "schema": 1,
        "name": "demo",
        "seed": 20240611,
        "created": "2025-03-04T11:22:33+00:00",
        "funnelab": "0.1.0",
        "command": "funnelab run experiments/config/shipped/demo.toml --out runs/demo",
        "stages": [
            {
                "name": stage,
                "key": f"{at:02d}9f3c2ab14e",
                "seconds": 3.7 * (at + 1),
                "cached": at < 2,
                "rows": {"requests": 86_243, "exposures": 804_236},
            }
            for at, stage in enumerate(stages)
        ],
        "versions": {"python": "3.11.9", "numpy": "2.2.1", "torch": "2.6.0", "simpy": "4.1.1"},
        "peak_memory_mb": 1434.2,
        "arms": [
            {"name": arm, "share": 1 / len(arms), "channels": arm_channels(at)}
            for at, arm in enumerate(arms)
        ],
        "channels": [{"name": name, "type": name, "limit": CHANNELS[name][0]} for name in names],
        "items": 20_000,
        "shoppers": 30_000,
        "history_days": 14,
        "days": DAYS,
        "seeds": {"world": 20240611, "train": 7},
        "log_digest": "b3c1d2e4f5a69788",
    }


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
    metrics, truth = fake_metrics(list(arms))
    contents = {"metrics": metrics, "truth": truth, "manifest": fake_manifest(list(arms))}
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    return folder


if __name__ == "__main__":
    from experiments.report import write_report

    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    names = ("control", "treatment") if count == 2 else ("control", "with_dense", "no_popularity")
    write_report(fake_run(Path(sys.argv[1]), names))
