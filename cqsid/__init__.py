"""Semantic ids and the generative channel CQ-SID: the tokenizer, the generator, the channel."""

__all__: list[str] = []
