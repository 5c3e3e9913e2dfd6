import numpy as np
import pytest
import torch

from cqsid.generator.settings import TextSpec
from cqsid.generator.subwords import Subwords
from cqsid.generator.textencoder import TextEncoder
from cqsid.tokenizer.signals import Signals, TextVectors, catalog_texts
from recall.classic.towers import Pairs
from recall.sampleshop import sample_catalog, sample_history
from recall.storage import saved_copy
from simulator.errors import ConfigError

CATALOG = sample_catalog(150)
TEXTS = catalog_texts(CATALOG)
LOGGED = ("xqw vjk", "zzyzx")
SUBWORDS = Subwords.train([*TEXTS, *LOGGED, *LOGGED], 300)
SPEC = TextSpec(device="cpu", epochs=8, batch_size=64, dimensions=32, hidden=32)
CAMERAS = np.flatnonzero(np.arange(150) % 6 == 5).astype(np.int32)
PAIRS = Pairs(np.arange(len(CAMERAS), dtype=np.int32) % 2, CAMERAS)


def fitted(spec=SPEC, pairs=PAIRS, texts=LOGGED, seed=0):
    rng = np.random.default_rng(seed)
    return TextEncoder.fit(spec, TEXTS, texts, pairs, subwords=SUBWORDS, rng=rng)


@pytest.fixture(scope="module")
def encoder():
    return fitted()


def nearest(encoder, text):
    return np.argsort(-(encoder.items(TEXTS) @ encoder.queries([text])[0]), kind="stable")[:10]


def test_vectors_are_of_unit_length_and_of_one_space(encoder):
    for vectors in (encoder.items(TEXTS), encoder.queries(["red lamp", "camera"])):
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == SPEC.dimensions
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=2e-3)


def test_a_query_is_near_the_items_that_share_its_words(encoder):
    assert sum("camera" in TEXTS[item] for item in nearest(encoder, "camera")) >= 9


def test_a_text_of_which_nothing_is_known_gets_zeros(encoder):
    for vectors in (encoder.items(["", "ж!"]), encoder.queries(["", "ж!"])):
        assert not vectors.any()
    assert encoder.items([]).shape == (0, SPEC.dimensions)


def test_texts_embed_the_same_alone_and_in_company(encoder):
    texts = [f"{text} {n}" for n in range(8) for text in TEXTS]
    together = encoder.queries(texts)
    for row in (0, 1, 1023, 1024, len(texts) - 1):
        np.testing.assert_array_equal(encoder.queries([texts[row]])[0], together[row])


def test_a_catalogue_encoder_has_not_seen_the_log(encoder):
    without = fitted(pairs=Pairs(np.empty(0, np.int32), np.empty(0, np.int32)), texts=())
    np.testing.assert_array_equal(without.items(TEXTS), encoder.items(TEXTS))
    np.testing.assert_array_equal(without.queries(["xqw"]), encoder.queries(["xqw"]))


def test_a_log_encoder_learns_words_that_no_item_has(encoder):
    spec = SPEC.model_copy(update={"learn_from": "log", "epochs": 30})
    found = [np.isin(nearest(one, "xqw vjk"), CAMERAS).sum() for one in (encoder, fitted(spec))]
    assert found[1] == 10 > found[0]


def test_training_is_a_function_of_the_generator_and_not_of_threads(encoder):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if before > 1 else 2)
        again = fitted()
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(again.items(TEXTS), encoder.items(TEXTS))
    assert (fitted(seed=1).items(TEXTS) != encoder.items(TEXTS)).any()


def test_an_encoder_survives_pickling(encoder):
    copy = saved_copy(encoder)
    np.testing.assert_array_equal(copy.queries(TEXTS), encoder.queries(TEXTS))


def test_an_encoder_serves_the_signals_of_identifier_schemes(encoder):
    vectors: TextVectors = encoder
    signals = Signals.of(CATALOG, sample_history(CATALOG), vectors)
    assert signals.item_ID.shape == (150, SPEC.dimensions)
    assert len(signals.query_QD) == signals.pair_query_P.max() + 1


def test_without_units_every_text_is_unknown():
    none = Subwords.train([], 50)
    rng = np.random.default_rng(0)
    spec = SPEC.model_copy(update={"epochs": 1})
    encoder = TextEncoder.fit(spec, TEXTS, LOGGED, PAIRS, subwords=none, rng=rng)
    assert not encoder.items(TEXTS).any()


def test_an_encoder_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"text\.encoder"):
        fitted(SPEC.model_copy(update={"encoder": str(tmp_path / "absent")}))
