"""What may be adjusted by: columns that the treatment cannot have moved.

An estimate that is adjusted by something that the treatment moves is biased, and no number in the
data tells: part of the effect is taken for chance. So every covariate is declared, by one of two
functions whose names are the claim.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Covariate:
    """A column that an estimate is adjusted by.

    Attributes:
        column: of the unit table.
        claims: columns of the experiment's own time that it rests on, of which the user says that
            the treatment cannot move them; () where all was known before.
    """

    column: str
    claims: tuple[str, ...] = ()


def known_before(*columns: str) -> tuple[Covariate, ...]:
    """Columns that were known before the experiment began, such as a shopper's earlier orders."""
    return tuple(Covariate(column) for column in columns)


def treatment_cannot_move(*columns: str) -> tuple[Covariate, ...]:
    """Columns of the experiment's own time of which you say that the treatment cannot move them.

    Such as the device, or the day of a shopper's first visit; not whether somebody came back, nor
    what they clicked. A claim that is wrong biases the estimate. Results repeat it.
    """
    return tuple(Covariate(column, (column,)) for column in columns)


def claim_notes(covariates: tuple[Covariate, ...]) -> tuple[str, ...]:
    """The sentence that repeats what the user has claimed; () where nothing was."""
    claimed = dict.fromkeys(claim for each in covariates for claim in each.claims)
    if not claimed:
        return ()
    return (f"taken as given: the treatment cannot move {', '.join(claimed)}",)
