"""Programs of the suite speed."""
