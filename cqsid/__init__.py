"""Semantic ids and the generative channel CQ-SID: the tokenizer, the generator, the channel.

A `Scheme` gives items `SemanticIds`; a small language model learns to generate the ids that a
query leads to; a `Decoder` searches a `Trie` of the ids that exist; the `CqsidChannel` turns ids
into items.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from cqsid.channel import CqsidChannel
    from cqsid.decode import Decoder
    from cqsid.ids import SemanticIds
    from cqsid.scheme import Scheme
    from cqsid.settings import CqsidSpec
    from cqsid.signals import Signals
    from cqsid.trie import Trie
else:
    __getattr__ = exporter(
        __name__,
        {
            "channel": "CqsidChannel",
            "decode": "Decoder",
            "ids": "SemanticIds",
            "scheme": "Scheme",
            "settings": "CqsidSpec",
            "signals": "Signals",
            "trie": "Trie",
        },
    )

__all__ = ["CqsidChannel", "CqsidSpec", "Decoder", "Scheme", "SemanticIds", "Signals", "Trie"]
