"""A number: it has no distribution, so there is nothing to compare."""

divergences = None
