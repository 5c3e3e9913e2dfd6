"""Semantic ids and the generative channel CQ-SID: the tokenizer, the generator, the channel.

A `Scheme` gives items `SemanticIds`; a small language model learns to generate the ids that a
query leads to; a `Decoder` searches a `Trie` of the ids that exist; the `CqsidChannel` turns ids
into items.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from cqsid.channel import CqsidChannel as CqsidChannel
    from cqsid.decoding.decoder import Decoder as Decoder
    from cqsid.decoding.trie import Trie as Trie
    from cqsid.settings import CqsidSpec as CqsidSpec
    from cqsid.tokenizer.ids import SemanticIds as SemanticIds
    from cqsid.tokenizer.scheme import Scheme as Scheme
    from cqsid.tokenizer.signals import Signals as Signals
else:
    __all__, __getattr__ = exporter(__name__, __file__)
