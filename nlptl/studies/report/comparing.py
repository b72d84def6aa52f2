"""The page of a comparison, from comparison.json, differences.csv and the data of the runs."""

import shlex
from pathlib import Path

from nlptl.core.comparison import Comparison
from nlptl.core.records import Interval
from nlptl.report import charts
from nlptl.report.comparing import LEVEL, in_words
from nlptl.report.comparison_page import ComparisonPage
from nlptl.report.parts import Figure, Verdict
from nlptl.report.rendering import number
from nlptl.runs.report.writing import shown_folder
from nlptl.studies.report import differing

N_BOOTSTRAP, SEED = 1000, 0
"""Defaults of `compare`, which its command need not say."""
MOST_DRAWN = 40
"""Runs of a figure."""


def page(record: Comparison, folder: Path) -> ComparisonPage:
    """Returns the page.

    Args:
        record: the content of comparison.json.
        folder: in which it lies.
    """
    rows = differing.read(record, folder)
    drawn = _figures(record) if len(record.runs) <= MOST_DRAWN else []
    many = {"figures": f"More than {MOST_DRAWN} runs are not drawn."} if not drawn else {}
    return ComparisonPage(
        title=f"{len(record.runs)} runs compared: {record.metric} on {record.split}",
        facts=_facts(record, folder),
        command=_command(record, folder),
        verdict=_verdict(record),
        record=record,
        figures=drawn,
        rows=rows.rows,
        n_differ=rows.n,
        row_notes=rows.notes,
        missing=many | ({"rows": rows.missing} if rows.missing else {}),
    )


def _facts(record: Comparison, folder: Path) -> list[tuple[str, str]]:
    better = "greater" if record.greater_is_better else "smaller"
    return [
        ("Folder", str(shown_folder(folder))),
        ("Task", record.task),
        ("Rows", f"{record.n_rows:,} of {record.split}"),
        ("Metric", f"{record.metric}, {better} is better"),
        ("Reference", record.reference),
        ("Intervals", f"{record.n_bootstrap:,} resamples, seed {record.seed}"),
    ]


def _command(record: Comparison, folder: Path) -> str:
    words = ["nlptl", "compare", *(run.folder for run in record.runs)]
    words += ["--split", record.split, "--metric", record.metric]
    words += ["--reference", "best"] if record.reference != record.runs[0].run else []
    words += ["--n_bootstrap", str(record.n_bootstrap)] if record.n_bootstrap != N_BOOTSTRAP else []
    words += ["--seed", str(record.seed)] if record.seed != SEED else []
    return shlex.join([*words, "--output", str(shown_folder(folder)), "--overwrite"])


def _verdict(record: Comparison) -> Verdict:
    sign = 1 if record.greater_is_better else -1
    best = max(record.runs, key=lambda run: sign * run.score.value)
    sure = [pair for pair in record.pairs if pair.p_holm <= LEVEL]
    said = in_words(record)
    score = f"{number(best.score.value)} (95 % interval {number(best.score.low)} to {number(best.score.high)})"
    said = said if sure else f"{said[0].upper()}{said[1:]}"  # a run's name keeps its letters
    sentences = [f"{said}.", f"The best {record.metric} has {best.run}: {score}."]
    if record.split == "validation":
        sentences.append("Validation rows also chose the weights that each run kept: test rows compare better.")
    if not any(pair.n_differ for pair in record.pairs):
        sentences.append("All runs give the same answer to every row.")
    n = len(record.pairs)
    if not sure:
        return Verdict("unclear", "No run is shown to be better than another.", sentences)
    pairs = "The two runs differ" if n == 1 else f"{len(sure)} of {n} pairs differ"
    return Verdict("good", f"{pairs} by more than chance.", sentences)


def _figures(record: Comparison) -> list[Figure]:
    note = "A bar is the 95 % interval; numbers as in the table."
    scores = [run.score for run in record.runs]
    gains = [run.difference or Interval(0.0, 0.0, 0.0) for run in record.runs]
    second = f"difference of {record.metric}"
    return [
        Figure(charts.forest(scores, record.metric), "Scores", note),
        Figure(charts.forest(gains, second, zero=True), "Differences to the reference", "On the same rows."),
    ]
