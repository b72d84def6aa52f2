"""Programs that make a pretrained model's folder for a suite."""
