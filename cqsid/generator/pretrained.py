"""Text vectors of an encoder that was trained elsewhere, read from a local folder."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from cqsid.generator.checkpoints import architecture, quiet
from cqsid.tokenizer.signals import Floats
from recall.classic.towers import on_grid
from recall.device import one_thread, resolve_device
from recall.settings import DeviceName
from simulator.errors import ConfigError, DataError

_BATCH = 64  # texts of one length encoded at once
_FEWEST = 4  # rows from which a row's bits no longer depend on how many there are
_PLACE = "text.encoder"
_TOKENIZERS = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
)


def check_encoder(folder: Path) -> None:
    """Refuse a folder that cannot hold an encoder, without reading the encoder.

    Raises:
        ConfigError: the folder lacks config, weights or tokenizer.
    """
    architecture(folder, _PLACE)
    # Without one of these the library makes up a tokenizer that knows no word.
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        found = sorted(path.name for path in folder.iterdir())
        raise ConfigError(f"{_PLACE}: files == {found}, must have one of {_TOKENIZERS}")


class PretrainedEncoder:
    """Mean of an encoder's last hidden states, of about unit length; items and queries alike.

    Texts of equal length are encoded together, so that nothing is padded: the mean over the
    attention mask is the mean over the tokens, and what stands beside a text cannot reach it.
    A text of no token of its own gets zeros. Kept as the path; opened when first asked.

    Args:
        folder: model and tokenizer in the layout of `transformers`; nothing is downloaded.
        longest: tokens read of a text.
        device: where to encode.

    Raises:
        ConfigError: the folder lacks config, weights or tokenizer, or cannot be read.
        DataError: later, on a text that has no finite vector.
    """

    def __init__(self, folder: Path, longest: int = 64, device: DeviceName = "auto") -> None:
        self._folder, self._longest, self._device = folder, longest, device
        self._open()

    def _open(self) -> None:
        check_encoder(self._folder)
        place, device = f"{_PLACE} == {str(self._folder)!r}", resolve_device(self._device)
        with quiet(), torch.random.fork_rng(devices=[]):
            from transformers import AutoModel, AutoTokenizer

            try:
                self._tokenizer = AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
                self._model, report = AutoModel.from_pretrained(
                    self._folder,
                    local_files_only=True,
                    dtype=torch.float32,
                    output_loading_info=True,
                )
            except Exception as error:  # whatever the library meets in a damaged folder
                raise ConfigError(f"{place} unreadable ({error}), must be an encoder") from error
        # A pooler is not asked for anything, and masked language models come without one.
        missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
        if missing:
            raise ConfigError(f"{place} lacks weights {missing[:3]}, must have all of them")
        self._model = self._model.eval().to(device)

    def items(self, texts: list[str]) -> Floats:
        """(N, D) vectors of item texts."""
        return self._embed(texts)

    def queries(self, texts: list[str]) -> Floats:
        """(N, D) vectors of query texts."""
        return self._embed(texts)

    def _embed(self, texts: list[str]) -> Floats:
        vectors_ND = np.zeros((len(texts), self._model.config.hidden_size), np.float32)
        lists = self._tokens(texts)
        length_N = np.array([len(tokens) for tokens in lists], np.int64)
        with one_thread(), torch.inference_mode():
            for length in np.unique(length_N[length_N > 0]):
                rows_R = np.flatnonzero(length_N == length)
                for start in range(0, len(rows_R), _BATCH):
                    some = rows_R[start : start + _BATCH]
                    tokens_BT = np.array([lists[row] for row in some], np.int64)
                    vectors_ND[some] = self._encode(tokens_BT)
        return vectors_ND

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        """Tokens with the encoder's own marks; none for a text that has only marks."""
        if not texts:
            return []
        settings = {"truncation": True, "max_length": self._longest}
        plain = self._tokenizer(texts, add_special_tokens=False, **settings)["input_ids"]
        marked = self._tokenizer(texts, **settings)["input_ids"]
        return [whole if own else [] for own, whole in zip(plain, marked, strict=True)]

    def _encode(self, tokens_BT: NDArray[np.int64]) -> Floats:
        rows = len(tokens_BT)
        filled_BT = np.concatenate([tokens_BT, np.repeat(tokens_BT[:1], _FEWEST, axis=0)])
        tokens = torch.from_numpy(filled_BT[: max(rows, _FEWEST)]).to(self._model.device)
        output: Any = self._model(input_ids=tokens, attention_mask=torch.ones_like(tokens))
        mean_BD: Tensor = output.last_hidden_state.double().mean(dim=1)
        vectors = F.normalize(mean_BD, dim=1)[:rows].cpu().numpy()
        if not np.isfinite(vectors).all():
            raise DataError(
                f"{_PLACE} == {str(self._folder)!r} gives numbers that are not finite, "
                "must give vectors: are its weights whole?"
            )
        return on_grid(vectors).astype(np.float32)

    def __getstate__(self) -> dict[str, Any]:
        return {"_folder": self._folder, "_longest": self._longest, "_device": self._device}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()
