"""Bad input for the generative channel, through the command: one clear message, nothing lost."""

import json
import shutil
from pathlib import Path

import pytest

from experiments.cli import run_command
from tests.cqsid.folders import bert_folder, qwen2_folder
from tests.experiments.cqsid_runs import cqsid_toml
from tests.experiments.small_runs import content

SCHEMES = "tests.experiments.schemes"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sound models in `qwen2` and `bert`; tests only read them."""
    folder = tmp_path_factory.mktemp("models")
    qwen2_folder(folder / "qwen2")
    bert_folder(folder / "bert")
    return folder


@pytest.fixture
def folder(tmp_path: Path, models: Path, small_run: Path) -> Path:
    """Copies of the models, of a finished run in `run`, and the settings in `cqsid.toml`."""
    for name in ("qwen2", "bert"):
        shutil.copytree(models / name, tmp_path / name)
    shutil.copytree(small_run, tmp_path / "run", symlinks=True)
    cqsid_toml(tmp_path)
    return tmp_path


def refusal(
    folder: Path, capsys: pytest.CaptureFixture[str], *overrides: str, status: int = 2
) -> str:
    """What the command says; all that was there stays."""
    before = content(folder)
    options = [f"channels.cqsid.{each}" for each in overrides]
    words = ["run", str(folder / "cqsid.toml"), "--out", str(folder / "run"), "--overwrite"]
    assert run_command([*words, *(word for each in options for word in ("--set", each))]) == status
    output = capsys.readouterr()
    assert output.out == ""
    *told, error = output.err.splitlines()
    if status == 3:
        assert error.startswith("Finished stages are kept: once that is mended")
        *told, error = told
    progress = [line for line in told if not line.startswith("plan: ")]
    assert error.startswith("Error: ")
    assert all(line.endswith("found in the store") for line in progress)
    assert before.items() <= content(folder).items()
    return error


SETTINGS = [
    (["serving.beams=[5, 5]"], "serving.beams == (5, 5), must be one number or 3, one for each"),
    (["ids.scheme=tiger", "serving.beams=[5, 5, 5]"], "must be one number or 4, one for each"),
    (["ids.scheme=varg", "ids.codes=[99, 9, 9, 9]", "serving.beams=[5, 5]"], "one number or 3"),
    (["serving.beams=[]"], "channels.cqsid: serving.beams == (), must be"),
    (["serving.beams=[5, 0, 5]"], "channels.cqsid.serving.beams.1 == 0, must be > 0"),
    (["serving.beams=0"], "channels.cqsid.serving.beams == 0, must be > 0"),
    (["ids.codes=[9]"], "channels.cqsid.ids.codes == "),
    (["ids.scheme=cqsd"], "channels.cqsid.ids.scheme == 'cqsd', must be"),
    (["ids.scheme=custom"], "object == None, must be set for custom schemes"),
    (["ids.object=a:B"], "object == 'a:B', must be set for custom schemes, only"),
    (["model.hidden=7"], "hidden == 7, must be an even multiple of heads"),
    (["model.heads=3"], "must be an even multiple of heads"),
    (["training.query.epochs=-1"], "channels.cqsid.training.query.epochs == -1, must be >= 0"),
    (["prompt.clicks=-1"], "channels.cqsid.prompt.clicks == -1, must be >= 0"),
    (
        ["serving.cash=3"],
        "channels.cqsid.serving.cash is not a setting, must be channels.cqsid.serving.cache",
    ),
]


@pytest.mark.parametrize(("overrides", "wanted"), SETTINGS)
def test_settings_that_cannot_work_are_refused_before_anything_is_made(
    folder: Path, capsys: pytest.CaptureFixture[str], overrides: list[str], wanted: str
) -> None:
    before = content(folder)
    assert wanted in refusal(folder, capsys, *overrides)
    assert content(folder) == before


@pytest.mark.parametrize("scheme", ["cqsid", "varg", "higen", "cqsid_no_contrast"])
def test_fewer_first_codes_than_categories_are_refused_before_training(
    folder: Path, capsys: pytest.CaptureFixture[str], scheme: str
) -> None:
    error = refusal(folder, capsys, f"ids.scheme={scheme}", "ids.codes=[3, 4, 4]")
    assert "channels.cqsid: ids.codes[0] == 3, must be >= " in error
    assert f"categories, which are the first codes of {scheme}" in error


def test_a_rate_at_which_training_does_not_converge_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refusal(folder, capsys, "training.item.learning_rate=1e12", "training.item.epochs=3")
    assert "channels.cqsid: loss == nan at step" in error
    assert "learning_rate == 1000000000000.0, must be finite: the rate is too high" in error


# --- folders of models


def without(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink()


def of_type(folder: Path, kind: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": kind}))


def halved(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


BACKBONES = [
    (lambda folder: shutil.rmtree(folder), "qwen2', must be a folder with config.json and weights"),
    (lambda folder: without(folder, "config.json"), "config.json == unreadable"),
    (lambda folder: without(folder, "model.safetensors"), "must have one of model.safetensors"),
    (lambda folder: without(folder, "tokenizer.json"), "tokenizer.json == unreadable"),
    (lambda folder: of_type(folder, "llama"), "model_type == 'llama', must be 'qwen2'"),
    (lambda folder: (folder / "config.json").write_text("{"), "config.json == unreadable"),
    (lambda folder: halved(folder / "tokenizer.json"), "tokenizer.json == unreadable"),
]


@pytest.mark.parametrize(("spoil", "wanted"), BACKBONES)
def test_a_folder_without_a_backbone_is_refused_before_anything_is_made(
    folder: Path, capsys: pytest.CaptureFixture[str], spoil, wanted: str
) -> None:
    spoil(folder / "qwen2")
    before = content(folder)
    error = refusal(folder, capsys, f"model.backbone={folder / 'qwen2'}")
    assert "Error: channels.cqsid: model.backbone" in error
    assert wanted in error
    assert content(folder) == before


def test_weights_of_a_backbone_that_are_cut_short_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    halved(folder / "qwen2" / "model.safetensors")
    error = refusal(folder, capsys, f"model.backbone={folder / 'qwen2'}")
    assert "Error: channels.cqsid: model.backbone == unreadable" in error
    assert "must be a Qwen2 model" in error


ENCODERS = [
    (lambda folder: shutil.rmtree(folder), "bert', must be a folder with config.json and weights"),
    (lambda folder: without(folder, "config.json"), "config.json == unreadable"),
    (lambda folder: without(folder, "model.safetensors"), "must have one of model.safetensors"),
    (lambda folder: without(folder, "tokenizer.json"), "must have one of ('tokenizer.json'"),
]


@pytest.mark.parametrize(("spoil", "wanted"), ENCODERS)
def test_a_folder_without_an_encoder_is_refused_before_anything_is_made(
    folder: Path, capsys: pytest.CaptureFixture[str], spoil, wanted: str
) -> None:
    spoil(folder / "bert")
    before = content(folder)
    error = refusal(folder, capsys, f"text.encoder={folder / 'bert'}")
    assert "Error: channels.cqsid: text.encoder" in error
    assert wanted in error
    assert content(folder) == before


def test_weights_of_an_encoder_that_are_cut_short_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    halved(folder / "bert" / "model.safetensors")
    error = refusal(folder, capsys, f"text.encoder={folder / 'bert'}")
    assert "Error: channels.cqsid: text.encoder == " in error
    assert "must be an encoder" in error


def test_an_encoder_whose_vectors_are_no_numbers_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(folder / "bert")
    bert_folder(folder / "bert", spoiled=True)
    error = refusal(folder, capsys, f"text.encoder={folder / 'bert'}")
    assert "Error: channels.cqsid: text.encoder == " in error
    assert "gives numbers that are not finite, must give vectors" in error


# --- schemes of the user's


def custom(name: str, *more: str) -> list[str]:
    beams = "serving.beams=4"
    return ["ids.scheme=custom", f"ids.object={name}", beams, *more]


UNMAKEABLE = [
    ("nowhere:Scheme", [], "ids.object == 'nowhere:Scheme', must name a module that is there"),
    (f"{SCHEMES}:Nothing", [], "must name an object in tests.experiments.schemes"),
    ("nonsense", [], "must be MODULE:OBJECT"),
    (
        f"{SCHEMES}:CannotAssign",
        [],
        "CannotAssign() == CannotAssign without assign, must have fit and assign",
    ),
    (f"{SCHEMES}:ByNumber", ["ids.options.bass=3"], "ByNumber(**{'bass': 3}) raised TypeError"),
]


@pytest.mark.parametrize(("name", "more", "wanted"), UNMAKEABLE)
def test_a_scheme_that_cannot_be_made_is_refused_before_anything_is_made(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, more: list[str], wanted: str
) -> None:
    before = content(folder)
    error = refusal(folder, capsys, *custom(name, *more))
    assert "Error: channels.cqsid: " in error
    assert wanted in error
    assert content(folder) == before


BROKEN = [
    (
        "CannotFit",
        "CannotFit.fit() raised KeyError('price') (tests/experiments/schemes.py, line",
    ),
    ("GivesCodes", "channels.cqsid: GivesCodes.fit() == ndarray, must be SemanticIds"),
    ("GivesFewer", "channels.cqsid: GivesFewer.fit() has 299 items, must have 300"),
    ("GivesSome", "GivesSome.fit() gives item 3 no id, must give one to every known item"),
    (
        "GivesWrongCodes",
        "GivesWrongCodes.fit() raised DataError('codes_IL[0, 1] == 10, must be 0 to 9",
    ),
]


@pytest.mark.parametrize(("name", "wanted"), BROKEN)
def test_a_scheme_that_breaks_its_protocol_stops_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, wanted: str
) -> None:
    assert wanted in refusal(folder, capsys, *custom(f"{SCHEMES}:{name}"), status=3)


def test_beams_for_other_levels_than_a_custom_schemes_are_refused_when_it_has_made_its_ids(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refusal(folder, capsys, *custom(f"{SCHEMES}:ByNumber", "serving.beams=[4, 4, 4]"))
    assert "channels.cqsid: serving.beams == (4, 4, 4), must be one number or 2" in error
