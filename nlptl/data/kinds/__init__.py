"""What data does with the answers of each kind: a file a kind, named like its record in nlptl/core/kinds.py."""
