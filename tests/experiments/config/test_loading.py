"""Settings that cannot work are refused, all at once, by place, value found and value wanted."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from experiments.config.defaults import with_defaults
from experiments.config.loading import load_config, resolved_toml
from experiments.config.schema import Config
from experiments.config.tomlfiles import shipped_configs
from recall.registry import CustomSpec
from simulator.errors import ConfigError
from simulator.files.settings import FileCatalog

SMALL = """
name = "small"
seed = 3
[catalog]
items = 50
[shoppers]
count = 10
[world]
days = 1
[channels.lexical]
type = "lexical"
[channels.dense]
type = "dense"
[ranker]
type = "learned"
[[arms]]
name = "control"
share = 0.5
channels = ["lexical"]
[[arms]]
name = "dense"
share = 0.5
channels = ["lexical", "dense"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def refusal(file: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(file, overrides)
    return str(caught.value)


def test_a_small_file_gives_a_whole_config(file: Path) -> None:
    config = load_config(file)
    assert (config.catalog.items, config.shoppers.count, config.world.days) == (50, 10, 1)
    assert list(config.channels) == ["lexical", "dense"]
    assert config.control == "control"


@pytest.mark.parametrize("name", shipped_configs())
def test_shipped_configs_are_valid_and_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    config = load_config(name)
    again = tmp_path / "config.toml"
    again.write_text(resolved_toml(config))
    assert config.name == name
    assert load_config(again) == config


# --- values that are missing, unknown, mistyped or out of range

SCALARS = [
    ("world.days=0", "world.days == 0, must be >= 1 (length of the experiment (days))"),
    ("world.days=2.5", "world.days == 2.5, must be a whole number (length of the experiment"),
    ('world.days="2"', "world.days == '2', must be a whole number"),
    ("world.days=true", "world.days == True, must be a whole number"),
    ("shoppers.count=0", "shoppers.count == 0, must be >= 1 (shoppers)"),
    ("catalog.items=0", "catalog.items == 0, must be >= 1 (catalogue size (items))"),
    ("seed=-1", "seed == -1, must be >= 0 (all luck of the run)"),
    ("log.candidate_rate=nan", "log.candidate_rate == nan, must be"),
    ("device=gpu", "device == 'gpu', must be 'auto', 'cpu' or 'cuda'"),
    ("name=../up", "name == '../up', must be a text like"),
    ("world=3", "world == 3, must be a table"),
    ("arms=[]", "arms == 0 entries, must be at least 2"),
    ("arms.dense.share=0", "arms.dense.share == 0, must be > 0"),
    ("arms.dense.channels=lexical", "arms.dense.channels == 'lexical', must be a list"),
    ("channels.dense.limit=0", "channels.dense.limit == 0, must be > 0"),
    ("channels.dense.type=densee", "channels.dense == {'type': 'densee'}, must be of type"),
    ("truth.seeds=-1", "truth.seeds == -1, must be >= 0"),
    ("execution.processes=0", "execution.processes == 0, must be >= 1"),
    ("analysis.confidence=95", "analysis.confidence == 95, must be < 1"),
    ("world.index_refresh=7", "world.index_refresh == 7, must divide a day"),
]


@pytest.mark.parametrize(("override", "wanted"), SCALARS)
def test_an_impossible_value_is_named_with_what_it_must_be(
    file: Path, override: str, wanted: str
) -> None:
    assert wanted in refusal(file, override)


def test_an_override_is_named_as_the_place_of_its_error(file: Path) -> None:
    assert refusal(file, "world.days=0").startswith("--set world.days=0: world.days == 0")


def test_all_problems_are_told_at_once(file: Path) -> None:
    file.write_text(SMALL.replace("days = 1", "dayz = 1").replace("seed = 3", 'seed = "x"'))
    lines = refusal(file, "shoppers.count=0").splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{file}: seed == 'x', must be a whole number")
    assert lines[1].startswith("--set shoppers.count=0: shoppers.count == 0")
    assert "world.dayz == 1 is not a setting, must be world.days (the closest known)" in lines[2]


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("seed = 3", "sede = 3", "sede == 3 is not a setting, must be seed (the closest known)"),
        ("items = 50", "itmes = 50", "must be catalog.items (the closest known)"),
        ('type = "dense"', 'type = "dense"\nlimt = 3', "channels.dense.limt == 3 is not a setting"),
        ('name = "control"\nshare', "shares", "arms.0.name is missing, must be given"),
        ("[ranker]\n", "[ranker_]\n", "is not a setting, must be ranker (the closest known)"),
        (
            'name = "small"',
            "",
            "name is missing, must be given (name of the run and of its folder)",
        ),
        ("[catalog]", "[catalog.file]", "catalog.file.path is missing, must be given"),
        (
            'type = "dense"',
            "limit = 3",
            "channels.dense == {'limit': 3}, must be a table with a key `type`",
        ),
    ],
)
def test_unknown_and_missing_keys_are_named(file: Path, old: str, new: str, wanted: str) -> None:
    file.write_text(SMALL.replace(old, new))
    assert wanted in refusal(file)


# --- parts that do not fit each other

CROSS = [
    (["arms.dense.share=0.4"], "arms.share == [0.5, 0.4], sum 0.9, must sum to 1"),
    (["arms.dense.name=control"], "arms.name == 'control' 2 times, must be unique"),
    (["control=contorl"], "control == 'contorl', must be control (the closest known)"),
    (
        ['arms.dense.channels=["lexical", "dence"]'],
        "arms.dense.channels == 'dence', must be dense (the closest known)",
    ),
    (['arms.dense.channels=["dense", "dense"]'], "must name each channel once"),
    (["arms.control.limits.dense=5"], "must be for one of the arm's channels: lexical"),
    (['truth.arms=["control", "x"]'], "truth.arms == 'x', must be one of control, dense"),
    (['truth.arms=["dense"]'], "truth.arms == ['dense'], must include 'control'"),
    (["analysis.primary=gvm"], "analysis.primary == 'gvm', must be gmv (the closest known)"),
    (["funnel.merge.quotas.lexicla=3"], "funnel.merge.quotas.lexicla == 3, must be for lexical"),
    (["arms.dense.merge.weights.x=1"], "arms.dense.merge.weights.x == 1.0, must be for one of"),
    (["funnel.slots=12"], "shoppers.desktop_slots == 20, must be <= funnel.slots (12)"),
]


@pytest.mark.parametrize(("overrides", "wanted"), CROSS)
def test_parts_that_do_not_fit_are_named(file: Path, overrides: list[str], wanted: str) -> None:
    assert wanted in refusal(file, *overrides)


def test_shares_may_miss_one_by_rounding_only(file: Path) -> None:
    load_config(file, ["arms.dense.share=0.5000000001"])
    assert "must sum to 1" in refusal(file, "arms.dense.share=0.500001")


def test_more_channels_than_provenance_has_bits_are_refused(file: Path) -> None:
    more = "".join(f'[channels.c{n}]\ntype = "popular"\n' for n in range(30))
    file.write_text(SMALL + more)
    assert "channels == 32 entries, must be at most 31" in refusal(file)


# --- files that cannot be read


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"seed = 1\nname = \xff\n", r"line 2 == b'\xff', must be UTF-8"),
        (b"seed = 1\nname = \n", "line 2"),
        (b"", "name is missing, must be given"),
    ],
)
def test_a_spoiled_file_is_named_with_its_line(file: Path, content: bytes, wanted: str) -> None:
    file.write_bytes(content)
    assert f"{file}: " in refusal(file)
    assert wanted in refusal(file)


def test_a_config_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="CONFIG == 'dmeo', must be a TOML file or demo"):
        load_config("dmeo")
    shipped = (
        "chain-judges, cqsid, cqsid-100k, cqsid-icecat, demo, eg-grpo, erlang, exclusivity, "
        "icecat, judges, "
        "judges-in-use, "
        "market-balance, "
        "quality-against-latency, rewards, rewriting, share-lift, stress, understanding, "
        "when-generative-pays"
    )
    with pytest.raises(ConfigError, match=f"must be a TOML file or one of {shipped}"):
        load_config(tmp_path)


# --- overrides


def test_overrides_reach_lists_by_name_and_by_number(file: Path) -> None:
    config = load_config(file, ["arms.control.share=0.25", "arms.1.share=0.75"])
    assert [arm.share for arm in config.arms] == [0.25, 0.75]


def test_overrides_may_add_what_has_a_default(file: Path) -> None:
    overrides = ["arms.dense.limits.dense=7", "world.market.restock_at=0.5", "truth.seeds=2"]
    config = load_config(file, overrides)
    assert config.arms[1].limits == {"dense": 7}
    assert (config.world.market.restock_at, config.truth.seeds) == (0.5, 2)


@pytest.mark.parametrize("text", ["2024", "true", '"quoted"', "plain words", "a=b"])
def test_where_a_text_is_wanted_any_text_is_taken(file: Path, text: str) -> None:
    file.write_text(SMALL.replace('type = "dense"', 'type = "custom"\nobject = "a:b"'))
    config = load_config(file, [f"channels.dense.object={text}"])
    assert config.channels["dense"].object == text.strip('"')  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ("world.dyas=3", "world.dyas is not a setting, must be world.days (the closest known)"),
        ("wrold.days=3", "wrold is not a setting, must be world (the closest known)"),
        ("arms.dnese.share=1", "arms.dnese is not a setting, must be arms.dense"),
        ("arms.2.share=1", "arms.2 is not a setting, must be one of control, dense"),
        ("channels.popular.limit=3", "channels.popular is not a setting"),
        ("seed.deep=3", "seed.deep is not a setting, must be left out"),
        ("seed", "--set seed, must be path.to.key=value"),
        ("=3", "--set =3, must be path.to.key=value"),
        ("world..days=3", "must be path.to.key=value"),
    ],
)
def test_an_override_of_no_setting_is_refused(file: Path, override: str, wanted: str) -> None:
    assert wanted in refusal(file, override)


# --- data paths


def _file_path(file: Path, *overrides: str) -> Path:
    catalog = load_config(file, overrides).catalog
    assert isinstance(catalog, FileCatalog)
    return Path(catalog.file.path)


def test_data_paths_start_at_the_config_or_where_set_was_typed(file: Path) -> None:
    file.write_text(SMALL.replace("[catalog]\nitems = 50", '[catalog.file]\npath = "x/items.csv"'))
    assert _file_path(file) == file.parent / "x" / "items.csv"
    assert _file_path(file, "catalog.file.path=items.csv") == Path.cwd() / "items.csv"
    anywhere = Path("$FUNNELAB_DATA/a.csv")  # stays: the importer knows where the data are
    assert _file_path(file, f"catalog.file.path={anywhere}") == anywhere


# --- writing settings


@pytest.mark.parametrize("name", shipped_configs())
def test_a_shipped_config_is_written_as_toml_that_loads_to_an_equal_one(
    name: str, tmp_path: Path
) -> None:
    config = load_config(name)
    path = tmp_path / "resolved.toml"
    path.write_text(resolved_toml(config), encoding="utf-8")
    assert load_config(path) == config


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
scalars = texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | numbers
options = st.dictionaries(
    texts,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


@given(options)
def test_whatever_options_a_plug_in_has_are_written(options: dict[str, Any]) -> None:
    mine = CustomSpec(object="my_shop:Mine", options=options | {"nothing": None})
    config = load_config("demo")
    config = config.model_copy(update={"channels": config.channels | {"mine": mine}})
    written = tomllib.loads(resolved_toml(config))["channels"]["mine"]["options"]
    assert written == options


@given(
    share=st.floats(0.001, 0.999),
    seed=st.integers(0, 2**63 - 1),
    limits=st.dictionaries(st.sampled_from(["lexical", "dense"]), st.integers(1, 500)),
    price_sigma=st.floats(0.001, 3.0),
)
def test_resolved_settings_load_to_an_equal_config(
    tmp_path_factory: pytest.TempPathFactory,
    share: float,
    seed: int,
    limits: dict[str, int],
    price_sigma: float,
) -> None:
    raw = tomllib.loads(SMALL)
    raw["seed"], raw["catalog"]["price_sigma"] = seed, price_sigma
    raw["arms"][0]["share"], raw["arms"][1]["share"] = share, 1 - share
    raw["arms"][1]["limits"] = limits
    config = Config.model_validate(with_defaults(raw))
    path = tmp_path_factory.mktemp("resolved") / "config.toml"
    path.write_text(resolved_toml(config))
    assert load_config(path) == config


def test_the_schema_describes_every_section() -> None:
    sections = Config.model_json_schema()["properties"]
    assert set(Config.model_fields) == set(sections)
    assert sections["seed"]["description"] == "all luck of the run"


def test_what_a_shopper_does_next_are_parts_of_one_chance():
    both = ["world.sessions.next_page=0.6", "world.sessions.reformulate=0.6"]
    with pytest.raises(ConfigError, match=r"reformulate == 0\.6 \+ 0\.6, must be <= 1"):
        load_config("demo", both)


def test_a_list_whose_entries_are_wrong_is_not_called_too_short():
    with pytest.raises(ConfigError) as error:
        load_config("demo", ["arms.control.share=2"])
    assert "entries, must be at least" not in str(error.value)
