"""Settings of annotations."""

from pydantic import Field

from simulator.spec import Spec


class AnnotationsSpec(Spec):
    """Graded pairs of texts and items that a shop pays annotators for; judges learn from them."""

    pairs: int = Field(0, ge=0, description="pairs bought; 0: none")
    noise: float = Field(
        0.1, ge=0, le=1, description="chance that a verdict, or the grade, is a neighbouring one"
    )
