"""`nlptl predict`: labels new texts with a finished run."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nlptl.cli import output
from nlptl.cli.flags import COMMON, Command, Flag, of_fields
from nlptl.cli.parsing import parse
from nlptl.cli.reading import OVERWRITE, READING, RUN, STANDARD, TRUST_CHANGES, given, input_format, typed_row
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError

if TYPE_CHECKING:
    from nlptl import data
    from nlptl.data.writing import Part
    from nlptl.runs.run import Run

USAGE = """nlptl predict RUN INPUT [flags]
       nlptl predict RUN --text TEXT [flags]"""


def predict(argv: Sequence[str]) -> int:
    """Labels new texts as the command line says; returns the exit status."""
    values = parse(_command(), argv)
    row = typed_row(values)
    if (values["input"] is None) == (not row):
        raise InputError("nlptl predict needs either --input FILE or --text TEXT (--question TEXT --context TEXT)")
    path, kind = _target(values)
    with output.speaking(values):
        from nlptl.runs.run import load

        run = load(values["run"], trust_changes=values["trust_changes"])
        config = DataConfig(**values["data"])
        source = nullcontext(None) if row else given(values["input"], values["input_format"], run, config)
        with source as data_path:
            predicted = _of_row(run, row) if row else _of_source(run, data_path, config)
            return _write(predicted, path, kind, values)


def _command() -> Command:
    own = (
        RUN,
        TRUST_CHANGES,
        Flag(
            "--input",
            "File of rows, read as in training, labels not needed; '-': standard input. The flag can be left out right "
            "after RUN.",
        ),
        input_format(Literal["text", "jsonl", "csv", "tsv"]),
        Flag("--text", "One text, instead of --input."),
        Flag("--text-pair", "The second text, for tasks on pairs."),
        Flag("--question", "One question, instead of --input; needs --context."),
        Flag("--context", "The text in which to look for the answer."),
        Flag("--output", "New file: .csv, .tsv, .jsonl or .parquet; default: '-', standard output.", default=STANDARD),
        Flag("--output-format", "Format of standard output; default: jsonl.", Literal["jsonl", "csv", "tsv"]),
        OVERWRITE,
        *COMMON,
        *of_fields(DataConfig, "data", READING),
    )
    about = "Labels new texts with a finished run; one prediction a row, in order."
    return Command("nlptl predict", about, USAGE, own, words=("run", "input"))


def _target(values: dict[str, Any]) -> tuple[Path | None, str]:
    """Returns the path of the output, None for standard output, and the suffix that names its format."""
    from nlptl import data

    if values["output"] == STANDARD:
        output.check_standard_output(values["input"])
        return None, f".{values['output_format'] or 'jsonl'}"
    if values["output_format"] is not None:
        raise InputError(f"--output-format is for standard output; {values['output']!r} is written as its suffix says")
    path = output.checked(values["output"], values["input"], overwrite=values["overwrite"])
    return path, data.check_writable(Path(values["output"]))


def _of_row(run: Run, row: dict[str, str]) -> data.Predicted:
    from nlptl import data

    found = run.predict_examples([run.row(row)])
    return data.Predicted(tuple(row), found[0], [([row], found)])


def _of_source(run: Run, source: str | None, config: DataConfig) -> data.Predicted:
    from nlptl import data
    from nlptl.report import console

    new = run.new_rows(source, config)
    parts = ((rows, run.predict_examples(examples)) for examples, rows in new.parts())
    head = next(parts)  # there is one: data without rows was refused
    predicted = data.Predicted(
        new.columns, head[1][0], itertools.chain([head], parts), None if new.only_strings else new.rows
    )
    others = [f"{name!r} is {other!r}" for name, other in predicted.renamed.items() if name != other]
    if others:
        console.note(f"input columns renamed in the output, because nlptl uses their names: {', '.join(others)}")
    return predicted


class _Counted:
    """Counts the rows of parts as they are done, and reports the count if details are wanted."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.parts, self.n = parts, 0

    def __iter__(self) -> Iterator[Part]:
        from nlptl.report import console

        began = time.monotonic()
        for part in self.parts:
            yield part
            self.n += len(part[0])
            console.detail(f"{self.n:,} rows done, {self.n / max(time.monotonic() - began, 1e-9):,.0f} a second")


def _write(predicted: data.Predicted, path: Path | None, kind: str, values: dict[str, Any]) -> int:
    from nlptl import data
    from nlptl.report import console

    counted = _Counted(predicted.parts)
    predicted = dataclasses.replace(predicted, parts=counted)
    if path is None:
        if kind != ".jsonl":
            output.in_utf8()
        return output.print_lines(data.lines(predicted, kind, ascii_only=not output.is_utf8()))
    with output.whole(path, overwrite=values["overwrite"]) as aside:
        if kind == ".parquet":
            data.write_parquet(predicted, aside)
        else:
            output.write_lines(aside, data.lines(predicted, kind))
    console.note(f"{counted.n:,} predictions in {values['output']}")
    return 0
