"""Whether the latent truth favours a channel: the rung of favouritism.

Channels of a finished run answer requests again, without any shopper. What they find is held
against what is truly relevant, by several truths: as it is, without its latent vectors, with all of
it given to other items, and by human grades where there are any.
"""
