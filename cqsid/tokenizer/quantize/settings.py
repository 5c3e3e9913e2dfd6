"""Settings of the k-means quantiser."""

from pydantic import Field

from simulator.spec import Spec


class KMeansSpec(Spec):
    """Residual k-means."""

    iterations: int = Field(8, ge=0, description="passes over the sub-sample of a level")
    sample: int = Field(2**16, gt=0, description="items learned from at the most")
    balance: bool = Field(True, description="whether prices draw codes to equal use")
