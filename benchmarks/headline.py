"""The README's one table: the same work by nlptl and by what a user would take instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import markdown
import results
from cases import NLPTL, measure
from comparing import Record, by_seed


class Row(NamedTuple):
    """A case that the table shows, beside one peer."""

    work: str
    suite: str
    case: str
    peer: str
    name: str
    """Of the peer, as a reader knows it."""
    score: str | None = "accuracy"
    """Metric that is shown; None if both answer the same."""


ROWS = (
    Row("full fine-tuning, SST-2", "sentiment", "full", "trainer_tuned", "Trainer, tuned, bf16, grouped by length"),
    Row("full fine-tuning, SST-2", "speed", "full", "run_glue", "run_glue.py as it comes", None),
    Row("full fine-tuning, AG News", "tasks", "ag_news", "trainer", "Trainer, bf16, grouped by length"),
    Row("last two layers, SST-2", "speed", "partial", "trainer_frozen", "Trainer with frozen layers"),
    Row("LoRA, SST-2", "speed", "lora", "trainer_lora", "Trainer with PEFT"),
    Row("frozen probe, SST-2", "speed", "probe", "trainer_frozen", "Trainer with a frozen encoder"),
    Row("question answering, SQuAD v1", "tasks", "squad1", "trainer", "run_qa.py's recipe in Trainer", "f1"),
    Row("predict 20,000 rows", "speed", "predict", "pipeline", "transformers' pipeline"),
)
HEADER = ("work", "beside", "score: nlptl / peer", "speed", "peak memory")


def table(folder: Path) -> str:
    """Returns the table as Markdown, medians over the seeds that both systems have.

    Args:
        folder: of the result files.
    """
    return markdown.table(HEADER, _cells(folder))


def _cells(folder: Path) -> Iterator[tuple[str, ...]]:
    for row in ROWS:
        records: list[Record] = results.read(folder / f"{row.suite}.json")["records"]
        own, other = by_seed(records, row.case, NLPTL), by_seed(records, row.case, row.peer)
        pairs = [(own[s], other[s]) for s in own if s in other and own[s]["cpu"] == other[s]["cpu"]]
        ratios = {m: median(measure(a, m) / measure(b, m) for a, b in pairs) for m in ("examples_per_s", "peak_mib")}
        yield (
            row.work,
            row.name,
            _scores(row, pairs),
            f"{ratios['examples_per_s']:.1f} x",
            f"{ratios['peak_mib']:.2f} x",
        )


def _scores(row: Row, pairs: list[tuple[Record, Record]]) -> str:
    if row.score is None:
        return "-"
    own, other = (median(pair[i]["metrics"][row.score] for pair in pairs) for i in (0, 1))
    return f"{own:.3f} / {other:.3f}"
