"""Settings of annotations."""

from typing import Literal

from pydantic import Field

from simulator.spec import Spec


class AnnotationsSpec(Spec):
    """Graded pairs of texts and items that a shop pays annotators for; judges learn from them."""

    pairs: int = Field(0, ge=0, description="pairs bought; 0: none")
    source: Literal["simulated", "judgments"] = Field(
        "simulated",
        description="simulated annotators, who give verdicts and a grade; or the human grades of "
        "`judgments`, which have no verdicts and are as they are, without `noise`",
    )
    noise: float = Field(
        0.1, ge=0, le=1, description="chance that a verdict, or the grade, is a neighbouring one"
    )
