"""What families build on: an encoder without padding, one with, and an encoder-decoder that writes."""
