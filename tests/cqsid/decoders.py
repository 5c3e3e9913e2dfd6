"""Small models with their ids and decoders, and what their prefixes score by the library."""

from functools import cache

import torch

from cqsid.decoding.decoder import Decoder
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from tests.cqsid.models import random_model, random_trie

SIZES = {2: (7, 6), 3: (6, 5, 4), 4: (4, 3, 3, 5)}
N_IDS = {2: 25, 3: 60, 4: 90}
KINDS = {
    "plain": {},
    "grouped heads": {"num_key_value_heads": 2},
    "untied head": {"tie_word_embeddings": False},
    "three layers": {"num_hidden_layers": 3},
    "one layer": {"num_hidden_layers": 1},
}


@cache
def model_of(levels, seed=0, kind="plain"):
    vocabulary = Vocabulary(30, SIZES[levels])
    return vocabulary, random_model(vocabulary, seed, **KINDS[kind])


def small(levels=3, seed=0, softmax="level", kind="plain", n_ids=None):
    vocabulary, model = model_of(levels, seed, kind)
    trie = random_trie(SIZES[levels], n_ids or N_IDS[levels], seed)
    return vocabulary, trie, Decoder(Weights.of(model), vocabulary, trie, softmax=softmax)


def path_scores(levels, prompt, sids_SL, softmax, seed=0, kind="plain"):
    """(S, L) log-probability of every prefix of some ids, by the library's own forward."""
    vocabulary, model = model_of(levels, seed, kind)
    codes = torch.from_numpy(vocabulary.tokens(sids_SL)).long()
    with torch.inference_mode():
        rows = torch.cat([prompt.expand(len(codes), -1), codes], dim=1)
        logits = model(rows).logits[:, len(prompt[0]) - 1 : -1]
    steps = []
    for level, size in enumerate(vocabulary.sizes):
        first = int(vocabulary.offset_L[level])
        part = logits[:, level]
        if softmax == "level":
            part = part[:, first : first + size]
            steps.append(part.log_softmax(-1).gather(1, codes[:, level : level + 1] - first))
        else:
            steps.append(part.log_softmax(-1).gather(1, codes[:, level : level + 1]))
    return torch.cat(steps, dim=1).cumsum(1).numpy()


def prompt_of(prompts, row):
    return torch.from_numpy(prompts.tokens_BT[row : row + 1, : prompts.length_B[row]]).long()
