"""A trained system in a folder, to serve in other runs of the same catalogue.

The folder is laid out as model hubs and `transformers` expect, and can be pushed as it is:

    README.md                the model card
    config.json              the language model: its shape ...
    model.safetensors        ... and its weights
    tokenizer.json           subword units, in the JSON of the library `tokenizers`
    vocabulary.json          how units, marks, shopper traits and id codes share the tokens
    ids.npz                  the id table
    system.safetensors       text vectors, signals, scheme, related categories, prompts, report
    saved.json               version, catalogue, digest of the id table and of every other file

Nothing in it executes when it is read. The digests tell a damaged or edited folder.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pydantic import Field

from cqsid.decoding.decoder import Softmax
from cqsid.generator.model import load_generator, model_of, save_generator
from cqsid.generator.prompts import PromptBuilder
from cqsid.generator.related import RelatedCategories
from cqsid.generator.settings import PromptSpec
from cqsid.generator.transformer import Weights
from cqsid.learned import Learned
from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.scheme import Scheme
from cqsid.tokenizer.signals import Signals, TextVectors, catalog_texts
from cqsid.training.stages import TrainingReport
from recall.storage import load, save
from simulator.catalogue.catalog import Catalog
from simulator.errors import ConfigError, DataError, StoreError
from simulator.spec import Spec

SAVED: Final = "saved.json"
_IDS, _PARTS, _CARD = "ids.npz", "system.safetensors", "README.md"
_VERSION = 2
_PLACE = "checkpoint"


@dataclass(frozen=True)
class _Parts:
    """The fields of `Learned` that have no format of their own."""

    vectors: TextVectors
    signals: Signals
    scheme: Scheme
    related: RelatedCategories
    report: TrainingReport
    prompt: PromptSpec
    softmax: Softmax


class _Facts(Spec):
    """What `saved.json` holds."""

    version: int = Field(description="of the layout of the folder")
    items: int = Field(description="items of the catalogue")
    catalogue: str = Field(description="digest of the catalogue's texts and categories")
    sizes: tuple[int, ...] = Field(description="codes of each level of the ids")
    files: dict[str, str] = Field(description="SHA-256 of every other file, by path")


def save_learned(
    folder: Path, learned: Learned, catalog: Catalog, trusted: Iterable[str] = ()
) -> None:
    """Write a trained system; the folder is there completely or not at all.

    Args:
        folder: a new or empty one.
        learned: what training left.
        catalog: what it was trained on.
        trusted: as of `load_learned`.

    Raises:
        StoreError: something is in the folder, or it cannot be written.
        DataError: the system is of another catalogue.
    """
    learned.ids.check(len(catalog))
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StoreError(f"{folder} exists, must be a new or empty folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".saving-", dir=folder.parent) as place:
            partial = Path(place) / folder.name
            partial.mkdir()
            _write(partial, learned, catalog, trusted)
            partial.replace(folder)
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}, must be a folder to write into") from error


def _write(folder: Path, learned: Learned, catalog: Catalog, trusted: Iterable[str]) -> None:
    vocabulary, subwords = learned.prompts.vocabulary, learned.prompts.subwords
    model = model_of(learned.weights)
    save_generator(folder, model, vocabulary, subwords)
    learned.ids.save(folder / _IDS)
    parts = _Parts(
        *(learned.vectors, learned.signals, learned.scheme, learned.related, learned.report),
        *(learned.prompts.spec, learned.softmax),
    )
    save(folder / _PARTS, parts, "system", trusted)
    (folder / _CARD).write_text(_card(learned, catalog), encoding="utf-8")
    facts = _Facts(
        version=_VERSION,
        items=len(catalog),
        catalogue=catalog_digest(catalog),
        sizes=learned.ids.sizes,
        files={name: _digest(folder / name) for name in _files(folder)},
    )
    (folder / SAVED).write_text(facts.model_dump_json(indent=1) + "\n", encoding="utf-8")


def load_learned(folder: Path, catalog: Catalog, trusted: Iterable[str] = ()) -> Learned:
    """Read what `save_learned` wrote; it answers as the system that was saved, bit for bit.

    Items may enter the shop at other times than they did in training.

    Args:
        folder: where it is.
        catalog: what it shall serve.
        trusted: top-level modules of a user's scheme or encoder in it, see `recall.storage`.

    Raises:
        ConfigError: the folder holds no saved system.
        DataError: a file is missing, cut short or edited, or the catalogue is another one.
    """
    facts = check_saved(folder)
    found = (facts.items, facts.catalogue)
    wanted = (len(catalog), catalog_digest(catalog))
    if found != wanted:
        raise DataError(
            f"{_PLACE} == {str(folder)!r}, of a catalogue of {found[0]} items ({found[1][:12]}), "
            f"must be of this one of {wanted[0]} items ({wanted[1][:12]})"
        )
    ids = SemanticIds.load(folder / _IDS)
    ids.check(len(catalog), f"{_PLACE}: {folder / _IDS}")
    generator = load_generator(folder)
    vocabulary = generator.vocabulary
    if vocabulary.sizes != ids.sizes:
        raise DataError(
            f"{_PLACE}: {folder} has codes {vocabulary.sizes}, must be {ids.sizes} as {_IDS}"
        )
    parts = _parts(folder / _PARTS, trusted)
    if len(parts.signals) != len(catalog):
        raise DataError(
            f"{_PLACE}: {folder / _PARTS} has {len(parts.signals)} items, must be {len(catalog)}"
        )
    return Learned(
        vectors=parts.vectors,
        signals=replace(parts.signals, created_at_I=catalog.created_at_I),
        scheme=parts.scheme,
        ids=ids,
        prompts=PromptBuilder(vocabulary, generator.subwords, parts.prompt),
        related=parts.related,
        weights=Weights.of(generator.model).detached(),
        report=parts.report,
        softmax=parts.softmax,
    )


def check_saved(folder: Path) -> _Facts:
    """What `saved.json` says, after a look at the digest of every file.

    Raises:
        ConfigError: the folder holds no saved system.
        DataError: a file is missing, cut short or edited.
    """
    if not (folder / SAVED).is_file():
        raise ConfigError(f"{_PLACE} == {str(folder)!r}, must be a folder with {SAVED}")
    facts = _facts(folder / SAVED)
    for name, wanted in facts.files.items():
        if not (folder / name).is_file():
            raise DataError(f"{_PLACE}: {folder / name} == missing, must be there")
        found = _digest(folder / name)
        if found != wanted:
            raise DataError(
                f"{_PLACE}: {folder / name} == SHA-256 {found[:12]}, "
                f"must be {wanted[:12]} as it was saved: the file is cut short or edited"
            )
    return facts


def catalog_digest(catalog: Catalog) -> str:
    """SHA-256 of what a trained system knows of the items: texts and categories, in order."""
    digest = sha256()
    for column in (catalog_texts(catalog), catalog.categories):
        digest.update(json.dumps(list(column)).encode())
    digest.update(catalog.category_I.astype("<i4").tobytes())
    return digest.hexdigest()


def _facts(path: Path) -> _Facts:
    try:
        facts = _Facts.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{_PLACE}: {path} == unreadable ({error}), must be whole JSON") from error
    if facts.version != _VERSION:
        raise DataError(
            f"{_PLACE}: {path} version == {facts.version}, must be {_VERSION}: save it anew"
        )
    lacking = {_IDS, _PARTS} - facts.files.keys()
    if lacking:
        raise DataError(f"{_PLACE}: {path} files lack {min(lacking)}, must name all")
    return facts


def _parts(path: Path, trusted: Iterable[str]) -> _Parts:
    try:
        parts = load(path, trusted)
    except DataError as error:
        raise DataError(f"{_PLACE}: {error}") from error
    if not isinstance(parts, _Parts):
        raise DataError(f"{_PLACE}: {path} == {type(parts).__name__}, must be a saved system's")
    return parts


def _card(learned: Learned, catalog: Catalog) -> str:
    """The model card: what this is, what it was trained on, how to use it."""
    stages = ", ".join(f"{stage.stage} ({stage.steps:,} steps)" for stage in learned.report.stages)
    sizes = " x ".join(str(size) for size in learned.ids.sizes)
    return f"""---
library_name: funnelab
tags:
- generative-retrieval
- semantic-ids
---

# CQ-SID for a catalogue of {len(catalog):,} items

A generative recall channel: a small language model (Qwen2 architecture) that writes semantic ids
of items for a query. Trained by funnelab from the catalogue's public columns and a search log.

- ids: {learned.ids.levels} codes an item, {sizes}; {len(learned.ids.sids_SL):,} ids in use
- training: {stages or "none"}
- softmax of a code: {learned.softmax}

It serves this catalogue only, whose digest is in `{SAVED}` beside that of the id table
(`{_IDS}`). In the settings of a run: `channels.NAME.checkpoint = "this folder"`.
"""


def _files(folder: Path) -> list[str]:
    """All files below a folder, by relative path."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
