"""Programs of the suite reliability."""
