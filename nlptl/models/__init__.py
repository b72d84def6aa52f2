"""Pretrained models: where they come from, how they are loaded, how they are run without padding."""
