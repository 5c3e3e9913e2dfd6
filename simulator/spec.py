"""The base of every settings object.

A spec is a light, frozen description that builds one heavy object. It lives beside the code
it configures; `experiments.config.loading` only composes specs and reads them from TOML.
"""

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Frozen settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
