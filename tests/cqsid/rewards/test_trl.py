import pickle
from functools import cache, partial

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from cqsid.decoding.trie import Trie
from cqsid.generator.vocabulary import Vocabulary
from cqsid.rewards.logged import Logged
from cqsid.rewards.reward import Samples
from cqsid.rewards.shop import Shop
from cqsid.rewards.trl import codes_of_texts, codes_of_tokens, from_trl, id_texts, id_tokens, to_trl
from cqsid.tokenizer.ids import SemanticIds
from simulator.errors import ContractError
from tests.cqsid.models import random_model
from tests.cqsid.shop import tiny_shop

SIZES = (4, 3, 5)
VOCABULARY = Vocabulary(20, SIZES)
codes = st.tuples(*(st.integers(0, size - 1) for size in SIZES))


@cache
def logged():
    _, history = tiny_shop()
    clicked = np.unique(history.row_X[history.clicked_X]).astype(np.int64)
    return Logged.of(history, clicked[:12])


@cache
def shop():
    """Ids of the tiny shop's items, the last ten without; the rest of a shop is not asked for."""
    codes_IL = np.random.default_rng(2).integers(0, SIZES, (60, 3)).astype(np.int32)
    codes_IL[50:] = -1
    return Shop(None, SemanticIds(codes_IL, SIZES), None, None, None, None)


def first_codes(logged, samples, shop):
    """Tells requests, ids and groups apart: request, place of the id, size and repeats."""
    same_BGG = samples.sid_BG[:, :, None] == samples.sid_BG[:, None]
    repeats_BG = same_BGG.sum(axis=2)
    request_B1 = logged.requests.text_B[:, None]
    return (samples.sid_BG + 100 * request_B1 + 0.1 * repeats_BG).astype(np.float32)


def drawn(groups, seed=0):
    """Ids of the shop for each request of `groups`, a sequence of (request, size)."""
    rng = np.random.default_rng(seed)
    rows = np.repeat([row for row, _ in groups], [size for _, size in groups])
    return rows.tolist(), shop().ids.sids_SL[rng.integers(0, len(shop().ids.sids_SL), len(rows))]


def called(function, rows, codes_NL, **columns):
    return function(
        prompts=["?"] * len(rows),
        completions=id_texts(codes_NL),
        completion_ids=id_tokens(codes_NL, VOCABULARY),
        request=rows,
        trainer_state=None,
        **columns,
    )


def ours(**options):
    return to_trl(first_codes, shop(), logged(), VOCABULARY, name="first", **options)


@given(st.lists(codes, max_size=5))
def test_ids_come_back_from_their_texts_and_tokens(drawn_ids):
    codes_NL = np.array(drawn_ids, np.int32).reshape(-1, 3)
    np.testing.assert_array_equal(codes_of_texts(id_texts(codes_NL), SIZES), codes_NL)
    tokens = id_tokens(codes_NL, VOCABULARY)
    np.testing.assert_array_equal(codes_of_tokens(tokens, VOCABULARY), codes_NL)
    ended = [[*each, VOCABULARY.pad] for each in tokens]
    np.testing.assert_array_equal(codes_of_tokens(ended, VOCABULARY), codes_NL)


def test_an_id_is_written_with_a_letter_for_each_level():
    assert id_texts(np.array([[3, 0, 4], [-1, -1, -1]])) == ["<a_3><b_0><c_4>", ""]
    assert codes_of_texts([" <a_3> <b_0><c_4>\n"], SIZES).tolist() == [[3, 0, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a_1><b_1>",
        "<a_1><b_1><c_1><c_1>",
        "<b_1><a_1><c_1>",
        "<a_4><b_1><c_1>",
        "<a_1><b_1><c_-1>",
        "<a_01><b_1><c_1>",
        "the <a_1><b_1><c_1>",
        "<a_1><b_1><c_99999999999999999999999>",
        "<a_\u0661><b_1><c_1>",
    ],
)
def test_a_text_that_is_not_one_id_has_no_codes(text):
    assert codes_of_texts([text, "<a_1><b_1><c_1>"], SIZES).tolist() == [[-1] * 3, [1] * 3]


def test_tokens_that_are_not_one_id_have_no_codes():
    a, b, c = (int(offset) for offset in VOCABULARY.offset_L)
    wrong = [[], [a, b], [a, b, c, c], [b, a, c], [b, b, c], [a, b, 3], [VOCABULARY.pad, a, b, c]]
    found = codes_of_tokens([*wrong, [a + 3, b, c + 4]], VOCABULARY)
    assert found.tolist() == [[-1] * 3] * len(wrong) + [[3, 0, 4]]


def test_completions_are_rewarded_in_the_groups_of_their_requests():
    groups = [(3, 4), (0, 4), (7, 2), (3, 4), (5, 1)]
    rows, codes_NL = drawn(groups)
    found = called(ours(), rows, codes_NL)
    assert all(type(value) is float for value in found)
    expected, start = [], 0
    for row, size in groups:
        codes_BGL = codes_NL[None, start : start + size]
        sid_BG = Trie.of(shop().ids.sids_SL, SIZES).find(codes_BGL[0])[None]
        one = first_codes(logged().rows(np.array([row])), Samples(codes_BGL, sid_BG), shop())
        expected += one[0].tolist()
        start += size
    assert found == expected


@pytest.mark.parametrize("chat", [False, True])
def test_texts_of_another_tokenizer_get_the_rewards_of_tokens(chat):
    rows, codes_NL = drawn([(1, 3), (2, 3)])
    texts = id_texts(codes_NL)
    said = [[{"role": "assistant", "content": text}] for text in texts] if chat else texts
    found = ours(parse="text")(["?"] * 6, said, completion_ids=[[9]] * 6, request=rows)
    assert found == called(ours(), rows, codes_NL)


def test_a_completion_that_is_no_id_is_one_that_no_item_has():
    seen = []

    def watching(logged, samples, shop):
        seen.append(samples)
        return np.zeros(samples.shape, np.float32)

    used = {tuple(each) for each in shop().ids.sids_SL.tolist()}
    free = next(each for each in np.ndindex(SIZES) if each not in used)
    codes_NL = np.array([shop().ids.sids_SL[4], [-1, -1, -1], free], np.int32)
    called(to_trl(watching, shop(), logged(), VOCABULARY), [0, 0, 0], codes_NL)
    np.testing.assert_array_equal(seen[0].codes_BGL, codes_NL[None])
    assert seen[0].sid_BG.tolist() == [[4, -1, -1]]


def test_a_reward_survives_pickling_and_names_itself():
    rows, codes_NL = drawn([(1, 3), (2, 2)])
    function = ours()
    assert function.__name__ == "first"
    expected = called(function, rows, codes_NL)
    assert called(pickle.loads(pickle.dumps(function)), rows, codes_NL) == expected


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, r"first: columns hold no 'request'"),
        ({"request": [0]}, r"request == int64 of shape \(1,\), must be 2 integers"),
        ({"request": ["a", "b"]}, r"request == <U1"),
        ({"request": [0.5, 1.0]}, r"request == float64"),
        ({"request": [0, 12]}, r"request == 12, must be 0 to 11"),
        ({"request": [-1, 0]}, r"request == -1, must be 0 to 11"),
        ({"request": [0, 0]}, r"completion_ids == None, must be tokens"),
    ],
)
def test_columns_that_name_no_request_are_refused(columns, message):
    with pytest.raises(ContractError, match=message):
        ours()(["?"] * 2, ["", ""], **columns)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((1, 3), np.float32), r"reward: shape == \(1, 3\), must be \(1, 2\)"),
        (np.array([[0, np.nan]], np.float32), r"reward: values\[0, 1\] == nan, must be finite"),
    ],
)
def test_a_reward_that_breaks_its_contract_is_refused(values, message):
    function = to_trl(lambda *_: values, shop(), logged(), VOCABULARY)
    with pytest.raises(ContractError, match=message):
        called(function, *drawn([(0, 2)]))


def test_a_vocabulary_of_other_levels_is_refused():
    with pytest.raises(ContractError, match=r"vocabulary.sizes == \(4, 3\), must be \(4, 3, 5\)"):
        to_trl(first_codes, shop(), logged(), Vocabulary(20, (4, 3)))


def sampled(rows, size, seed=0):
    """Groups of ids of the shop."""
    _, codes_NL = drawn([(row, size) for row in rows], seed)
    codes_BGL = codes_NL.reshape(len(rows), size, 3)
    sid_BG = Trie.of(shop().ids.sids_SL, SIZES).find(codes_NL).reshape(len(rows), size)
    return Samples(codes_BGL, sid_BG)


@pytest.mark.parametrize("size", [1, 3])
def test_a_reward_there_and_back_is_itself(size):
    samples = sampled(range(12), size)
    back = from_trl(ours(), VOCABULARY)(logged(), samples, shop())
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, first_codes(logged(), samples, shop()))


def test_a_function_of_trl_sees_texts_tokens_and_what_became_of_the_request():
    seen = {}

    def watching(**arguments):
        seen.update(arguments)
        arguments["log_metric"]("nothing", 1.0)
        arguments["log_extra"]("nothing", [1] * 4)
        return [1] * 4

    samples = sampled([4, 9], 2)
    asked = logged().rows(np.array([4, 9]))
    found = from_trl(watching, VOCABULARY)(asked, samples, shop())
    assert found.tolist() == [[1, 1], [1, 1]]
    texts = [asked.requests.texts[text] for text in asked.requests.text_B]
    assert seen["prompts"] == [texts[0]] * 2 + [texts[1]] * 2
    assert seen["completions"] == id_texts(samples.codes_BGL.reshape(4, 3))
    tokens = VOCABULARY.tokens(samples.codes_BGL.reshape(4, 3))
    assert seen["completion_ids"] == tokens.tolist()
    assert seen["request"] == [0, 0, 1, 1]
    for name in ("exposed", "clicked", "bought"):
        items = getattr(asked, name)
        for place in range(4):
            own = items.take(np.array([place // 2])).values
            own = own[shop().ids.sid_I[own] >= 0]
            assert seen[name][place] == id_texts(shop().ids.codes_IL[own])
    assert any(seen["clicked"])


def test_what_does_not_apply_is_refused_as_0_may_be_good_or_bad():
    def sometimes(completions, **_):
        return [None, *[1.0] * (len(completions) - 1)]

    with pytest.raises(ContractError, match=r"sometimes == None for an id, must be a number"):
        from_trl(sometimes, VOCABULARY)(logged(), sampled(range(12), 2), shop())


@pytest.mark.parametrize(
    ("values", "message"),
    [([1.0], "1 values, must be 24"), ([float("inf")] * 24, "== inf, must be finite")],
)
def test_a_function_that_breaks_its_contract_is_refused(values, message):
    with pytest.raises(ContractError, match=message):
        from_trl(lambda **_: values, VOCABULARY)(logged(), sampled(range(12), 2), shop())


def test_an_asynchronous_function_is_refused():
    async def later(**_):
        return [0.0]

    class Later:
        async def __call__(self, **_):
            return [0.0]

    for function in (later, partial(later), Later()):
        with pytest.raises(ContractError, match=r"ater is asynchronous, must not be"):
            from_trl(function, VOCABULARY)


def tokenizer():
    """One word for each token of the vocabulary; "pad" also ends a completion."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    names = [f"t{n}" for n in range(len(VOCABULARY))]
    for letter, offset, size in zip("abc", VOCABULARY.offset_L, SIZES, strict=True):
        names[offset : offset + size] = [f"<{letter}_{code}>" for code in range(size)]
    names[VOCABULARY.pad], names[VOCABULARY.answer] = "<pad>", "<answer>"
    words = Tokenizer(WordLevel({name: n for n, name in enumerate(names)}, unk_token="t0"))
    words.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<pad>", unk_token="t0"
    )


def mostly_ids():
    """Biases under which the random model writes a code of the first level, then the next."""
    a_K, b_K, c_K = (
        [int(offset) + code for code in range(size)]
        for offset, size in zip(VOCABULARY.offset_L, SIZES, strict=True)
    )
    alone = [[[a], 30.0] for a in a_K]
    second = [[[a, b], 60.0] for a in a_K for b in b_K]
    return alone + second + [[[b, c], 60.0] for b in b_K for c in c_K]


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("parse", ["tokens", "text"])
def test_a_real_trainer_gets_the_rewards_we_compute(tmp_path, parse):
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    function, calls = ours(parse=parse), []

    def watching(**arguments):
        calls.append((arguments, function(**arguments)))
        return calls[-1][1]

    watching.__name__ = function.__name__
    data = Dataset.from_dict(
        {"prompt": [f"t{n} t{n + 1} <answer>" for n in range(4)], "request": [7, 2, 9, 4]}
    )
    settings = GRPOConfig(
        output_dir=str(tmp_path),
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
        max_steps=1,
        per_device_train_batch_size=8,
        num_generations=2,
        max_completion_length=3,
        generation_kwargs={"sequence_bias": mostly_ids()},
        activation_checkpointing=False,
        bf16=False,
        disable_tqdm=True,
    )
    with torch.random.fork_rng():  # the trainer seeds torch
        trainer = GRPOTrainer(
            random_model(VOCABULARY),
            reward_funcs=watching,
            args=settings,
            train_dataset=data,
            processing_class=tokenizer(),
        )
        trainer.train()
    ((arguments, values),) = calls
    codes_NL = codes_of_tokens(arguments["completion_ids"], VOCABULARY)
    assert (codes_NL >= 0).all()
    assert sorted(set(arguments["request"])) == [2, 4, 7, 9]
    expected = []
    for start in range(0, 8, 2):
        row = arguments["request"][start]
        codes_BGL = codes_NL[None, start : start + 2]
        sid_BG = Trie.of(shop().ids.sids_SL, SIZES).find(codes_BGL[0])[None]
        asked = logged().rows(np.array([row]))
        expected += first_codes(asked, Samples(codes_BGL, sid_BG), shop())[0].tolist()
    assert values == expected
    told = {key: value for entry in trainer.state.log_history for key, value in entry.items()}
    assert told["rewards/first/mean"] == pytest.approx(np.mean(expected))
    assert told["reward"] == pytest.approx(np.mean(expected))
