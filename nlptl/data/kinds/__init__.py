"""Reading and checking labels by kind of answers: one file per kind, named as in nlptl/core/kinds.py."""
