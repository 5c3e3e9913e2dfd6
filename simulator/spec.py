"""The base of every settings object.

A spec is a light, frozen description that builds one heavy object. It lives beside the code
it configures; `experiments.config.loading` only composes specs and reads them from TOML.
"""

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Frozen settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def code(self) -> tuple[str, ...]:
        """Modules of the user's own whose source decides what these settings make."""
        return ()

    def check(self) -> None:
        """Refuse, before a run spends time on its world, what can only fail later.

        Raises:
            ContractError: a plug-in that cannot be found or made.
            ConfigError, DataError: what else these settings name cannot be used.
        """
