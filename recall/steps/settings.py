"""What the settings of every step have in common, and how a step is made of its settings."""

from importlib import import_module
from typing import Annotated, Any, ClassVar

from pydantic import Field

from recall.settings import Reference
from simulator.calling import blaming
from simulator.plugins import Kind
from simulator.spec import Spec


class StepSettings(Spec):
    """A step that learns from the catalogue and a log, and that channels or reports use.

    Whoever runs steps asks these questions of their settings and knows none by its class.

    Attributes:
        home: MODULE:CLASS of the step, which is called with these settings and the step's name;
            empty where the user's own names it.
    """

    home: ClassVar[str] = ""

    def references(self) -> tuple[Reference, ...]:
        """Parts of the run that are fitted before it and handed to its `fit`."""
        return ()


class OwnStep(StepSettings):
    """A step of the user's own, and what it may ask while it learns.

    Attributes:
        kind: what it must be.
    """

    kind: ClassVar[Kind]

    object: str = Field(
        description='class or function that makes it, "module:Class", or the name of an entry point'
    )
    options: dict[str, Any] = Field({}, description="keyword arguments given to it")
    channels: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="recall channels that are fitted before it and handed to it"
    )
    judge: str = Field("", description="judge that is fitted before it and handed to it")

    def references(self) -> tuple[Reference, ...]:
        """The channels and the judge."""
        judge = [Reference("judge", self.judge, ("judges",))] if self.judge else []
        return (
            *judge,
            *(
                Reference(f"channels[{number}]", name, ("channels",), learns=True)
                for number, name in enumerate(self.channels)
            ),
        )

    def code(self) -> tuple[str, ...]:
        """The module of the step."""
        return (self.kind.module(self.object),)

    def check(self) -> None:
        """Make the step once."""
        self.made("checked")

    def made(self, name: str) -> Any:
        """The user's step, under the name it has in the run.

        Raises:
            ContractError: nothing of that name, or an object that refuses its options.
        """
        step = self.kind.make(self.object, options=self.options)
        with blaming(f"{self.object}().name = {name!r}", "take its name"):
            step.name = name
        return step


def build_step(name: str, spec: StepSettings) -> Any:
    """The step that settings describe, not yet fitted, under the name it has in the run.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or is no such step.
    """
    if isinstance(spec, OwnStep):
        return spec.made(name)
    module, _, made = spec.home.partition(":")
    return getattr(import_module(module), made)(spec, name)
