"""Catalogue steps by name, the built-in ones and the user's own."""

from recall.understanding.fillers.dictionary import DictionaryUnderstanding
from recall.understanding.fillers.linear import LinearUnderstanding
from recall.understanding.fillers.nothing import NoUnderstanding
from recall.understanding.settings import UNDERSTANDING, UnderstandingSpec
from recall.understanding.understanding import Understanding


def build_understanding(spec: UnderstandingSpec) -> Understanding:
    """The step that a spec describes, not yet fitted.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or is no such step.
    """
    if spec.type == "none":
        return NoUnderstanding()
    if spec.type == "dictionary":
        return DictionaryUnderstanding()
    if spec.type == "linear":
        return LinearUnderstanding(
            hallucination_filter=spec.hallucination_filter, corrections=spec.corrections
        )
    made: Understanding = UNDERSTANDING.make(spec.object, options=spec.options)
    return made
