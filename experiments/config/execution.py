"""Settings of how a run is executed."""

from typing import Final, Literal

from pydantic import Field

from simulator.spec import Spec

LOGGERS: Final = "execution.loggers"


class ExecutionSpec(Spec):
    """How a run is executed. Nothing here changes a result."""

    processes: int = Field(2, ge=1, description="worlds simulated at the same time")
    batch_size: int = Field(512, ge=1, description="requests that pass through a model together")
    plug_in_seconds: float = Field(
        3_600.0,
        gt=0,
        description="most time of one call of code of your own (a fit, an answer to a batch); what "
        "takes longer is taken to hang (s)",
    )
    backend: Literal["processes", "ray"] = Field(
        "processes", description="where worlds run: processes of this machine, or a ray cluster"
    )
    loggers: tuple[str, ...] = Field(
        (),
        description="where the losses of channels, rankers and judges go while they are trained: "
        "tensorboard, wandb, mlflow (extras of the same names), MODULE:OBJECT or an entry point "
        "of funnelab.loggers",
    )
