"""Who tells which verdicts of a chain are right: a model of verdicts in the place of annotators.

TaoSR-SHE (arXiv 2510.07972) rewards each step by a generative reward model, and answers by what
people annotated. Ours is a nominal logistic regression of each verdict on how text and item agree,
for a reward model that is the judge's own network would share its mistakes. It reads no click. It
is fitted to the verdicts of half of the annotated texts and tells those of the other half; grades
stay with annotators.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cqsid.systems.chain.chains import SIZES, VERDICTS, Chains
from cqsid.systems.chain.training import Lessons
from ranking.facts.memory import QueryMemory
from ranking.judges.logistic import Agreement
from ranking.judges.nominal import fit_nominal
from simulator.annotations.pairs import Annotations
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History

_LEAST_SPREAD: Final = 1e-6


def verified(
    lessons: Lessons,
    annotated: Annotations,
    catalog: Catalog,
    chains: Chains,
    *,
    random: bool,
    rng: np.random.Generator,
) -> Lessons:
    """The lessons of half of the texts, with the verdicts that a model of the other half tells.

    Args:
        lessons: pairs with the chains that annotators gave.
        annotated: the same pairs.
        catalog: the items.
        chains: the order of codes.
        random: each pair has the model's verdicts on another one: the null twin of the model.
        rng: luck of the halves.
    """
    halves, luck = rng.spawn(2)
    taught_J = share_of_texts(annotated, 2, halves)
    taught, told = (np.flatnonzero(taught_J == each) for each in (True, False))
    verdicts = model_verdicts(catalog, annotated.rows(taught), annotated.rows(told), luck)
    order = luck.permutation(len(told)) if random else np.arange(len(told))
    codes_NL = lessons.codes_NL[told].copy()
    for name, code_N in verdicts.items():
        codes_NL[:, chains.names.index(name)] = code_N[order]
    return Lessons(lessons.pairs.some(told), codes_NL)


def share_of_texts(
    annotated: Annotations, one_of: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(J,) which pairs are of texts that were drawn, one of so many."""
    asked_U, text_J = np.unique(annotated.text_J, return_inverse=True)
    return np.asarray((rng.permutation(len(asked_U)) < len(asked_U) // one_of)[text_J])


def model_verdicts(
    catalog: Catalog, taught: Annotations, told: Annotations, rng: np.random.Generator
) -> dict[str, Ints]:
    """(J,) the likeliest verdicts on the pairs `told`, by a model of the pairs `taught`."""
    agreement = Agreement(catalog, QueryMemory(catalog, History.empty()), rng)
    known_PF, new_JF = (
        agreement.of_pairs(each.texts, each.text_J, each.item_J) for each in (taught, told)
    )
    scale_F = np.maximum(known_PF.std(axis=0), _LEAST_SPREAD)
    found = {}
    for name in VERDICTS:
        code_P = getattr(taught, f"{name}_J").astype(np.int64)
        model = fit_nominal(known_PF / scale_F, code_P, classes=SIZES[name])
        found[name] = model.chances(new_JF / scale_F).argmax(axis=1).astype(np.int32)
    return found
