import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st

from cqsid.generator.subwords import Subwords
from recall.storage import saved_copy
from simulator.errors import ConfigError, DataError

TEXTS = ["Acme red lamp 100", "Acme blue lamp 200", "Kestrel red table", "Åland lampshade"] * 3
SUBWORDS = Subwords.train(TEXTS, 120)


def units(texts, longest=50, subwords=SUBWORDS):
    ragged = subwords.encode(texts, longest)
    return [part.tolist() for part in np.split(ragged.values, ragged.pointer[1:-1])]


def spelled(text):
    piece = {number: unit for unit, number in SUBWORDS._tokenizer.get_vocab().items()}
    return [piece[number] for number in units([text])[0]]


def test_units_spell_the_words_that_training_saw():
    assert "".join(spelled("Kestrel red lampshade 100")) == "kestrelredlampshade100"
    assert spelled("lamp red") == ["lamp", "red"]


def test_case_width_spaces_and_punctuation_leave_no_trace():
    assert units(["RED\tLamp!!", "red-lamp", "\uff52\uff45\uff44 lamp"]) == units(["red lamp"] * 3)


def test_unknown_characters_are_dropped_and_a_text_of_them_has_no_unit():
    assert units(["ξredж", "ξжø", "", "?!", " "]) == [units(["red"])[0], [], [], [], []]


def test_texts_are_cut_to_their_first_units():
    (whole,) = units(["red lamp blue table"])
    assert units(["red lamp blue table"], 3) == [whole[:3]]
    assert len(units(["lamp " * 1000], 16)[0]) == 16


def test_a_smaller_vocabulary_is_kept_to_its_size():
    texts = ["".join(chr(0x4E00 + i + j) for j in range(9)) for i in range(500)]
    assert 2 <= len(Subwords.train(texts, 64)) <= 64
    assert len(Subwords.train(TEXTS, 12)) <= 12


def test_training_twice_gives_the_same_units_in_any_order_of_texts(tmp_path):
    for number, texts in enumerate((TEXTS, TEXTS[::-1])):
        Subwords.train(texts, 60).save(tmp_path / f"{number}.json")
    assert (tmp_path / "0.json").read_bytes() == (tmp_path / "1.json").read_bytes()


def test_commoner_texts_shape_the_units_more():
    few = Subwords.train(["ab"] * 2 + ["cd"] * 9, 20, least=5)
    assert [len(one) for one in units(["ab", "cd"], subwords=few)] == [2, 1]
    scarce = Subwords.train(["ab"] * 2 + ["cd"] * 9, 4)
    assert [len(one) for one in units(["ab", "cd"], subwords=scarce)] == [0, 1]


def test_units_survive_saving_and_pickling(tmp_path):
    SUBWORDS.save(tmp_path / "units.json")
    for copy in (Subwords.load(tmp_path / "units.json"), saved_copy(SUBWORDS)):
        assert len(copy) == len(SUBWORDS)
        assert units(TEXTS, subwords=copy) == units(TEXTS)


def test_a_typed_mark_of_a_checkpoint_is_a_text(tmp_path):
    definition = json.loads(SUBWORDS._definition)
    mark = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    definition["added_tokens"] = [{"id": 900, "content": "<red>", "special": True, **mark}]
    definition["truncation"] = {
        "direction": "Right",
        "max_length": 1,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(definition))
    loaded = Subwords.load(tmp_path / "tokenizer.json")
    assert len(loaded) > len(SUBWORDS)
    assert units(["<red> lamp"], subwords=loaded) == units(["red lamp"])


def test_no_texts_give_no_units():
    none = Subwords.train([], 50)
    assert len(none) == 0
    assert units(["red"], subwords=none) == [[]]
    assert len(SUBWORDS.encode([], 5)) == 0


@given(st.lists(st.text(max_size=30), max_size=8))
def test_a_text_has_the_same_units_alone_and_in_company(texts):
    alone = [units([text], 7)[0] for text in texts]
    assert (units(texts, 7) if texts else []) == alone
    assert all(0 <= unit < len(SUBWORDS) for one in alone for unit in one)


def test_a_text_that_is_no_valid_unicode_is_read_as_far_as_it_goes():
    assert units(["\ud800 red", "lamp"]) == units(["red", "lamp"])
    assert len(Subwords.train(["\ud800 red"], 50)) >= 3


@pytest.mark.parametrize("content", [b"", b"{}", b"[1", b"\xff\xfe", b'{"model": 3}'])
def test_a_file_without_a_tokenizer_is_refused_by_name(tmp_path, content):
    (tmp_path / "units.json").write_bytes(content)
    with pytest.raises(DataError, match=r"units\.json == unreadable"):
        Subwords.load(tmp_path / "units.json")
    with pytest.raises(DataError, match="absent"):
        Subwords.load(tmp_path / "absent.json")


def test_a_vocabulary_of_one_unit_is_refused():
    with pytest.raises(ConfigError, match="size == 1"):
        Subwords.train(TEXTS, 1)


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
def test_the_library_is_loaded_late_starts_no_threads_and_bears_a_fork_in_silence():
    program = (
        "import sys, os\n"
        "from cqsid.generator.subwords import Subwords\n"
        "assert 'tokenizers' not in sys.modules\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "units = Subwords.train(['red lamp'] * 50, 40)\n"
        "units.encode(['red lamp'] * 500, 5)\n"
        "assert len(os.listdir('/proc/self/task')) == before\n"
        "child = os.fork()\n"
        "units.encode(['red lamp'] * 500, 5)\n"
        "child or os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TOKENIZERS_PARALLELISM"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
