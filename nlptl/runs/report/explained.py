"""Explanations of a run's errors: `nlptl report RUN --explain N` writes explanations.jsonl, and the page shows it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from nlptl.core import files
from nlptl.core.errors import InputError
from nlptl.core.explanation import Explanation
from nlptl.core.finite import finite
from nlptl.core.records import Example
from nlptl.core.shown import shown_json
from nlptl.report.coloured import explained
from nlptl.report.parts import ErrorRow, Errors
from nlptl.runs.folder import EXPLANATIONS
from nlptl.runs.report.looks import MOST_ROWS

FORMAT = 1
ADVICE = "delete it: nlptl report RUN --explain 20 writes it again"
Known = Mapping[tuple[str, int], Explanation]
"""Explanations by split and row id."""


def write(path: Path, errors: Errors, examples: Mapping[int, Example], n: int) -> int:
    """Explains the first errors of a run with its model, writes explanations.jsonl, and returns how many it holds.

    Args:
        path: of the run's folder.
        errors: of the run.
        examples: the rows of the data, by row id.
        n: how many to explain, at most `MOST_ROWS`.

    Raises:
        InputError: the model cannot be opened, or its predictions cannot be explained, or the data is not there.
    """
    from nlptl.runs.explaining import Explainer
    from nlptl.runs.run import load

    wanted = [row for row in errors.rows[:n] if row.row_id in examples]
    if errors.rows and not wanted:
        raise InputError(f"the errors of {path} cannot be explained: their texts are not there, see its report.html")
    if not wanted:
        return 0
    explainer, lines = Explainer(load(path).predictor), []
    for row in wanted:
        found = explainer.explain(examples[row.row_id])
        own = {"format": FORMAT, "split": row.split, **found.to_dict()}
        lines.append(shown_json(json.dumps(finite(own), ensure_ascii=False)) + "\n")
    files.write_text(path / EXPLANATIONS, "".join(lines))
    return len(lines)


def read(path: Path) -> Known:
    """Returns the explanations in a run's folder; none if there is no such file.

    Raises:
        InputError: the file is damaged, or a newer nlptl wrote it.
    """
    file = path / EXPLANATIONS
    if not file.exists():
        return {}
    found = {}
    for number, line in enumerate(files.read_text(file, ADVICE).split("\n")[:-1], 1):
        try:
            values = json.loads(line)
            files.check_format(file, values["format"], FORMAT)
            found[str(values["split"]), int(values["row_id"])] = Explanation.from_dict(values)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise files.damaged(f"{file}, line {number}", error, ADVICE) from error
    return found


def shown(errors: Errors, known: Known, examples: Mapping[int, Example]) -> Errors:
    """Returns the errors with the words of those that are explained coloured.

    Args:
        errors: to show.
        known: see `read`.
        examples: the rows of the data by row id: what is explained must be what is shown.
    """
    return replace(errors, rows=[_with_colours(row, known, examples.get(row.row_id)) for row in errors.rows])


def _with_colours(row: ErrorRow, known: Known, example: Example | None) -> ErrorRow:
    found = known.get((row.split, row.row_id))
    if found is None or example is None or (found.text, found.text_pair) != (example.text, example.text_pair):
        return row
    return explained(row, found)


def limited(n: int) -> int:
    """Returns how many errors are explained, checked.

    Raises:
        InputError: the number is out of range.
    """
    if not 1 <= n <= MOST_ROWS:
        raise InputError(f"--explain must be 1 to {MOST_ROWS}, the errors that the page shows; found {n}")
    return n


def rows_of(examples: Sequence[Example | None]) -> dict[int, Example]:
    """Returns the rows that are there, by row id."""
    return {example.row_id: example for example in examples if example is not None}
