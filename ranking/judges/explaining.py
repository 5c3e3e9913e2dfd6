"""From what entities say of a text to the verdicts that annotators give."""

import numpy as np
from numpy.typing import NDArray

from ranking.judges.itementities import SLOTS, TYPES
from recall.judge import Floats, PairVerdicts
from simulator.annotations.pairs import BrandVerdict, CategoryVerdict, ValuesVerdict

_PADDING = np.int8(-1)
_CATEGORY, _BRAND, _VALUE = (
    np.flatnonzero(np.array(SLOTS) == number) for number in range(len(TYPES))
)


def verdicts_of(
    satisfied_BNM: NDArray[np.bool_],
    contradicted_BNM: NDArray[np.bool_],
    grades_BNG: Floats,
    held_BN: NDArray[np.bool_],
) -> PairVerdicts:
    """Verdicts on items.

    A category that neither satisfies nor contradicts is a near one, and a brand that does neither
    was not asked for. Of values that were asked for, some satisfy and some contradict; the others
    do not matter.

    Args:
        satisfied_BNM, contradicted_BNM: of the entities of each item, in the order of `SLOTS`;
            never both, and neither where there is no entity.
        grades_BNG: chances of the grades.
        held_BN: where there is an item.
    """

    def told(
        slots: NDArray[np.intp], satisfied: int, both: int, contradicted: int, neither: int
    ) -> NDArray[np.int8]:
        met_BN = satisfied_BNM[..., slots].any(axis=-1)
        against_BN = contradicted_BNM[..., slots].any(axis=-1)
        codes_BN = np.where(against_BN, contradicted, neither)
        codes_BN = np.where(met_BN, np.where(against_BN, both, satisfied), codes_BN)
        return np.where(held_BN, codes_BN, _PADDING).astype(np.int8)

    category, brand, values = CategoryVerdict, BrandVerdict, ValuesVerdict
    return PairVerdicts(
        told(_CATEGORY, category.SAME, category.NEAR, category.OTHER, category.NEAR),
        told(_BRAND, brand.SAME, brand.SAME, brand.OTHER, brand.NOT_ASKED),
        told(_VALUE, values.ALL, values.SOME, values.NONE, values.NOT_ASKED),
        np.where(held_BN, grades_BNG.argmax(axis=-1), _PADDING).astype(np.int8),
    )
