"""Tiny random Qwen2 models, id sets and prompts."""

import numpy as np
import torch

from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import Prompts
from cqsid.tokenizer.ids import unpack


def random_model(vocabulary, seed=0, **changes):
    """A model of the library with weights large enough that its choices differ."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 64,
        "tie_word_embeddings": True,
        "initializer_range": 0.2,
        "pad_token_id": vocabulary.pad,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Qwen2ForCausalLM(Qwen2Config(**(config | changes))).eval()
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "norm" in name:
                torch.nn.init.normal_(parameter, 1.0 if "norm" in name else 0.0, 0.2)
    return model


def random_trie(sizes, n_ids, seed=0):
    """Distinct ids anywhere."""
    keys = np.random.default_rng(seed).choice(int(np.prod(sizes)), n_ids, replace=False)
    return Trie.of(unpack(np.sort(keys), sizes), sizes)


def random_prompts(vocabulary, n_prompts, longest, seed=0, shortest=1):
    rng = np.random.default_rng(seed)
    length_B = rng.integers(shortest, longest + 1, n_prompts)
    tokens_BT = rng.integers(0, vocabulary.pad, (n_prompts, longest)).astype(np.int32)
    tokens_BT[np.arange(n_prompts), length_B - 1] = vocabulary.answer
    tokens_BT[np.arange(longest) >= length_B[:, None]] = vocabulary.pad
    return Prompts(tokens_BT, length_B.astype(np.int64))


def allowed(trie, prefix):
    """The codes that may follow a prefix, ascending; none after a whole id or a wrong one."""
    node = np.zeros(1, np.int32)
    for level, code in enumerate(prefix):
        node = trie.child(level, node, np.array([code], np.int32))
    if node[0] < 0 or len(prefix) == trie.levels:
        return np.empty(0, np.int32)
    first, stop = trie.pointers[len(prefix)][node[0] : node[0] + 2]
    return trie.codes[len(prefix)][first:stop]
