"""The settings of a channel that asks a search service."""

import json
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from recall.settings import ChannelSettings

QUERY, QUERIES, LIMIT = "{query}", "{queries}", "{limit}"
"""What addresses and bodies hold in the place of a text, of texts, and of the items asked for."""


class ServiceSpec(ChannelSettings):
    """A search service that is asked by GET or, with a body, by POST, and answers JSON.

    `url` and `body` hold `{query}` and `{limit}`; with `batch` above 1 the body holds `{queries}`,
    a list of texts. Paths into the answer are keys with dots between them, `*` for every entry of a
    list, as `hits.*.id`; with `batch` above 1 the first `*` counts the queries.
    """

    home: ClassVar[str] = "recall.service.channel:ServiceChannel"

    type: Literal["http"] = "http"
    url: str = Field(
        pattern="^https?://", description="address, such as http://localhost/?q={query}"
    )
    body: str = Field("", description="JSON that is sent, with texts {query} and {limit} in it")
    ids: str = Field("hits.*.id", description="path of the items' ids in the answer")
    scores: str = Field("", description="path of their scores; none: the order is all that counts")
    batch: int = Field(1, ge=1, le=1_000, description="queries that are sent together")
    parallel: int = Field(8, ge=1, le=256, description="calls that are under way at once")
    timeout_s: float = Field(
        2.0, gt=0, le=600, description="time after which a call counts as late (s)"
    )
    cache: str = Field(
        min_length=1,
        description="file that keeps all answers, so that a run can be repeated; delete it to ask "
        "anew",
    )

    def fixed(self) -> str:
        """What is asked lies elsewhere."""
        return "the service that it asks is not trained here"

    @model_validator(mode="after")
    def _asks_something(self) -> "ServiceSpec":
        asked = QUERIES if self.batch > 1 else QUERY
        if asked not in self.body and (self.batch > 1 or asked not in self.url):
            where = "body" if self.batch > 1 else "url or body"
            raise ValueError(f"{where} == no {asked}, must say where the text of a query goes")
        if self.body:
            try:
                json.loads(self.body)
            except ValueError as error:
                raise ValueError(f"body == {error}, must be JSON") from error
        if self.batch > 1 and self.ids.count("*") < 2:
            raise ValueError(f"ids == {self.ids!r}, must have a * for queries and one for items")
        return self
