"""A trained system in a folder: the same answers, or a clear refusal."""

import json
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import Qwen2ForCausalLM

from cqsid.channel import CqsidChannel
from cqsid.generator.model import model_of
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.saved import SAVED, load_learned, save_learned
from cqsid.tokenizer.ids import SemanticIds
from recall.sampleshop import sample_catalog, sample_index, sample_requests
from recall.storage import save, saved_copy
from simulator.errors import ConfigError, ContractError, DataError, StoreError
from simulator.log.history import History
from tests.cqsid.models import random_model
from tests.cqsid.shop import tiny_shop
from tests.cqsid.small import SMALL, fitted_channel, small_spec

DAY = 86_400.0


@pytest.fixture(scope="module")
def catalog():
    return tiny_shop()[0]


@pytest.fixture(scope="module")
def saved(catalog, tmp_path_factory):
    """A saved system; tests only read it."""
    folder = tmp_path_factory.mktemp("saved") / "system"
    save_learned(folder, fitted_channel().learned, catalog)
    return folder


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def served(folder, catalog, **changes):
    """A channel that serves a checkpoint; it learns nothing, so it is given no log."""
    channel = CqsidChannel(small_spec(checkpoint=str(folder), **changes))
    channel.fit(catalog, History.empty(), rng=np.random.default_rng(0))
    return channel


def assert_same_answers(one, other, catalog):
    requests, index = sample_requests(catalog, 60), sample_index(catalog)
    for at in (None, index.at, 1e9 + 2 * DAY):  # the last after new items have come
        if at is not None:
            for channel in (one, other):
                channel.refresh(replace(index, at=at), 0)
        found, wanted = (channel.recall(requests, 30) for channel in (one, other))
        np.testing.assert_array_equal(found.items_BN, wanted.items_BN)
        np.testing.assert_array_equal(found.scores_BN, wanted.scores_BN)
        assert (found.items_BN >= 0).any()


def sealed(folder):
    """Write the digests anew, as a forger would."""
    import cqsid.saved as module

    facts = json.loads((folder / SAVED).read_text())
    facts["files"] = {name: module._digest(folder / name) for name in facts["files"]}
    (folder / SAVED).write_text(json.dumps(facts))


# --- the same answers


def test_a_saved_and_loaded_system_answers_bit_for_bit_as_before(saved, catalog):
    assert_same_answers(served(saved, catalog), fitted_channel(), catalog)


def test_a_loaded_system_saves_to_the_same_files(saved, catalog, tmp_path):
    save_learned(tmp_path / "again", load_learned(saved, catalog), catalog)
    folders = (saved, tmp_path / "again")
    one, other = (json.loads((folder / SAVED).read_text()) for folder in folders)
    assert len(one["files"]) >= 6
    assert one == other


def test_a_served_checkpoint_can_be_kept_by_a_run(saved, catalog):
    channel = saved_copy(served(saved, catalog))
    assert_same_answers(channel, fitted_channel(), catalog)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("shape", [{}, {"num_key_value_heads": 2}, {"head_dim": 12}])
def test_a_model_of_weights_has_these_weights(tied, shape):
    theta = {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}
    vocabulary = Vocabulary(20, (4, 3, 2))
    model = random_model(vocabulary, tie_word_embeddings=tied, rms_norm_eps=1e-5, **shape, **theta)
    again = model_of(Weights.of(model).detached())
    one, other = model.state_dict(), again.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert (again.lm_head.weight is again.model.embed_tokens.weight) == tied
    tokens_BT = torch.arange(14).reshape(2, 7)
    with torch.no_grad():
        assert torch.equal(model(tokens_BT).logits, again(tokens_BT).logits)
    for name in ("heads", "kv_heads", "head_size", "rope_theta", "epsilon"):
        assert getattr(Weights.of(again), name) == getattr(Weights.of(model), name)


def test_making_a_model_of_weights_leaves_torchs_random_state(saved, catalog):
    weights, state = load_learned(saved, catalog).weights, torch.random.get_rng_state()
    model_of(weights)
    assert torch.equal(state, torch.random.get_rng_state())


def test_items_that_enter_at_other_times_are_served_by_the_times_of_this_catalogue(saved, catalog):
    later = replace(catalog, created_at_I=catalog.created_at_I + 5 * DAY)
    found = load_learned(saved, later).signals.created_at_I
    np.testing.assert_array_equal(found, later.created_at_I)


def test_training_and_serving_settings_beside_a_checkpoint_change_what_they_say_alone(
    saved, catalog
):
    prompt = SMALL.prompt.model_copy(update={"clicks": 0, "query_subwords": 1})
    model = SMALL.model.model_copy(update={"softmax": "full", "layers": 3})
    assert_same_answers(
        served(saved, catalog, prompt=prompt, model=model), fitted_channel(), catalog
    )
    serving = SMALL.serving.model_copy(update={"beams": 2})
    narrow = served(saved, catalog, serving=serving)
    found = narrow.recall(sample_requests(catalog, 20), 60)
    ids = [np.unique(narrow.learned.ids.sid_I[row[row >= 0]]) for row in found.items_BN]
    assert max(len(each) for each in ids) == 2


# --- where it may be written


def test_a_folder_with_something_in_it_is_not_written_into(catalog, tmp_path):
    (tmp_path / "thesis").write_text("precious")
    with pytest.raises(StoreError, match="exists, must be a new or empty folder"):
        save_learned(tmp_path, fitted_channel().learned, catalog)
    with pytest.raises(StoreError, match="exists, must be a new"):
        save_learned(tmp_path / "thesis", fitted_channel().learned, catalog)
    with pytest.raises(StoreError, match="must be a folder to write into"):
        save_learned(tmp_path / "thesis" / "inside", fitted_channel().learned, catalog)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]
    assert (tmp_path / "thesis").read_text() == "precious"


def test_a_system_that_cannot_be_saved_leaves_no_folder(catalog, tmp_path):
    learned = replace(fitted_channel().learned, scheme=lambda: None)
    with pytest.raises(ContractError, match=r"system\.scheme == <function .*, must be data"):
        save_learned(tmp_path / "system", learned, catalog)
    assert list(tmp_path.iterdir()) == []


def test_a_system_of_another_catalogue_is_not_saved(tmp_path):
    with pytest.raises(DataError, match="60 items, must be 40"):
        save_learned(tmp_path / "system", fitted_channel().learned, sample_catalog(40))


# --- what is refused


def other_catalogues(catalog):
    titles = catalog.title_I.copy()
    titles[7] = titles[7] + " xl"
    moved = np.where(np.arange(len(catalog)) == 7, -1, catalog.category_I).astype(np.int32)
    names = ("Other", *catalog.categories[1:])
    return {
        "fewer items": tiny_shop(50)[0],
        "another title": replace(catalog, title_I=titles),
        "another category": replace(catalog, category_I=moved),
        "another name of a category": replace(catalog, categories=names),
    }


@pytest.mark.parametrize(
    "which", ["fewer items", "another title", "another category", "another name of a category"]
)
def test_a_checkpoint_of_another_catalogue_is_refused(saved, catalog, which):
    other = other_catalogues(catalog)[which]
    wanted = f"of a catalogue of 60 items .*, must be of this one of {len(other)} items"
    with pytest.raises(DataError, match=wanted):
        served(saved, other)


@pytest.mark.parametrize(
    "name",
    [
        "ids.npz",
        "system.safetensors",
        "config.json",
        "model.safetensors",
        "vocabulary.json",
        "tokenizer.json",
    ],
)
def test_a_file_that_is_missing_or_cut_short_is_named(copy, catalog, name):
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=f"{name} == SHA-256 .*, must be .* as it was saved"):
        served(copy, catalog)
    sealed(copy)
    with pytest.raises(DataError, match=", must be "):
        served(copy, catalog)
    (copy / name).unlink()
    with pytest.raises(DataError, match=f"{name} == missing, must be there"):
        served(copy, catalog)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "unreadable .*, must be whole JSON"),
        ('{"version": 1', "unreadable .*, must be whole JSON"),
        ("[1]", "unreadable .*, must be whole JSON"),
        ('{"version": 1, "items": 60}', "unreadable .*, must be whole JSON"),
    ],
)
def test_a_table_of_contents_that_is_not_whole_is_refused(copy, catalog, text, wanted):
    (copy / SAVED).write_text(text)
    with pytest.raises(DataError, match=f"(?s){SAVED} == {wanted}"):
        served(copy, catalog)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("version", 1, "version == 1, must be 2: save it anew"),
        ("files", {}, "files lack ids.npz, must name all"),
    ],
)
def test_a_table_of_contents_of_another_kind_is_refused(copy, catalog, name, value, wanted):
    facts = json.loads((copy / SAVED).read_text())
    (copy / SAVED).write_text(json.dumps(facts | {name: value}))
    with pytest.raises(DataError, match=wanted):
        served(copy, catalog)


def test_edited_ids_are_refused_even_where_they_are_a_sound_table(copy, catalog):
    ids = SemanticIds.load(copy / "ids.npz")
    swapped = ids.codes_IL[np.r_[1, 0, 2 : len(ids)]]
    assert (swapped != ids.codes_IL).any()
    SemanticIds(swapped, ids.sizes).save(copy / "ids.npz")
    with pytest.raises(DataError, match=r"ids.npz == SHA-256 .* cut short or edited"):
        served(copy, catalog)


def test_ids_of_other_items_or_codes_are_refused_even_with_a_forged_digest(copy, catalog):
    ids = SemanticIds.load(copy / "ids.npz")
    SemanticIds(ids.codes_IL[:50], ids.sizes).save(copy / "ids.npz")
    sealed(copy)
    with pytest.raises(DataError, match=r"ids.npz: 50 items, must be 60"):
        served(copy, catalog)
    wider = (ids.sizes[0] + 1, *ids.sizes[1:])
    SemanticIds(ids.codes_IL, wider).save(copy / "ids.npz")
    sealed(copy)
    with pytest.raises(DataError, match=r" has codes .*, must be .* as ids.npz"):
        served(copy, catalog)


def test_a_file_of_something_else_is_refused(copy, catalog):
    save(copy / "system.safetensors", {"vectors": 1})
    sealed(copy)
    with pytest.raises(DataError, match=r"system.safetensors == dict, must be a saved system's"):
        served(copy, catalog)


def test_a_pickle_is_refused_and_not_read(copy, catalog):
    (copy / "system.safetensors").write_bytes(pickle.dumps({"vectors": 1}))
    sealed(copy)
    with pytest.raises(DataError, match=r"checkpoint: .*system.safetensors == unreadable"):
        served(copy, catalog)


def test_a_saved_system_is_a_folder_that_transformers_and_tokenizers_read(saved):
    model = Qwen2ForCausalLM.from_pretrained(saved, local_files_only=True)
    units = Tokenizer.from_file(str(saved / "tokenizer.json"))
    vocabulary = json.loads((saved / "vocabulary.json").read_text())
    assert units.get_vocab_size() == vocabulary["subwords"]
    assert len(model.model.embed_tokens.weight) >= vocabulary["subwords"]
    assert not [path for path in saved.rglob("*") if path.is_dir() or path.suffix == ".pickle"]


def test_the_card_says_what_the_folder_holds_and_its_ids_have_a_digest(saved, catalog):
    card = (saved / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: funnelab")
    assert f"a catalogue of {len(catalog)} items" in card
    assert "channels.NAME.checkpoint" in card
    assert "ids.npz" in json.loads((saved / SAVED).read_text())["files"]


def test_a_folder_without_a_saved_system_is_refused(tmp_path, catalog):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match=f"checkpoint == '{folder}', must be a folder with"):
            served(folder, catalog)


def test_a_system_that_never_heard_of_shoppers_serves_queries_alone(catalog, tmp_path):
    save_learned(tmp_path / "system", fitted_channel(personalised=False).learned, catalog)
    with pytest.raises(ConfigError, match="personalised == True, must be false"):
        served(tmp_path / "system", catalog)
    plain = served(tmp_path / "system", catalog, personalised=False)
    assert_same_answers(plain, fitted_channel(personalised=False), catalog)


def test_beams_for_other_levels_than_the_checkpoints_are_refused(saved, catalog):
    serving = SMALL.serving.model_copy(update={"beams": (5, 5)})
    with pytest.raises(ConfigError, match="must be one number or 3"):
        served(saved, catalog, serving=serving)


def test_a_checkpoint_is_not_a_setting_of_service_alone(saved):
    one, other = small_spec(checkpoint=str(saved)), small_spec()
    assert one.learned() != other.learned()
