"""What a shop has before it has a log: channels with nothing to learn from but the catalogue."""

from collections.abc import Mapping
from typing import Final

from recall.classic.lexical import LexicalSpec
from recall.classic.popular import PopularSpec
from recall.settings import ChannelSettings

BOOTSTRAP_CHANNELS: Final[Mapping[str, ChannelSettings]] = {
    "lexical": LexicalSpec(),
    "popular": PopularSpec(),
}
