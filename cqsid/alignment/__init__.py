"""Stage four: the generator learns from rewards, by EG-GRPO and its relatives.

`align` takes a trained generator, logged requests and a reward; an `AlgorithmSpec` says how it
learns, an `AlignmentSpec` for how long. `cqsid.alignment.settings` has the published algorithms.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from cqsid.alignment.settings import (
        AlgorithmSpec as AlgorithmSpec,
        AlignmentSpec as AlignmentSpec,
    )
    from cqsid.alignment.trainer import Alignment as Alignment, align as align
else:
    __all__, __getattr__ = exporter(__name__, __file__)
