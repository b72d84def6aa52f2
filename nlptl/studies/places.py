"""The names of the files of comparisons and studies, and what a folder holds."""

from pathlib import Path

STUDY, COMPARISON, DIFFERENCES = "study.json", "comparison.json", "differences.csv"


def has_page(folder: Path) -> bool:
    """Returns whether a folder holds a study or a comparison, so that its page is not that of a run."""
    return any((folder / name).exists() for name in (STUDY, COMPARISON))
