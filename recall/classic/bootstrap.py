"""What a shop has before it has a log: channels with nothing to learn from but the catalogue."""

from collections.abc import Mapping
from typing import Final

from recall.classic.settings import LexicalSpec, PopularSpec
from recall.settings import ChannelSettings

BOOTSTRAP_CHANNELS: Final[Mapping[str, ChannelSettings]] = {
    "lexical": LexicalSpec(),
    "popular": PopularSpec(),
}
