"""`nlptl predict`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from nlptl.cli import flags
from nlptl.cli.output import print_lines, write_lines
from nlptl.cli.reading import READING
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError

ROW = ("text", "text_pair", "question", "context")


def predict(argv: Sequence[str]) -> int:
    """Labels new texts as a command line says; returns the exit status."""
    parser = flags.new_parser("nlptl predict", "Labels new texts with a finished run; one prediction a row, in order.")
    parser.add_argument("run", type=str, help="the run's folder, or its model/ folder")
    parser.add_argument("--trust-changes", action="store_true", help="open a model edited since training, and tell it")
    parser.add_argument("--input", type=str, help="file of rows, read as in training; labels are not needed")
    parser.add_argument("--text", type=str, help="one text, instead of --input")
    parser.add_argument("--text-pair", type=str, help="the second text, for tasks on pairs")
    parser.add_argument("--question", type=str, help="one question, instead of --input; with --context")
    parser.add_argument("--context", type=str, help="the text in which the question's answer is looked for")
    parser.add_argument("--output", type=str, help="JSON-lines file; default: standard output")
    flags.add_fields(parser, DataConfig, "data", READING)
    values = flags.parse(parser, argv)
    row = {role: values[role] for role in ROW if values[role] is not None}
    if (values["input"] is None) == (not row):
        raise InputError("nlptl predict needs either --input FILE or --text TEXT (--question TEXT --context TEXT)")
    from nlptl.runs.run import load

    run = load(values["run"], trust_changes=values["trust_changes"])
    config = DataConfig(**values["data"])
    predictions = run.predict_examples([run.row(row)]) if row else run.predictions(values["input"], config)
    lines = (prediction.to_json() + "\n" for prediction in predictions)
    if values["output"] is None:
        return print_lines(lines)
    n = write_lines(Path(values["output"]), lines)
    sys.stderr.write(f"{n:,} predictions in {values['output']}\n")
    return 0
