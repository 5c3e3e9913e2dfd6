"""From items to semantic ids: what may be learned from, quantizers, identifier schemes, quality."""
