"""The baselines, a file for each output."""
