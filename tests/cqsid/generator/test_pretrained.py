import json
import shutil

import numpy as np
import pytest
import torch

from cqsid.generator.checkpoints import quiet
from cqsid.generator.pretrained import PretrainedEncoder
from cqsid.generator.settings import TextSpec
from cqsid.generator.subwords import Subwords
from cqsid.generator.textencoder import TextEncoder
from recall.classic.towers import Pairs
from recall.storage import saved_copy
from simulator.errors import ConfigError

TEXTS = ["red lamp", "blue table 200", "lamp", "", "a blue red lamp table", "table"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny BERT with a word-piece tokenizer, its words and its marks."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += ["red", "blue", "lamp", "table", "200", "a"]
    vocabulary = {word: number for number, word in enumerate(words)}
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
    )
    with quiet(), torch.random.fork_rng(devices=[]):
        BertModel(config).save_pretrained(folder)
        BertTokenizerFast(vocab=vocabulary).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def encoder(folder):
    return PretrainedEncoder(folder, device="cpu")


def test_vectors_equal_the_masked_mean_of_a_padded_batch(folder, encoder):
    from transformers import AutoModel, AutoTokenizer

    with quiet(), torch.no_grad():
        tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
        batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
        mask = batch["attention_mask"][..., None]
        states = model.eval()(**batch).last_hidden_state
    mean_ND = ((states * mask).sum(dim=1) / mask.sum(dim=1)).numpy()
    expected = mean_ND / np.linalg.norm(mean_ND, axis=1, keepdims=True)
    found = encoder.items(TEXTS)
    full = [0, 1, 2, 4, 5]
    np.testing.assert_allclose(found[full], expected[full], atol=5e-4)
    assert not found[3].any()
    assert found.dtype == np.float32


def test_texts_embed_the_same_alone_and_in_company(encoder):
    texts = [" ".join(TEXTS[(n * k) % 6] for k in range(1, 4)) for n in range(150)]
    together = encoder.queries(texts)
    for row in (0, 1, 77, 149):
        np.testing.assert_array_equal(encoder.queries([texts[row]])[0], together[row])


def test_items_and_queries_are_read_alike_and_no_texts_are_no_special_case(encoder):
    np.testing.assert_array_equal(encoder.items(TEXTS), encoder.queries(TEXTS))
    assert encoder.items([]).shape == (0, 16)


def test_a_long_text_is_cut(folder):
    short = PretrainedEncoder(folder, longest=4, device="cpu")
    one, other = short.items(["red lamp table blue", "red lamp 200"])
    np.testing.assert_array_equal(one, other)
    assert short.items(["red " * 5000]).any()


def test_an_encoder_survives_pickling(encoder):
    copy = saved_copy(encoder)
    np.testing.assert_array_equal(copy.items(TEXTS), encoder.items(TEXTS))


def test_a_spec_that_names_an_encoder_gets_it_untrained(folder, encoder):
    vectors = TextEncoder.fit(
        TextSpec(encoder=str(folder), device="cpu"),
        TEXTS,
        (),
        Pairs(np.empty(0, np.int32), np.empty(0, np.int32)),
        subwords=Subwords.train([], 10),
        rng=np.random.default_rng(0),
    )
    np.testing.assert_array_equal(vectors.items(TEXTS), encoder.items(TEXTS))


def test_opening_an_encoder_says_nothing_and_draws_nothing(folder, capfd):
    before = torch.get_rng_state()
    PretrainedEncoder(folder, device="cpu").items(TEXTS)
    assert torch.equal(torch.get_rng_state(), before)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("part", ["config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_part_is_refused(folder, tmp_path, part):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / part).write_bytes((copy / part).read_bytes()[:100])
    with pytest.raises(ConfigError, match="unreadable"):
        PretrainedEncoder(copy)
    (copy / part).unlink()
    with pytest.raises(ConfigError, match=part):
        PretrainedEncoder(copy)


def test_a_folder_without_a_tokenizer_is_refused(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    for path in copy.glob("*token*"):
        path.unlink()
    with pytest.raises(ConfigError, match="encoder"):
        PretrainedEncoder(copy)


def test_weights_of_another_model_are_refused_instead_of_drawn(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ConfigError, match="lacks weights"):
        PretrainedEncoder(copy)
