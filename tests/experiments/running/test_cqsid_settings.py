"""Every setting of a generative channel does something in a whole run, or nothing wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from cqsid.settings import CqsidSpec
from experiments.config.schema import Config
from recall.load.settings import ServersSpec
from simulator.errors import ConfigError
from tests.cqsid.folders import bert_folder, qwen2_folder
from tests.experiments.cqsid_runs import NO_TRUTH, cached, copied, cqsid_config, stage_of
from tests.experiments.small_runs import any_touch, read, run

SCHEMES = "tests.experiments.schemes"

PLACE = "channels.cqsid"
SETTINGS: dict[str, dict[str, Any]] = {
    "the query alone": {
        "personalised": False,
        "limit": 30,
        "latency": {"base_s": 0.02, "per_item_s": 0.0, "sigma": 0.0},
        "serving.shelves": {"order": "newest", "cap": 2},
        "serving.per_beam_s": 0.001,
        "servers": {"count": 8, "batch": 2, "batch_cost": 0.2, "waiting": 50},
        "serving.by_load": [{"others": 1, "beams": 2}],
        "ids.split": {"rule": "popularity", "largest": 2, "groups": 3},
        "training.held_out": 0.0,
        "training.order_weight": 3.0,
        "training.checkpoint_seconds": 0.0,
        "text.learn_from": "log",
        "text.longest": 3,
        "text.batch_size": 64,
        "text.learning_rate": 0.01,
        "text.temperature": 0.2,
    },
    "no clicks, beams by level": {
        "prompt": {"clicks": 0, "title_subwords": 3, "query_subwords": 2},
        "serving.beams": [2, 4, 6],
        "serving.related_only": True,
        "serving.cache": 5,
        "serving.shelves.order": "popularity",
        "model.softmax": "full",
        "model.tie_embeddings": False,
        "ids.codes": [120, 4, 3],
        "ids.split": {"rule": "overflow", "capacity": 1},
    },
    "stages of training": {
        f"training.{stage}.{name}": value
        for stage in ("item", "query", "shopper")
        for name, value in {
            "learning_rate": 0.01,
            "warmup": 0.5,
            "weight_decay": 0.1,
            "clip": 0.5,
            "rehearsal": 0.3 if stage != "item" else 0.5,
            "evaluate_every": 2,
            "patience": 1,
        }.items()
    }
    | {"training.shopper.epochs": 0.5},
    "residual k-means": {
        "ids.scheme": "rkmeans",
        "ids.kmeans": {"iterations": 1, "sample": 50, "balance": False},
        "ids.split": {"rule": "two_means", "largest": 3},
        "training.shopper.epochs": 0.0,
        "augment": ["words"],
        "augment_share": 0.5,
    },
    "value-ordered last tokens": {
        "ids.scheme": "varg",
        "ids.room": 2.0,
        "ids.rqvae": {
            "batch": 32,
            "learning_rate": 0.01,
            "beta": 0.5,
            "gamma": 1.0,
            "temperature": 0.3,
            "decay": 0.9,
            "balance": True,
            "contrast": "after",
            "supervision": 0.3,
            "collaborative": 0.1,
            "diversity": 0.1,
        },
        "serving.beams": [3, 3, 3],
    },
    "a scheme of the user's": {
        "ids.scheme": "custom",
        "ids.object": f"{SCHEMES}:ByNumber",
        "ids.options.base": 7,
        "serving.beams": [2, 4],
    },
    "models of the user's": {},  # the folders come with the test
}


MADE = '[augmentations.words]\ntype = "lexical"\n'
"""What one of the runs learns from, too; those that do not name it do not make it."""


def overrides_of(settings: dict[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from (f"{PLACE}.{name}.{key}={toml(entry)}" for key, entry in value.items())
        else:
            yield f"{PLACE}.{name}={toml(value)}"


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


@pytest.fixture(scope="module")
def tried(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Config]:
    """The settings of every run, by name; each shares the history of the same small world."""
    folder = tmp_path_factory.mktemp("tried")
    folders = {
        "model.backbone": str(qwen2_folder(folder / "qwen2")),
        "text.encoder": str(bert_folder(folder / "bert")),
    }
    every = SETTINGS | {"models of the user's": folders}
    return {
        name: cqsid_config(folder, *overrides_of(settings), NO_TRUTH, more=MADE)
        for name, settings in every.items()
    }


# A run of each third in the fast suite; all are read there, and all are run where slow tests are.
@pytest.mark.parametrize(
    "name",
    [
        name if at % 3 == 0 else pytest.param(name, marks=pytest.mark.slow)
        for at, name in enumerate(SETTINGS)
    ],
)
def test_a_run_with_such_settings_serves_what_it_generates(
    tmp_path: Path, whole: Path, tried: dict[str, Config], name: str
) -> None:
    folder = run(tried[name], copied(whole, tmp_path / "run"), overwrite=True)
    found = cached(folder)
    assert found["history"]
    assert not found["channel-cqsid"]
    assert read(folder, "metrics")["health"]["dropped"] == []
    assert max(s for (event, _), s in any_touch(folder, "cqsid").items() if event == "exposure") > 0


def test_every_setting_of_the_channel_is_tried_in_one_of_these_runs(
    tried: dict[str, Config],
) -> None:
    default = leaves(CqsidSpec(servers=ServersSpec()))
    untouched = set(default) - {"type"}
    for config in tried.values():
        spec = config.channels["cqsid"]
        assert isinstance(spec, CqsidSpec)
        found = leaves(spec)
        untouched -= {name for name, value in found.items() if value != default.get(name, value)}
    # These have tests of their own; levels of a beam and numbers of codes are in `leaves`.
    assert untouched == {"checkpoint", "understanding"}


def leaves(spec: BaseModel, place: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        inner = isinstance(value, BaseModel)
        found |= leaves(value, f"{place}{name}.") if inner else {f"{place}{name}": value}
    return found


def test_the_shopper_is_heard_only_where_the_settings_say_so(
    tmp_path: Path, whole: Path, tried: dict[str, Config]
) -> None:
    folder = run(tried["the query alone"], copied(whole, tmp_path / "run"), overwrite=True)
    report = read(stage_of(folder, "channel-cqsid"), "report")
    assert [one["stage"] for one in report["training"]] == ["item", "query"]
    before = read(stage_of(whole, "channel-cqsid"), "report")
    assert [one["stage"] for one in before["training"]] == ["item", "query", "shopper"]


def test_beams_for_other_levels_stop_a_run_before_its_first_stage(tmp_path: Path) -> None:
    config = cqsid_config(tmp_path, f"{PLACE}.serving.beams=[5, 5]")
    with pytest.raises(ConfigError, match=r"channels.cqsid: serving.beams == \(5, 5\), must be"):
        run(config, tmp_path / "run")
    assert not list((tmp_path / "run" / "stages").glob("*-*"))
