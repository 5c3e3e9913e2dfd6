import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from cqsid.decoding.shelves import Shelves
from cqsid.rewards.trl import id_texts, to_trl
from cqsid.rewards.trlenvironment import to_trl_environment
from simulator.errors import ContractError
from tests.cqsid.models import random_model
from tests.cqsid.rewards.test_trl import VOCABULARY, drawn, first_codes, logged, shop
from tests.cqsid.shop import tiny_shop


def whole_shop():
    """The shop with titles, and without the first two items on its shelves."""
    catalog, _ = tiny_shop()
    shelves = Shelves.of(shop().ids, -np.arange(60.0))
    there_I = np.arange(60) >= 2
    return replace(shop(), catalog=catalog, shelves=shelves.on_sale(there_I))


def factory(reward=first_codes):
    return to_trl_environment(
        to_trl(reward, whole_shop(), logged(), VOCABULARY, name="first", parse="text")
    )


def test_a_batch_of_environments_gets_the_rewards_of_the_function():
    rows, codes_NL = drawn([(3, 4), (0, 4), (7, 2), (3, 4)])
    make, function = factory(), to_trl(first_codes, shop(), logged(), VOCABULARY, parse="text")
    made = [make() for _ in rows]
    for _ in range(2):  # trainers use environments again
        for each, row in zip(made, rows, strict=True):
            each.reset(request=row, prompt="?")
        for each, text in zip(made, id_texts(codes_NL), strict=True):
            each.recommend(text)
        expected = function([""] * len(rows), id_texts(codes_NL), request=rows)
        assert [each.get_reward() for each in made] == expected


def test_a_smaller_batch_is_not_mixed_with_what_a_larger_one_left():
    rows, codes_NL = drawn([(3, 6)])
    texts, make = id_texts(codes_NL), factory()
    made = [make() for _ in rows]
    for number in (6, 2):
        for each, row, text in zip(made[:number], rows, texts, strict=False):
            each.reset(request=row)
            each.recommend(text)
        function = to_trl(first_codes, shop(), logged(), VOCABULARY, parse="text")
        expected = function([""] * number, texts[:number], request=rows[:number])
        assert [each.get_reward() for each in made[:number]] == expected


def test_the_last_recommendation_counts_and_none_is_an_id_that_no_item_has():
    silent, changing = (factory()() for _ in range(2))
    for each in (silent, changing):
        each.reset(request=1)
    assert silent.get_reward() < 100 * logged().requests.text_B[1] + 1e-6  # sid -1
    texts = id_texts(shop().ids.sids_SL[[4, 9]])
    values = []
    for text in texts:
        assert changing.recommend(text) == "recommended"
        values.append(changing.get_reward())
    assert values[1] - values[0] == pytest.approx(5.0, abs=1e-4)
    assert "no item" in changing.recommend("<a_9><b_0><c_0>")
    changing.reset(request=1)
    assert changing.recommended == ""


def test_a_search_is_told_with_what_was_clicked_lately():
    requests = logged().requests
    row = int(np.flatnonzero((requests.history_BH >= 0).any(axis=1))[0])
    told = factory()().reset(request=row)
    assert told.startswith(f'Search: "{requests.texts[requests.text_B[row]]}".')
    clicked = requests.history_BH[row]
    for text in id_texts(shop().ids.codes_IL[clicked[clicked >= 0]]):
        assert text in told


def test_an_id_is_looked_up_by_the_titles_of_what_is_on_sale():
    environment, titles = factory()(), tiny_shop()[0].title_I
    codes_IL = shop().ids.codes_IL
    (text,) = id_texts(codes_IL[[7]])
    same = [item for item in range(2, 50) if (codes_IL[item] == codes_IL[7]).all()]
    assert environment.look_up(text) == "; ".join(titles[item] for item in same[:3])
    alone = next(i for i in range(2) if (codes_IL == codes_IL[i]).all(axis=1).sum() == 1)
    assert "nothing" in environment.look_up(id_texts(codes_IL[[alone]])[0])
    assert environment.look_up("a lamp") == "no item has this id"


@pytest.mark.parametrize("request_", [None, -1, 12, "0", 1.0, True])
def test_a_row_that_names_no_request_is_refused(request_):
    with pytest.raises(
        ContractError, match=r"first: reset\(request=.*must be a row of the log, 0 "
    ):
        factory()().reset(request=request_, prompt="?")


def test_what_is_called_in_the_wrong_order_or_with_other_things_is_refused():
    with pytest.raises(ContractError, match=r"get_reward\(\) == called first, must be after"):
        factory()().get_reward()
    with pytest.raises(ContractError, match="sid == 7, must be a text"):
        factory()().recommend(7)
    with pytest.raises(ContractError, match="parse == 'tokens', must be 'text'"):
        to_trl_environment(to_trl(first_codes, shop(), logged(), VOCABULARY))
    environment = factory(lambda logged, samples, shop: np.full(samples.shape, np.nan, "f4"))()
    environment.reset(request=0)
    with pytest.raises(ContractError, match="must be finite"):
        environment.get_reward()


class Sized:
    """As much of a vocabulary as a random model needs."""

    def __init__(self, size, pad):
        self.size, self.pad = size, pad

    def __len__(self):
        return self.size


def calls(texts):
    """What a model writes to recommend each id."""
    said = [json.dumps({"name": "recommend", "arguments": {"sid": text}}) for text in texts]
    return [f"<tool_call>\n{each}\n</tool_call>" for each in said]


def chatting(texts):
    """A tokenizer of bytes that has a token for each way to recommend an id."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast
    from trl.chat_template_utils import qwen3_chat_template

    words = Tokenizer(
        models.BPE({c: n for n, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, [])
    )
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="<|im_end|>", pad_token="<|pad|>"
    )
    made.add_tokens(calls(texts))
    made.chat_template = qwen3_chat_template
    return made


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.filterwarnings("ignore:You are using 'environment_factory':UserWarning")
def test_a_real_trainer_learns_from_environments_that_own_the_reward(tmp_path):
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    texts = id_texts(shop().ids.sids_SL[:6])
    tokens, made = chatting(texts), []
    tools = tokens.convert_tokens_to_ids(calls(texts))
    end = tokens.eos_token_id
    bias = [[[tool], 60.0] for tool in tools] + [[[tool, end], 200.0] for tool in tools]
    make = factory()

    def watched():
        made.append(make())
        return made[-1]

    data = Dataset.from_dict(
        {"prompt": [[{"role": "user", "content": "Go. "}]] * 4, "request": [7, 2, 9, 4]}
    )
    settings = GRPOConfig(
        output_dir=str(tmp_path),
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
        max_steps=2,
        per_device_train_batch_size=8,
        num_generations=2,
        max_completion_length=400,
        max_tool_calling_iterations=1,
        generation_kwargs={"sequence_bias": bias, "max_new_tokens": 4},
        activation_checkpointing=False,
        bf16=False,
        disable_tqdm=True,
    )
    model = random_model(Sized(len(tokens), tokens.pad_token_id), max_position_embeddings=4096)
    with torch.random.fork_rng():
        trainer = GRPOTrainer(
            model,
            args=settings,
            train_dataset=data,
            processing_class=tokens,
            environment_factory=watched,
        )
        trainer.train()
    told = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert len(told) == 2
    assert len(made) == 8
    for entry in told:
        assert entry["tools/call_frequency"] >= 1
        assert entry["tools/failure_frequency"] == 0
    last = [each.get_reward() for each in made]
    assert all(each.recommended in texts for each in made)
    assert told[-1]["rewards/RewardEnvironment/mean"] == pytest.approx(np.mean(last))
    assert told[-1]["reward"] == pytest.approx(np.mean(last))
