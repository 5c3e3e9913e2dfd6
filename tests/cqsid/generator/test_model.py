import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from cqsid.generator.model import backbone_subwords, build_model, load_generator, save_generator
from cqsid.generator.settings import ModelSpec
from cqsid.generator.subwords import Subwords
from cqsid.generator.transformer import Weights, embed, forward
from cqsid.generator.vocabulary import Vocabulary
from simulator.errors import ConfigError, DataError

SUBWORDS = Subwords.train(["red lamp", "blue table"] * 3, 30)
VOCABULARY = Vocabulary(len(SUBWORDS), (4, 3, 2))
SPEC = ModelSpec(hidden=16, layers=2, heads=4, kv_heads=2, ffn=24)
TOKENS_BT = torch.arange(24).reshape(2, 12) % len(VOCABULARY)


def parameters(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def our_logits(model):
    weights = Weights.of(model)
    position_BT = torch.arange(12).expand(2, 12)
    mask_BTS = torch.ones(12, 12, dtype=torch.bool).tril().expand(2, 12, 12)
    hidden_BTD, _ = forward(weights, embed(weights, TOKENS_BT), position_BT, mask_BTS)
    return hidden_BTD @ weights.head_VD.T


@pytest.fixture(scope="module")
def model():
    return build_model(SPEC, VOCABULARY, seed=3)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generator")
    save_generator(folder, model, VOCABULARY, SUBWORDS)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A Qwen2 with reserved rows behind its subwords, as the published ones have."""
    folder = tmp_path_factory.mktemp("checkpoint")
    spec = SPEC.model_copy(update={"hidden": 24})
    backbone = build_model(spec, Vocabulary(len(SUBWORDS), (40,)), seed=8)
    with torch.no_grad():
        backbone.model.embed_tokens.weight[: len(SUBWORDS)] += 3.0
    save_generator(folder, backbone, VOCABULARY, SUBWORDS)
    (folder / "vocabulary.json").unlink()
    return folder


def of_backbone(folder):
    return SPEC.model_copy(update={"backbone": str(folder)})


def test_the_seed_decides_every_weight_and_the_global_generator_none(model):
    before = torch.get_rng_state()
    torch.rand(3)  # what others draw must not matter
    moved = torch.get_rng_state()
    again = build_model(SPEC, VOCABULARY, seed=3)
    assert torch.equal(torch.get_rng_state(), moved)
    torch.set_rng_state(before)
    assert same(parameters(again), parameters(model))
    assert not same(parameters(build_model(SPEC, VOCABULARY, seed=4)), parameters(model))


def test_a_model_has_the_sizes_of_its_spec(model):
    assert model.model.embed_tokens.weight.shape == (len(VOCABULARY), 16)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert len(model.model.layers) == 2
    apart = build_model(SPEC.model_copy(update={"tie_embeddings": False}), VOCABULARY, seed=3)
    assert apart.lm_head.weight is not apart.model.embed_tokens.weight


def test_a_loaded_generator_is_the_saved_one(model, saved):
    loaded = load_generator(saved, VOCABULARY)
    assert same(parameters(loaded.model), parameters(model))
    assert loaded.vocabulary == VOCABULARY
    assert loaded.subwords.encode(["red lamp"], 9).values.tolist() == (
        SUBWORDS.encode(["red lamp"], 9).values.tolist()
    )
    assert loaded.model.lm_head.weight is loaded.model.model.embed_tokens.weight
    assert not loaded.model.training


@torch.no_grad()
def test_our_forward_equals_the_library_on_a_loaded_generator(saved):
    model = load_generator(saved).model
    torch.testing.assert_close(our_logits(model), model(TOKENS_BT).logits, rtol=1e-5, atol=1e-6)


def test_saving_and_loading_says_nothing(model, tmp_path, capfd):
    save_generator(tmp_path, model, VOCABULARY, SUBWORDS)
    load_generator(tmp_path)
    assert capfd.readouterr() == ("", "")


def test_a_generator_of_another_vocabulary_is_refused(saved):
    for other in (Vocabulary(len(SUBWORDS) + 1, (4, 3, 2)), Vocabulary(len(SUBWORDS), (4, 3, 3))):
        with pytest.raises(DataError, match="must be Vocabulary"):
            load_generator(saved, other)


@pytest.mark.parametrize(
    "part", ["config.json", "model.safetensors", "tokenizer.json", "vocabulary.json"]
)
def test_a_missing_or_truncated_part_is_refused_by_name(folder, part):
    whole = (folder / part).read_bytes()
    for damaged in (whole[: len(whole) // 2], b""):
        (folder / part).write_bytes(damaged)
        with pytest.raises(DataError):
            load_generator(folder)
    (folder / part).unlink()
    with pytest.raises(DataError, match=part.removesuffix(".json")):
        load_generator(folder)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="absent"):
        load_generator(tmp_path / "absent")


def test_parts_that_disagree_are_refused(folder):
    stored = json.loads((folder / "vocabulary.json").read_text())
    (folder / "vocabulary.json").write_text(json.dumps(stored | {"sizes": [4, 3, 9]}))
    with pytest.raises(DataError, match="tokens of the model"):
        load_generator(folder)
    (folder / "vocabulary.json").write_text(json.dumps(stored | {"subwords": 3}))
    with pytest.raises(DataError, match=f"subwords == {len(SUBWORDS)}, must be 3"):
        load_generator(folder)


def test_weights_that_lack_a_tensor_are_refused_instead_of_drawn(folder):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors.pop("model.layers.1.mlp.down_proj.weight")
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"lack .*down_proj"):
        load_generator(folder)


@torch.no_grad()
def test_a_backbone_keeps_its_weights_and_gets_rows_for_our_tokens(checkpoint):
    spec = of_backbone(checkpoint)
    subwords = backbone_subwords(spec)
    vocabulary = Vocabulary(len(subwords), (50, 50, 50))
    grown = build_model(spec, vocabulary, seed=1)
    known = load_file(checkpoint / "model.safetensors")
    table_VD = grown.model.embed_tokens.weight
    assert table_VD.shape == (len(vocabulary), 24)
    assert grown.lm_head.weight is table_VD
    kept_VD = known["model.embed_tokens.weight"][: len(subwords)]
    assert torch.equal(table_VD[: len(subwords)], kept_VD)
    name = "model.layers.1.self_attn.q_proj.weight"
    assert torch.equal(parameters(grown)[name], known[name])
    torch.testing.assert_close(our_logits(grown), grown(TOKENS_BT).logits, rtol=1e-4, atol=1e-3)
    # The new rows lie among the known ones, also where the checkpoint had reserved rows.
    assert abs(table_VD[len(subwords) :].mean() - 3.0) < 0.1
    assert same(parameters(build_model(spec, vocabulary, seed=1)), parameters(grown))
    assert not same(parameters(build_model(spec, vocabulary, seed=2)), parameters(grown))


def test_a_spec_without_backbone_has_no_subwords_of_its_own():
    assert backbone_subwords(SPEC) is None


def test_a_backbone_with_fewer_tokens_than_subwords_is_refused(checkpoint):
    with pytest.raises(ConfigError, match="must be >= 5000"):
        build_model(of_backbone(checkpoint), Vocabulary(5000, (4,)), seed=1)


def test_a_backbone_of_another_architecture_is_refused_by_what_was_found(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    for change, found in (
        ({"model_type": "llama"}, "model_type == 'llama', must be 'qwen2'"),
        ({"hidden_act": "gelu"}, "hidden_act == 'gelu', must be 'silu'"),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 4.0}}, "rope_type == 'yarn'"),
    ):
        (folder / "config.json").write_text(json.dumps(config | change))
        for refused in (lambda spec: build_model(spec, VOCABULARY, seed=1), backbone_subwords):
            with pytest.raises(ConfigError, match=found):
                refused(of_backbone(folder))


def test_a_backbone_that_lacks_a_part_is_refused(checkpoint, tmp_path):
    with pytest.raises(ConfigError, match="must be a folder"):
        build_model(of_backbone("Qwen/Qwen2.5-0.5B"), VOCABULARY, seed=1)
    for part, refused in (
        ("model.safetensors", lambda spec: build_model(spec, VOCABULARY, seed=1)),
        ("config.json", lambda spec: build_model(spec, VOCABULARY, seed=1)),
        ("tokenizer.json", backbone_subwords),
    ):
        folder = shutil.copytree(checkpoint, tmp_path / part)
        (folder / part).unlink()
        with pytest.raises(ConfigError, match=part):
            refused(of_backbone(folder))


@pytest.mark.parametrize("sizes", [{"hidden": 18}, {"hidden": 12}, {"heads": 2, "kv_heads": 4}])
def test_sizes_that_do_not_divide_are_refused(sizes):
    with pytest.raises(ValueError, match="multiple"):
        ModelSpec(**({"hidden": 16} | sizes))
