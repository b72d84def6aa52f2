"""What a run shows, on the terminal and in a notebook."""
