"""Tiny model folders in the layout of `transformers`, such as users bring."""

from pathlib import Path

import torch

from cqsid.generator.checkpoints import quiet
from cqsid.generator.model import build_model, save_generator
from cqsid.generator.settings import ModelSpec
from cqsid.generator.subwords import Subwords
from cqsid.generator.vocabulary import Vocabulary

WORDS = ("red", "blue", "green", "lamp", "table", "chair", "shoes", "phone", "case", "black")


def qwen2_folder(folder: Path) -> Path:
    """A Qwen2 checkpoint with a tokenizer."""
    subwords = Subwords.train([" ".join(WORDS)] * 3, 60)
    vocabulary = Vocabulary(len(subwords), (9,))
    spec = ModelSpec(hidden=16, layers=1, heads=2, kv_heads=1, ffn=16)
    save_generator(folder, build_model(spec, vocabulary, seed=8), vocabulary, subwords)
    (folder / "vocabulary.json").unlink()
    return folder


def bert_folder(folder: Path, *, spoiled: bool = False) -> Path:
    """A BERT with a word-piece tokenizer; a spoiled one has weights that are no numbers."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"]
    words = [*marks, *WORDS, *(letter[2:] for letter in letters), *letters]
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    with quiet(), torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(4)
        model = BertModel(config)
        if spoiled:
            model.embeddings.word_embeddings.weight[len(marks) :] = torch.nan
        model.save_pretrained(folder)
        vocabulary = {word: number for number, word in enumerate(words)}
        BertTokenizerFast(vocab=vocabulary).save_pretrained(folder)
    return folder
