"""What a run shows: on the terminal, and later as a page."""
