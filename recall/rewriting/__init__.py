"""Query rewriting: other wordings of a text, and the channel that asks for them, too."""
