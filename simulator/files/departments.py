"""Departments for the categories of a user's catalogue."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from simulator.catalogue.catalog import Ints
from simulator.catalogue.taxonomy import Words
from simulator.files.inferred import Mentions
from simulator.files.tables.amounts import Floats

MAX_DEPARTMENTS = 24
_WORD = re.compile(r"\w+")


def group_departments(mentions: Mentions, category_I: Ints, categories: Words) -> Ints:
    """(C,) department of each category.

    The first element of a path where most categories are paths; otherwise categories that end
    in the same noun ("ink cartridge", "toner cartridge") belong together. Beyond the largest
    `MAX_DEPARTMENTS`, a department joins the one whose items use the most similar words.
    """
    separator = ">" if 2 * sum(">" in name for name in categories) > len(categories) else ""
    heads = np.array([_head(name, separator) for name in categories], object)
    group_C, names = pd.factorize(heads)
    size_G = np.bincount(group_C[category_I], minlength=len(names))
    order_G = np.argsort(-size_G, kind="stable")
    kept = order_G[:MAX_DEPARTMENTS]
    likeness_GK = _likeness(mentions, group_C[category_I], len(names), kept)
    department_G = np.argmax(likeness_GK, axis=1)
    department_G[kept] = np.arange(len(kept))
    return np.asarray(department_G[group_C], np.int32)


def _head(name: str, separator: str) -> str:
    if separator:
        return name.split(separator)[0].strip().casefold()
    words: list[str] = _WORD.findall(name.casefold().partition("/")[0])
    return words[-1].removesuffix("s") if words else name


def _likeness(
    mentions: Mentions, group_I: NDArray[np.intp], groups: int, kept: NDArray[np.intp]
) -> Floats:
    """(G, K) cosine between the tf-idf word profiles of all groups and of the kept ones."""
    items = len(group_I)
    if not len(mentions.words):
        return np.zeros((groups, len(kept)))
    cells = (np.ones(items), (group_I, np.arange(items)))
    member = sparse.csr_array(cells, shape=(groups, items))
    frequency = np.bincount(mentions.word_M, minlength=len(mentions.words))
    profile = (member @ mentions.matrix(items)) * np.log(items / frequency)
    length = np.sqrt(profile.multiply(profile).sum(axis=1))
    unit = sparse.csr_array(profile) * (1 / np.maximum(length, 1e-12))[:, None]
    return np.asarray((sparse.csr_array(unit) @ sparse.csr_array(unit).T).toarray()[:, kept])
