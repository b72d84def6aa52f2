"""Runs models: one training loop, batches without padding, the frozen prefix, checkpoints, inference."""
