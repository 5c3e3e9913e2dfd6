"""Identifier schemes by name, the built-in ones and the user's own.

Every recipe shares level sizes (`auto_codes`), training settings and, unless its point is another
last token, the splitting of `IdsSpec.split`, so that two schemes differ in one thing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from cqsid.tokenizer.quantize.kmeans import ResidualKMeans
from cqsid.tokenizer.quantize.rqvae import Rqvae
from cqsid.tokenizer.quantize.rqvaespec import AutoencoderSpec, RqvaeSpec
from cqsid.tokenizer.scheme import Scheme
from cqsid.tokenizer.schemes.composed import ComposedScheme, QuantizerOf
from cqsid.tokenizer.schemes.finish import (
    Finish,
    Numbering,
    Overflow,
    Plain,
    arrival,
    conversion_rate,
    conversions,
)
from cqsid.tokenizer.schemes.random_ids import RandomCodes
from cqsid.tokenizer.schemes.settings import SCHEME, GuidedSpec, IdsSpec
from cqsid.tokenizer.schemes.splitting import (
    AtRandom,
    ByPopularity,
    ByTwoMeans,
    Grouping,
    Splitting,
)
from simulator.errors import ConfigError

_CQSID: Final = "CQ-SID, 2026, arXiv 2605.14434"
_SEMANTIC: Final = 2  # levels before the third token of CRID and VARG
_AUTO: Final = 3  # levels of `auto_codes`


@dataclass(frozen=True)
class Recipe:
    """How a built-in scheme is made.

    Attributes:
        meaning: one line.
        source: the publication.
        inferred: what the sources leave open or we changed.
        quantizer: what gives the base codes.
        finish: what makes ids of them.
        category, contrast, collaborative: what guides the RQ-VAE.
    """

    meaning: str
    source: str
    inferred: str
    quantizer: Literal["rqvae", "kmeans", "kmeans_in_category", "random"] = "rqvae"
    finish: Literal["split", "collision", "conversions", "value"] = "split"
    category: Literal["none", "hard", "soft"] = "none"
    contrast: bool = False
    collaborative: bool = False


SCHEMES: Final[Mapping[str, Recipe]] = {
    "cqsid": Recipe(
        "RQ-VAE whose level 1 is the category, with query-item contrast",
        _CQSID,
        "where the contrast acts; encoder sizes; new items in full clusters",
        category="hard",
        contrast=True,
    ),
    "cqsid_no_category": Recipe(
        "CQ-SID without the category at level 1",
        f"{_CQSID} (ablation)",
        "as cqsid",
        contrast=True,
    ),
    "cqsid_no_contrast": Recipe(
        "CQ-SID without query-item contrast",
        f"{_CQSID} (ablation)",
        "as cqsid",
        category="hard",
    ),
    "rqvae": Recipe(
        "RQ-VAE on texts alone, split as CQ-SID",
        f"{_CQSID} (baseline)",
        "that the baseline is split the same way",
    ),
    "tiger": Recipe(
        "RQ-VAE on texts alone and a fourth token that tells colliding items apart",
        "TIGER, 2023, arXiv 2305.05065",
        "collision order: item number; last tokens kept for new items",
        finish="collision",
    ),
    "rkmeans": Recipe(
        "residual k-means on text vectors",
        "a common baseline, also in OneRec and FORGE",
        "split as CQ-SID",
        quantizer="kmeans",
    ),
    "random": Recipe(
        "random codes of the sizes of cqsid",
        "a control",
        "uniform, independent per level; groups are appended only where a cluster is split",
        quantizer="random",
    ),
    "cat_id2": Recipe(
        "RQ-VAE with a soft pull of level 1 towards categories",
        "CAT-ID2, 2025, arXiv 2511.01461",
        "losses as RqvaeSpec.category == soft; one level of categories; split as CQ-SID",
        category="soft",
    ),
    "higen": Recipe(
        "k-means inside each category",
        "Hi-Gen, 2024, arXiv 2404.15675",
        "text vectors without its efficiency features; split as CQ-SID",
        quantizer="kmeans_in_category",
    ),
    "letter": Recipe(
        "RQ-VAE aligned with what is clicked together, and a diversity loss",
        "LETTER, 2024, arXiv 2405.07314",
        "alignment to sessions of this log; split as CQ-SID",
        collaborative=True,
    ),
    "crid": Recipe(
        "two CQ-SID levels, then the item's rank by conversions inside the prefix",
        "CRID, by the authors' company, after CQ-SID",
        "the two levels are CQ-SID's; the whole log instead of 30 days; ties by item number",
        finish="conversions",
        category="hard",
        contrast=True,
    ),
    "varg": Recipe(
        "two CQ-SID levels, then the item's rank by empirical-Bayes conversion, frozen",
        "VARG, by the authors' company, after CQ-SID",
        "the two levels are CQ-SID's; c counts clicks; prior by Kleinman's moments",
        finish="value",
        category="hard",
        contrast=True,
    ),
}


def build_scheme(spec: IdsSpec) -> Scheme:
    """The scheme that a spec describes, not yet fitted.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or is no scheme.
    """
    if spec.scheme == "custom":
        assert spec.object is not None  # the spec sees to it
        made: Scheme = SCHEME.make(spec.object, options=spec.options, setting="ids.object")
        return made
    recipe = SCHEMES[spec.scheme]
    levels = _SEMANTIC if recipe.finish in ("conversions", "value") else None
    return ComposedScheme(_quantizer(recipe, spec), _finish(recipe, spec), spec.codes, levels)


def check_codes(spec: IdsSpec, categories: int) -> None:
    """Refuse level sizes too small for a catalogue, before anything is trained.

    Raises:
        ConfigError: fewer first codes than categories, where the first code is the category.
    """
    if spec.codes is not None and starts_with_category(spec) and spec.codes[0] < categories:
        raise ConfigError(
            f"ids.codes[0] == {spec.codes[0]}, must be >= {categories} (categories, which are "
            f"the first codes of {spec.scheme})"
        )


def starts_with_category(spec: IdsSpec) -> bool:
    """Whether the first code of an id is a category; never assumed of a custom scheme."""
    if spec.scheme == "custom":
        return False
    recipe = SCHEMES[spec.scheme]
    guided = recipe.quantizer == "rqvae" and recipe.category == "hard"
    return guided or recipe.quantizer == "kmeans_in_category"


def levels(spec: IdsSpec) -> int | None:
    """Codes of an id of the scheme; None: only known when a custom scheme has made its ids."""
    if spec.scheme == "custom":
        return None
    quantized = len(spec.codes) if spec.codes else _AUTO
    finish = SCHEMES[spec.scheme].finish
    if finish == "split":
        return quantized
    return (quantized if finish == "collision" else _SEMANTIC) + 1


def _quantizer(recipe: Recipe, spec: IdsSpec) -> QuantizerOf:
    match recipe.quantizer:
        case "rqvae":
            return partial(Rqvae, guided(recipe, spec.rqvae))
        case "kmeans":
            return partial(ResidualKMeans, spec.kmeans)
        case "kmeans_in_category":
            return partial(ResidualKMeans, spec.kmeans, within_category=True)
        case "random":
            return RandomCodes


def guided(recipe: Recipe, spec: GuidedSpec) -> RqvaeSpec:
    """The RQ-VAE of a recipe: its guidance, with the weights of the settings."""
    common = {name: getattr(spec, name) for name in AutoencoderSpec.model_fields}
    return RqvaeSpec(
        **common,
        category=recipe.category,
        contrast=spec.contrast if recipe.contrast else "none",
        collaborative=spec.collaborative if recipe.collaborative else 0.0,
        diversity=spec.diversity if recipe.collaborative else 0.0,
    )


def _finish(recipe: Recipe, spec: IdsSpec) -> Finish:
    if recipe.finish == "split":
        return _split(spec)
    worths = {"collision": arrival, "conversions": conversions, "value": conversion_rate}
    return Numbering(worths[recipe.finish], spec.room)


def _split(spec: IdsSpec) -> Finish:
    split = spec.split
    if split.rule == "none":
        return Plain()
    if split.rule == "overflow":
        return Overflow(split.capacity)
    groupings: dict[str, Callable[[], Grouping]] = {
        "random": AtRandom,
        "popularity": ByPopularity,
        "two_means": partial(ByTwoMeans, split.largest, split.groups),
    }
    return Splitting(groupings[split.rule](), split.largest, split.groups, spec.room)
