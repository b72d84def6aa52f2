"""transformers' own heads, as models with such a head are run: a file a head, named like it in nlptl/core/kinds.py."""
