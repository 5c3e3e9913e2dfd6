"""How much sooner interleaving is sure of a difference than a split of shoppers.

    python -m tests.benchmarks.interleaving --folder runs/interleaving

For each click model a shop is lived up to the end of its history, and its models are trained. Then
the same days are lived with everybody in control, with everybody in treatment, with pages that
both arms fill, and with requests or sessions split. A design's sensitivity is the square of its
expected z-score for each request that it takes: (effect / standard error)^2 / requests, each square
less what is luck in it. Of a split of shoppers the effect is that between the two whole worlds, and
the error that of halves of them. The gain is the ratio of two sensitivities: as many times more
requests does a split of shoppers need. Its interval is the bootstrap's over shoppers (their luck
and traits; the models are given), of 95 %.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

import duckdb
import numpy as np

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.running.models import Trained
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.running.worlds import WorldJob, open_world
from experiments.stages.progress import NoProgress
from ranking.interleaving.draft import draft
from simulator.behaviour.clickmodels import Cascade, ClickModel, DynamicBayesian, PositionBased

MODELS = {
    "pbm": 'world.behavior.click_model.type="pbm"',
    "cascade": 'world.behavior.click_model.type="cascade"',
    "dbn": 'world.behavior.click_model.type="dbn"',
}
"""Settings by click model."""

CONTRASTS = {
    "order": ('arms.control.ranker={type="merge_order"}',),
    "channel": ('arms.control.channels=["popular"]',),
}
"""Settings by what the arms differ in: the ranker, or channels that know the query."""

BASE = """
name = "interleaving"
seed = 1
device = "cpu"
[catalog]
items = 2000
[shoppers]
count = 2500
[world]
history_days = 10
days = 5
[world.behavior]
outside = 8.0 # who buys more readily, so that there are orders to count
[channels.lexical]
type = "lexical"
[channels.popular]
type = "popular"
[channels.dense]
type = "dense"
[ranker]
type = "boosted"
[[arms]]
name = "control"
share = 0.5
channels = ["lexical", "popular", "dense"]
[[arms]]
name = "treatment"
share = 0.5
channels = ["lexical", "popular", "dense"]
[truth]
seeds = 0
headroom = 0
retrained = []
[execution]
processes = 1
"""

DESIGNS = {
    "interleaving": {"type": "interleaving"},
    "session": {"type": "session"},
    "request": {"type": "request"},
}
METRICS = {"clicks": "clicked::INTEGER", "orders": "1"}
TABLES = {"clicks": "exposures", "orders": "orders"}
ROUNDS = 400
SATISFIED = 0.6
"""Chance that a click ends the reading of a lone page, under the dynamic Bayesian model."""


@dataclass(frozen=True)
class Sums:
    """What shoppers did in some worlds of one design, a row for each shopper and luck.

    Attributes:
        requests_UA: requests by the arm that served.
        done_UA: by metric, what was done with the items of each arm.
        shopper_U: who it was.
    """

    requests_UA: np.ndarray
    done_UA: Mapping[str, np.ndarray]
    shopper_U: np.ndarray


@contextmanager
def trained_pipeline(config: Config, folder: Path) -> Iterator[tuple[Pipeline, Trained]]:
    """The stages of a run up to its models, in a folder that keeps them."""
    with open_run(config, folder, NoProgress(), overwrite=True) as maker:
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        channels, early = pipeline.models.channels(catalogue, history)
        yield pipeline, pipeline.models.trained(catalogue, history, channels, early)


def jobs(config: Config, folder: Path) -> Iterator[tuple[str, Callable[[str], WorldJob]]]:
    """What makes the world of each design with some luck, once the models are trained."""
    with trained_pipeline(config, folder) as (pipeline, trained):
        for arm, name in enumerate(("control", "treatment")):
            yield name, one_arm(pipeline, arm, trained)
        for name, spec in DESIGNS.items():
            yield name, split(pipeline, spec, trained)


def one_arm(pipeline: Pipeline, arm: int, trained: Trained) -> Callable[[str], WorldJob]:
    return lambda luck: pipeline.one_arm("study", luck, arm, trained, followed=False)


def split(
    pipeline: Pipeline, design: Mapping[str, object], trained: Trained
) -> Callable[[str], WorldJob]:
    dumped = pipeline.config.model_dump(exclude_unset=True)
    config = Config.model_validate({**dumped, "design": design})
    return lambda luck: replace(pipeline.experiment(trained), config=config, luck=luck)


def lived(job: WorldJob, folder: Path, shoppers: int) -> Sums:
    """The sums of one world, whose log is not kept."""
    rmtree(folder, ignore_errors=True)
    open_world(job, folder).run(lambda requests: None)
    done = {name: summed(folder, TABLES[name], value, shoppers) for name, value in METRICS.items()}
    requests_UA = summed(folder, "requests", "1", shoppers)
    rmtree(folder)
    return Sums(requests_UA, done, np.arange(shoppers))


def summed(log: Path, table: str, value: str, shoppers: int) -> np.ndarray:
    """(S, 2) sums by shopper and arm."""
    found = duckdb.sql(
        f"SELECT shopper, arm, sum({value})::DOUBLE AS n "
        f"FROM read_parquet('{log / table}/*.parquet') GROUP BY ALL"
    ).fetchnumpy()
    sums = np.zeros((shoppers, 2))
    np.add.at(sums, (found["shopper"], found["arm"]), found["n"])
    return sums


def joined(parts: list[Sums]) -> Sums:
    """Several lucks as one."""
    return Sums(
        np.concatenate([each.requests_UA for each in parts]),
        {name: np.concatenate([each.done_UA[name] for each in parts]) for name in METRICS},
        np.concatenate([each.shopper_U for each in parts]),
    )


def sensitivities(
    worlds: Mapping[str, Sums], metric: str, weight_S: np.ndarray
) -> dict[str, float]:
    """By design, its sensitivity for each request; with weights of shoppers (a bootstrap's)."""
    found = {}
    one, two = worlds["control"], worlds["treatment"]
    w_U = weight_S[one.shopper_U]
    base_U, treated_U = (each.done_UA[metric].sum(axis=1) for each in (one, two))
    requests = sum((w_U * each.requests_UA.sum(axis=1)).sum() for each in (one, two)) / 2
    apart_U = treated_U - base_U
    effect, luck = moments(apart_U, w_U)
    error = 2 * (moments(base_U, w_U)[1] + moments(treated_U, w_U)[1])  # n / 2 in each arm
    found["shopper"] = (effect**2 - luck) / error / requests
    for name in DESIGNS:
        each = worlds[name]
        w_U = weight_S[each.shopper_U]
        done_UA, asked_UA = each.done_UA[metric], each.requests_UA
        if name == "interleaving":
            effect, luck = moments(done_UA[:, 1] - done_UA[:, 0], w_U)
        else:  # a ratio of sums in each arm, linearised
            level_A = (w_U @ done_UA) / (w_U @ asked_UA)
            z_UA = (done_UA - level_A * asked_UA) / (w_U @ asked_UA) * w_U.sum()
            effect = level_A[1] - level_A[0]
            luck = moments(z_UA[:, 1] - z_UA[:, 0], w_U)[1]
        found[name] = (effect**2 - luck) / luck / (w_U @ asked_UA.sum(axis=1))
    return found


def moments(value_U: np.ndarray, w_U: np.ndarray) -> tuple[float, float]:
    """Weighted mean over units, and the squared error of it."""
    total = w_U.sum()
    mean = float(w_U @ value_U / total)
    return mean, float(w_U @ (value_U - mean) ** 2 / total / total)


@dataclass(frozen=True)
class Gain:
    """How many times the sensitivity of a split of shoppers a design has.

    Attributes:
        gain, low, high: with the bootstrap's interval of 95 %.
        effect: of whole worlds, relative to control.
        preference: of interleaved pages, relative to control's slots.
    """

    metric: str
    design: str
    gain: float
    low: float
    high: float
    effect: float
    preference: float


def gains(worlds: Mapping[str, Sums], shoppers: int, seed: int = 0) -> list[Gain]:
    """Of every metric and design."""
    rng = np.random.default_rng(seed)
    rows = []
    for metric in METRICS:
        point = sensitivities(worlds, metric, np.ones(shoppers))
        drawn = [
            sensitivities(
                worlds, metric, rng.multinomial(shoppers, np.full(shoppers, 1 / shoppers))
            )
            for _ in range(ROUNDS)
        ]
        control, treatment = (worlds[n].done_UA[metric].sum() for n in ("control", "treatment"))
        slots = worlds["interleaving"].done_UA[metric].sum(axis=0)
        for design in DESIGNS:
            ratio_R = np.array([each[design] / each["shopper"] for each in drawn])
            low, high = np.quantile(ratio_R, [0.025, 0.975])
            rows.append(
                Gain(
                    *(metric, design, point[design] / point["shopper"], float(low), float(high)),
                    effect=float(treatment / control - 1),
                    preference=float(slots[1] / slots[0] - 1),
                )
            )
    return rows


def on_one_page(
    model: ClickModel, *, pages: int = 300_000, slots: int = 10, better: float = 1.2, seed: int = 0
) -> tuple[float, float, float]:
    """The gain where all shoppers are alike, see one page each, and arms share no item.

    That is what theory speaks of (Iizuka, Morita and Kato, "Theoretical analysis on the efficiency
    of interleaved comparisons", ECIR 2023): interleaving gains where shoppers leave by what they
    have seen. Both arms' items attract by the same law, one arm's some times as much.

    Returns:
        the gain over a split of pages, with an interval of 95 % over pages.
    """
    rng = np.random.default_rng(seed)
    item_N = np.arange(slots, dtype=np.int32)
    orders = np.tile(item_N, (pages, 1)), np.tile(item_N + slots, (pages, 1))
    first_BR = rng.integers(0, 2, (pages, slots)).astype(np.int8)
    found = draft(orders, first_BR, np.full(pages, slots))
    phone_B = np.zeros(pages, bool)

    def clicked(attraction_BK: np.ndarray) -> np.ndarray:
        luck = [rng.random(attraction_BK.shape, np.float32) for _ in range(2)]
        if isinstance(model, DynamicBayesian):
            luck.append(rng.random(attraction_BK.shape) < SATISFIED)
        return model(attraction_BK, phone_B, *luck)[1]

    of_arm = [rng.uniform(0.05, 0.35, (pages, slots)).astype(np.float32) for _ in range(2)]
    of_arm[1] = np.minimum(better * of_arm[1], 1.0).astype(np.float32)
    one_B, two_B = (clicked(each).sum(axis=1).astype(float) for each in of_arm)
    team, column = found.team_BD, found.column_BD
    mixed = np.where(
        team == 0,
        *(np.take_along_axis(each, column.astype(np.intp), axis=1) for each in of_arm),
    )
    mixed_BK = clicked(mixed)
    apart_B = (mixed_BK * np.where(team == 1, 1.0, -1.0)).sum(axis=1)

    def gain(rows: np.ndarray) -> float:
        effect, error = (two_B - one_B)[rows].mean(), 2 * (one_B[rows].var() + two_B[rows].var())
        return float(apart_B[rows].mean() ** 2 / apart_B[rows].var() / (effect**2 / error))

    parts = np.array_split(np.arange(pages), 30)
    left_out = [gain(np.concatenate(parts[:n] + parts[n + 1 :])) for n in range(30)]
    point, error = gain(np.arange(pages)), np.std(left_out) * np.sqrt(29)  # jackknife
    return point, point - 1.96 * error, point + 1.96 * error


def study(folder: Path, model: str, contrast: str, *overrides: str, lucks: int = 3) -> list[Gain]:
    """Live the worlds of a click model and a contrast, and compare the designs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "base.toml").write_text(BASE)
    own = (MODELS[model], *CONTRASTS[contrast], *overrides)
    config = load_config(folder / "base.toml", own)
    count = config.shoppers.count
    worlds = {
        name: joined([lived(make(f"study.{n}"), folder / "log", count) for n in range(lucks)])
        for name, make in jobs(config, folder / model / contrast)
    }
    return gains(worlds, count)


def main() -> None:
    """Print the table of docs/designs.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--lucks", type=int, default=3)
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--contrast", action="append", choices=CONTRASTS)
    parser.add_argument("--set", action="append", default=[])
    chosen = parser.parse_args()
    for click_model in (PositionBased(), Cascade(), DynamicBayesian()):
        gain, low, high = on_one_page(click_model)
        print(f"{click_model.type:8} one page          {gain:7.2f} ({low:.2f} to {high:.2f})")
    for model in chosen.model or MODELS:
        for contrast in chosen.contrast or CONTRASTS:
            for row in study(chosen.folder, model, contrast, *chosen.set, lucks=chosen.lucks):
                print(
                    f"{model:8} {contrast:8} {row.metric:7} {row.design:13} {row.gain:7.2f} "
                    f"({row.low:.2f} to {row.high:.2f}) effect {row.effect:+.1%} "
                    f"preference {row.preference:+.1%}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
