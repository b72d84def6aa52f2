"""What reports, rankings and intervals are worth, with MiniLM.

python benchmarks/run.py --suite evidence --data ../shared/data
"""

from __future__ import annotations

from pathlib import Path

from cases import NLPTL, Case, Scale, Target

from suites import defaults

AG_NEWS, SST2, SMALL = "ag_news/5000/train", "sst2/20000/train", "sst2/1000/train"
LARGE = "sst2/60000/train"
"""A file as users have it, of which a study draws few rows."""

TARGETS = (
    Target("label_errors", "precision", ">=", 0.6),
    Target("ranking", "random_is_last", ">=", 1),
    Target("ranking", "rank_correlation", ">=", 0.8),
    *(Target("coverage", f"{name}_coverage", ">=", 0.93) for name in ("accuracy", "macro_f1", "difference")),
    *(Target("coverage", f"{name}_coverage", "<=", 0.97) for name in ("accuracy", "macro_f1", "difference")),
    Target("calibration", "ece_gain", ">=", 0),
    Target("calibration", "accuracy_change", "<=", 0),
    Target("study", "speedup", ">=", 3),
    Target("negative_transfer", "n_planted_flagged", ">=", 19),
    Target("negative_transfer", "n_null_flagged", "<=", 1),
    Target("large_report", "report_mb", "<=", 3),
    Target("large_report", "report_s", "<=", 5),
)
MEASURED = {
    "coverage": (SMALL, ("accuracy_coverage", "macro_f1_coverage", "difference_coverage")),
    "label_errors": (AG_NEWS, ("precision", "n_planted")),
    "ranking": (SMALL, ("rank_correlation", "random_is_last", "pretrained_is_first")),
    "calibration": (SMALL, ("ece_before", "ece_after", "accuracy_change")),
    "study": (LARGE, ("study_s", "alone_s", "speedup", "cpu_speedup")),
    "large_report": (SMALL, ("report_mb", "report_s")),
    "negative_transfer": (SST2, ("n_planted_flagged", "n_null_flagged")),
}


def cases(scale: Scale) -> list[Case]:
    """Returns the cases in the order in which they run."""
    return [
        Case(name, NLPTL, ("-m", f"evidence.{name}"), rows, "minilm", {}, {"test": "sst2/test"}, measures)
        for name, (rows, measures) in MEASURED.items()
    ]


def inputs(data: Path, folder: Path, scale: Scale) -> defaults.DefaultsInputs:
    """Returns the inputs, which read from `data` and write to `folder`."""
    return defaults.inputs(data, folder, scale)
