"""Whatever settings say, they are refused with a word or accepted rightly: never a traceback.

The slow tests try 90,000 cases; those that broke something once are kept as fast ones.
"""

import random
from collections import Counter
from pathlib import Path

import pytest

from experiments.config.loading import load_config, resolved_toml
from experiments.config.overrides import parse_toml
from experiments.config.tomlfiles import shipped_configs
from simulator.errors import ConfigError
from tests.experiments.config.fuzzing import mutated, override, places, spoiled, tried
from tests.experiments.config.test_loading import SMALL

BASES = [SMALL, *(path.read_text(encoding="utf-8") for path in shipped_configs().values())]
FEW, MANY = 250, 30_000


def settings_of(luck: random.Random) -> str:
    return luck.choice(BASES)


def values(folder: Path, cases: int, seed: int) -> Counter[str]:
    luck, found = random.Random(seed), Counter[str]()
    for _ in range(cases):
        path = folder / "case.toml"
        path.write_text(mutated(parse_toml(settings_of(luck), "base"), luck), encoding="utf-8")
        found[tried(path)] += 1
    return found


def texts(folder: Path, cases: int, seed: int) -> Counter[str]:
    luck, found = random.Random(seed), Counter[str]()
    for _ in range(cases):
        path = folder / "case.toml"
        path.write_bytes(spoiled(settings_of(luck), luck))
        found[tried(path)] += 1
    return found


def overrides(folder: Path, cases: int, seed: int) -> Counter[str]:
    luck, found, path = random.Random(seed), Counter[str](), folder / "case.toml"
    path.write_text(SMALL, encoding="utf-8")
    whole = parse_toml(resolved_toml(load_config(path)), "resolved")
    paths = [".".join(map(str, each)) for each in places(whole)]
    for _ in range(cases):
        some = tuple(override(paths, luck) for _ in range(luck.choice((1, 1, 1, 2, 3))))
        found[tried(path, some)] += 1
    return found


KINDS = (values, texts, overrides)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_some_hundred_cases_break_nothing(tmp_path: Path, kind) -> None:
    found = kind(tmp_path, FEW, 1)
    assert min(found["refused"], found["accepted"]) > 0


@pytest.mark.slow
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_many_cases_break_nothing(tmp_path: Path, kind) -> None:
    assert kind(tmp_path, MANY, 2).total() == MANY


FOUND = [
    (("ranker.learned.hidden=[0.5]",), "ranker.learned.hidden.1 is missing, must be given"),
    (("world=x", "world.days=3"), "world == 'x', must be a table to set days in it"),
    (("world.days=" + "1" * 5_000,), "a number of thousands of digits"),
    (("world.days=0x" + "f" * 9_000,), "a number of thousands of digits"),
    (("world.days=" + "[" * 3_000,), "must be at most 64 deep"),
    (("arms=[]", "arms.0.share=0.5"), "arms.0 is not a setting"),
    (("sweep={over={queries={variety=[0.1, 9223372036854775807]}}}",), "queries.variety[1] == 92"),
    (("analysis.metrics=[]", "analysis.metrics.-1.name=x"), "analysis.metrics.-1 is not a setting"),
]


@pytest.mark.parametrize(("some", "told"), FOUND, ids=lambda each: str(each)[:40])
def test_what_broke_once_is_refused(tmp_path: Path, some: tuple[str, ...], told: str) -> None:
    (tmp_path / "case.toml").write_text(SMALL)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "case.toml", some)
    assert told in str(caught.value)
