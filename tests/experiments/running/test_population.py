"""What a run tells of a file that has no prices, or texts without spaces between words."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.cli import run_command
from experiments.config.loading import load_config
from experiments.running.population import (
    ASKED,
    DRAWN,
    LOST,
    SKIPPED,
    UNSPACED,
    make_population,
    remarks,
)
from simulator.living.world import Population
from simulator.shoppers.intents import Wording
from tests.experiments.small_runs import SMALL

COLOURS, THINGS = ("赤い", "青い", "黒い", "白い", "緑の"), ("ランプ", "椅子", "机", "本棚")
SETTINGS = """
name = "shop"
seed = 3
[catalog.file]
path = "shop.csv"
bad_rows = "skip"
[catalog.file.columns]
price = ""
category = "kind"
[catalog.file.prices]
missing = "draw"
[queries]
intents = 120
[shoppers]
count = 200
visits_per_week = 7.0
[world]
history_days = 2
days = 2
[truth]
seeds = 0
[execution]
processes = 1
[ranker]
type = "merge_order"
[channels.lexical]
type = "lexical"
[channels.popular]
type = "popular"
[[arms]]
name = "control"
share = 0.5
channels = ["lexical"]
[[arms]]
name = "treatment"
share = 0.5
channels = ["lexical", "popular"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rows = [
        f"{n},{COLOURS[n % 5]}{THINGS[n % 4]}{n % 7}号,家具 > {THINGS[n % 4]}" for n in range(120)
    ]
    text = "\n".join(["id,title,kind", *rows, "120,,家具"])
    (tmp_path / "shop.csv").write_text(text, encoding="utf-8")
    path = tmp_path / "shop.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    return path


@pytest.mark.parametrize("own", [True, False])
def test_one_catalogue_meets_other_shoppers_where_it_has_a_seed_of_its_own(
    config: Path, own: bool
) -> None:
    def made(*overrides: str) -> Population:
        path, key = (config, "catalog.file.seed") if own else (SMALL, "catalog.seed")
        return make_population(load_config(path, [each.format(key=key) for each in overrides]))[0]

    first, alone, others = made("seed=8"), made("seed=9", "{key}=8"), made("seed=9")
    worth = [each.supply.truth.quality_I for each in (first, alone, others)]
    np.testing.assert_array_equal(worth[0], worth[1])
    assert not np.array_equal(worth[0], worth[2])
    np.testing.assert_array_equal(first.supply.catalog.price_I, alone.supply.catalog.price_I)
    rates = [each.shoppers.rate_S for each in (first, alone, others)]
    assert not np.array_equal(rates[0], rates[1])
    np.testing.assert_array_equal(rates[1], rates[2])


def test_what_was_done_to_a_file_is_counted_and_told(config: Path) -> None:
    settings = load_config(config)
    population, told = make_population(settings)
    assert told == {DRAWN: 120, SKIPPED: 1, UNSPACED: 120}
    said = remarks(settings, {"items": 120, **told})
    assert said[0].startswith("Prices of 120 of 120 items are not the shop's")
    assert [sentence.split()[0] for sentence in said] == ["Prices", "1", "Titles"]
    assert remarks(settings, {"items": 120}) == ()
    assert len({text for text in population.intents.texts if "ンプ" in text}) > 3


def test_the_shops_own_queries_are_asked_and_told(config: Path, tmp_path: Path) -> None:
    rows = ["query,n", f"{COLOURS[0]}{THINGS[0]},30", "qwxz,10"]
    (tmp_path / "asked.csv").write_text("\n".join(rows), encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(SETTINGS + "[demand]\npath = 'asked.csv'\ncount = 'n'\n", encoding="utf-8")
    settings = load_config(own)
    population, told = make_population(settings)
    assert (told[ASKED], told[LOST]) == (2, 25)
    first = population.intents.text_QX[:, Wording.SPECIFIC].tolist()
    assert {population.intents.texts[text] for text in first} == {rows[1][:-3], "qwxz"}
    said = remarks(settings, {"items": 120, **told})[-1]
    assert said.startswith("Shoppers ask 2 queries of the shop's own.")
    assert "25 % of them" in said


def test_a_run_tells_what_its_money_rests_on(config: Path, tmp_path: Path) -> None:
    assert run_command(["run", str(config), "--out", str(tmp_path / "run")]) == 0
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    sentence = "Prices of 120 of 120 items are not the shop&#x27;s"
    assert page.count(sentence) + page.count(sentence.replace("&#x27;", "'")) >= 2
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["health"]["warnings"][0].startswith("Prices of 120")
    zero = [row for row in metrics["estimates"] if row["metric"] == "zero_result_rate"]
    assert zero[0]["control"] < 0.3  # pairs of characters find what a query shares in part


def test_a_shorter_run_refuses_late_arrivals_though_the_catalogue_is_there(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{n},{COLOURS[n % 5]}{THINGS[n % 4]},{300_000 * (n == 7)}\n" for n in range(60))
    (tmp_path / "shop.csv").write_text(f"id,title,since\n{rows}", encoding="utf-8")
    text = SETTINGS.replace('category = "kind"', 'created_at = "since"').replace("skip", "refuse")
    config.write_text(text, encoding="utf-8")
    arguments = ["run", str(config), "--out", str(tmp_path / "run"), "--overwrite"]
    assert run_command(arguments) == 0
    assert run_command([*arguments, "--set", "world.days=1"]) == 2
    assert "id '7': since == '300000', must be at most 259200" in capsys.readouterr().err
