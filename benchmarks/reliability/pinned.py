"""Trains a classifier on one core a process: `python -m reliability.pinned FLAGS`, alone or below torchrun."""

import os
import sys

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is loaded
    os.sched_setaffinity(0, {int(os.environ.get("LOCAL_RANK", "0"))})

    from nlptl import Classification, Recipe
    from nlptl.cli import main

    sys.exit(main(Recipe(task=Classification())))
