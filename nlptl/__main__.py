"""`python -m nlptl`, the same as `nlptl`."""

from nlptl.cli import run

run()
