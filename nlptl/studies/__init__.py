"""What is done with many runs and models: comparing runs, ranking pretrained models."""
