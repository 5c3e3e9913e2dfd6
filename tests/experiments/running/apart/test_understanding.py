"""Catalogue steps of a run: who reads what they fill, and how they are measured."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.config.loading import load_config
from experiments.notebook.results import open_run
from experiments.running.models import CATALOG, MODEL, load_saved
from experiments.running.parts.filling import GUESSES
from ranking.judges.itementities import MOST_VALUES, ItemEntities
from recall.channel import Channel
from recall.understanding.filledcatalog import FilledCatalog
from simulator.catalogue.catalog import Catalog
from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.errors import ConfigError, StoreError
from simulator.protocols import Requests
from simulator.randomness import Draws
from tests.experiments.small_runs import PLAIN, SMALL, read, run, small_config, stage

CHEAP = ('ranker.type="merge_order"', "truth.seeds=0", "world.days=1")
PUBLISHED = "\n[catalog.structured]\n"
STEPS = """
[understanding.nothing]
type = "none"

[understanding.linear]
type = "linear"
confidence = 0.5

[understanding.twin]
permuted = true
confidence = 0.5

[understanding.own]
type = "custom"
object = "tests.experiments.plugins:FirstValue"
confidence = 0.4

[channels.lexical_nothing]
type = "lexical"
understanding = "nothing"

[channels.lexical_linear]
type = "lexical"
understanding = "linear"

[channels.dense_nothing]
type = "dense"
epochs = 1
buckets = 1024
understanding = "nothing"

[annotations]
pairs = 300

[judges.logistic]
type = "logistic"

[judges.logistic_nothing]
type = "logistic"
understanding = "nothing"

[judges.entities]
type = "entities"
understanding = "linear"

[[arms]]
name = "nothing"
share = 0.25
channels = ["lexical_nothing", "dense_nothing", "popular"]

[[arms]]
name = "linear"
share = 0.25
channels = ["lexical_linear", "dense", "popular"]
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a shop that publishes values which nobody reads."""
    folder = tmp_path_factory.mktemp("published")
    return run(small_config(*CHEAP, more=PUBLISHED, folder=folder), folder / "run")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, plain: Path) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    text = (PUBLISHED + STEPS).replace("share = 0.5", "share = 0.25")
    config = small_config(
        *CHEAP, "arms.0.share=0.25", "arms.1.share=0.25", more=text, folder=folder
    )
    return run(config, folder / "run", like=plain)


def catalog_of(folder: Path, step: str) -> FilledCatalog:
    found: FilledCatalog = load_saved(stage(folder, f"understanding-{step}") / CATALOG)
    return found


def public_of(folder: Path) -> Catalog:
    found: Catalog = load_saved(stage(folder, "catalogue") / CATALOG)
    return found


def model_of(folder: Path, name: str) -> Any:
    return load_saved(stage(folder, name) / MODEL)


def found_by(folder: Path, channel: str) -> tuple[np.ndarray, np.ndarray]:
    model: Channel = model_of(folder, f"channel-{channel}")
    public = public_of(folder)
    texts = tuple(" ".join(title.split()[-2:]) for title in public.title_I[:60])
    found = model.recall(Requests.of_texts(texts), 20)
    return found.items_BN, found.scores_BN


def test_a_step_that_fills_nothing_leaves_a_channel_as_it_is(filled: Path) -> None:
    for one, other in zip(
        found_by(filled, "lexical"), found_by(filled, "lexical_nothing"), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_what_is_trained_differs_by_what_a_step_fills_and_not_by_luck(filled: Path) -> None:
    dense, same = (model_of(filled, f"channel-{name}") for name in ("dense", "dense_nothing"))
    np.testing.assert_array_equal(same.item_vectors, dense.item_vectors)
    judge, also = (model_of(filled, f"judge-{name}") for name in ("logistic", "logistic_nothing"))
    np.testing.assert_array_equal(also.model.weight_F, judge.model.weight_F)


def test_a_channel_finds_what_its_step_has_filled(filled: Path) -> None:
    catalog, public = catalog_of(filled, "linear"), public_of(filled)
    assert catalog.added_I is not None
    added = np.flatnonzero(catalog.added_I != "")
    named = np.flatnonzero((catalog.category_I >= 0) & (public.category_I < 0))
    assert len(added) + len(named) > 5
    one, other = found_by(filled, "lexical"), found_by(filled, "lexical_linear")
    assert (one[0] != other[0]).any()


def test_channels_that_name_no_step_are_those_of_a_run_without_any(
    plain: Path, filled: Path
) -> None:
    for name in ("channel-lexical", "channel-popular", "history"):
        assert stage(plain, name).name == stage(filled, name).name


def test_a_step_that_nobody_reads_changes_no_log(plain: Path, tmp_path: Path) -> None:
    more = PUBLISHED + '[understanding.dictionary]\ntype = "dictionary"\n'
    folder = run(small_config(*CHEAP, more=more, folder=tmp_path), tmp_path / "run", like=plain)
    assert read(folder, "manifest")["log_digest"] == read(plain, "manifest")["log_digest"]
    assert open_run(folder).understanding["step"].unique().tolist() == ["dictionary"]


def test_a_judge_by_entities_has_the_filled_values(filled: Path) -> None:
    catalog, public = catalog_of(filled, "linear"), public_of(filled)
    more, fewer = (
        (ItemEntities.of(each).entity_IM[:, -MOST_VALUES:] >= 0).sum() for each in (catalog, public)
    )
    assert more >= fewer
    assert (ItemEntities.of(catalog).entity_IM[:, 0] >= 0).sum() > (public.category_I >= 0).sum()
    judge = load_saved(stage(filled, "judge-entities") / MODEL)
    np.testing.assert_array_equal(judge._entities.entity_IM, ItemEntities.of(catalog).entity_IM)


def test_what_is_filled_is_measured_against_the_truth(filled: Path) -> None:
    found = open_run(filled)
    assert set(found.understanding["step"]) == {"nothing", "linear", "twin", "own"}
    share = found.understanding.set_index(["step", "part", "measure"])["share"].to_dict()
    assert share["nothing", "told", "filled"] == 0
    assert share["linear", "told", "accuracy"] > share["twin", "told", "accuracy"] + 0.2
    assert share["linear", "category", "accuracy"] > 0.6
    gain = found.understanding_recall.set_index(["step", "filling"])["gain"].to_dict()
    assert gain["", "oracle"] > 0
    assert gain["nothing", "sure"] == 0
    told = found.understanding_confidence
    assert told["confidence"].between(told["low"], told["high"]).all()
    page = (filled / "report.html").read_text()
    assert 'id="understanding"' in page
    assert "Right, of those filled" in page


def test_a_run_without_steps_says_how_to_have_them(plain: Path) -> None:
    with pytest.raises(StoreError, match=r"no understanding.json, .* with understanding"):
        _ = open_run(plain).understanding


def test_guesses_of_any_confidence_are_kept_beside_what_is_filled(filled: Path) -> None:
    guesses = load_saved(stage(filled, "understanding-own") / GUESSES)
    assert (guesses.confidence_IV == 0.5).any()
    catalog = catalog_of(filled, "own")
    assert catalog.structured is not None
    assert (catalog.structured.values_IV[:, 0] >= 0).all()


def test_without_values_categories_alone_are_filled_and_measured(tmp_path: Path) -> None:
    more = "[understanding.linear]\nconfidence = 0.5\n"
    more += '[understanding.dictionary]\ntype = "dictionary"\n'
    more += '[channels.named]\ntype = "lexical"\nunderstanding = "linear"\n'
    folder = run(small_config(*CHEAP, more=more, folder=tmp_path), tmp_path / "run")
    found = open_run(folder).understanding
    assert set(found["part"]) == {"category"}
    share = found.set_index(["step", "measure"])["share"]
    assert share["linear", "accuracy"] > 0.6
    assert set(open_run(folder).understanding_confidence["of"]) == {"category"}
    page = (folder / "report.html").read_text()
    assert "The shop publishes no attribute values: steps fill categories alone." in page
    assert read(folder, "understanding")["published"] == 0
    filled = catalog_of(folder, "linear")
    assert filled.structured is None
    assert (filled.category_I >= 0).sum() > (public_of(folder).category_I >= 0).sum()


@pytest.fixture(scope="module")
def own_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a shop that was read from a file with two attributes, and of requests of them."""
    folder = tmp_path_factory.mktemp("file")
    shop = generate_supply(CatalogSpec(items=600, categories=8, attributes=0.95), Draws(3))
    catalog, names = shop.catalog, ("one", "two", "three", "four", "five")
    told = {name: [""] * len(catalog) for name in names}
    for item, row in enumerate(shop.truth.values_IV.tolist()):
        for value in [value for value in row if value >= 0 and (item + value) % 3]:
            told[names[value % len(names)]][item] = shop.value_words[value][0]
    known = catalog.category_I >= 0
    paths = np.array([*catalog.categories, ""], object)[catalog.category_I]
    columns = {"id": catalog.key_I, "title": catalog.title_I, "price": catalog.price_I, **told}
    columns |= {"description": catalog.description_I, "kind": np.where(known, paths, "")}
    pd.DataFrame(columns).to_csv(folder / "shop.csv", index=False)
    mapped = ", ".join(f'{name} = "{name}"' for name in names)
    steps, _, _ = STEPS.partition("[channels.")
    text = SMALL.read_text().replace("[catalog]\nitems = 300\n", FILE.format(mapped=mapped))
    (folder / "own.toml").write_text(text + steps)
    config = load_config(folder / "own.toml", (*PLAIN, *CHEAP, "stress.conditions.positives=60"))
    return run(config, folder / "run")


FILE = """
[catalog.file]
path = "shop.csv"

[catalog.file.columns]
description = "description"
category = "kind"
attributes = {{ {mapped} }}
"""


def test_steps_of_a_file_are_measured_by_what_is_hidden_from_them(own_file: Path) -> None:
    record = read(own_file, "understanding")
    assert record["against"] == "hidden"
    found = open_run(own_file).understanding
    assert set(found["part"]) == {"told", "untold", "category"}
    share = found.set_index(["step", "part", "measure"])["share"].to_dict()
    assert share["nothing", "told", "filled"] == 0
    assert share["linear", "told", "accuracy"] > share["twin", "told", "accuracy"] + 0.2
    assert share["linear", "category", "accuracy"] > 0.6
    assert set(open_run(own_file).understanding_confidence["of"]) == {"category"}
    recall = (
        open_run(own_file).understanding_recall.set_index(["step", "filling"])["gain"].to_dict()
    )
    assert recall["", "oracle"] > 0
    public: Catalog = load_saved(stage(own_file, "catalogue") / CATALOG)
    lessened: Catalog = load_saved(stage(own_file, "lessened") / CATALOG)
    cells = [sum(len(row) for row in found) for found in (told_by(public), told_by(lessened))]
    assert record["published"] == pytest.approx(cells[1] / cells[0])
    assert "is not known without a truth" in (own_file / "report.html").read_text()


def told_by(catalog: Catalog) -> list[list[int]]:
    assert catalog.structured is not None
    return [row[row >= 0].tolist() for row in catalog.structured.values_IV]


def test_conditions_of_a_file_are_what_it_publishes(own_file: Path) -> None:
    record = read(own_file, "stress")
    assert record["against"] == "published"
    assert len(record["wins"]) > 0
    assert "Conditions are what the file publishes" in (own_file / "report.html").read_text()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "[understanding.linear]\ncorrections = true\n",
            "understanding.linear.corrections == true, must be false where the shop publishes no a",
        ),
        (
            f'{PUBLISHED}[channels.more]\ntype = "lexical"\nunderstanding = "linear"\n',
            "channels.more.understanding == 'linear'",
        ),
        (
            f'{PUBLISHED}[judges.one]\nunderstanding = "linear"\n',
            "judges.one.understanding == 'linear'",
        ),
        (f'{PUBLISHED}[understanding.w]\ntype = "writre"\n', "'linear', 'custom', 'writer'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        small_config(more=more, folder=tmp_path)


def test_a_step_that_could_fill_nothing_is_refused(tmp_path: Path) -> None:
    more = "[understanding.linear]\n"
    wanted = "understanding.linear.type == 'linear', must be left out where the shop publishes neit"
    with pytest.raises(ConfigError, match=wanted):
        small_config("catalog.missing_category=0", more=more, folder=tmp_path)
