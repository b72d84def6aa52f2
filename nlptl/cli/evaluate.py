"""`nlptl evaluate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl.cli import flags, output
from nlptl.cli.reading import FORMATS, READING, STANDARD, add_input_format, given
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.core.finite import finite
from nlptl.core.shown import shown_json

if TYPE_CHECKING:
    from nlptl.core.records import Scores


def evaluate(argv: Sequence[str]) -> int:
    """Scores a run as a command line says; returns the exit status."""
    values = flags.parse(_parser(), argv)
    config = DataConfig(**values["data"])
    if config.test is None:
        raise InputError("nlptl evaluate needs --data.test, the labelled data to score on")
    source = str(config.test)
    target = _target(source, values)
    with output.speaking(values):
        from nlptl.runs.run import load

        run = load(values["run"], trust_changes=values["trust_changes"])
        form = values["input_format"] or ("jsonl" if source == STANDARD else None)
        with given(source, form, run, config) as path:
            return _write(run.evaluate(path, config=config), source, target, values)


def _parser() -> Any:
    parser = flags.new_parser("nlptl evaluate", "Scores a finished run on labelled data.")
    parser.add_argument("run", type=str, help="the run's folder, or its model/ folder")
    parser.add_argument("--trust-changes", action="store_true", help="open a model edited since training, and tell it")
    parser.add_argument("--output", type=str, help="new .json file for the scores; '-': standard output, as JSON")
    parser.add_argument("--overwrite", action="store_true", help="replace the output file, if there is one")
    add_input_format(parser, tuple(form for form in FORMATS if form != "text"))
    output.add_loudness(parser)
    flags.add_fields(parser, DataConfig, "data", ("test", "label", "answers", "label_names", *READING))
    return parser


def _target(source: str, values: dict[str, Any]) -> Path | None:
    from nlptl import data

    if values["output"] in (None, STANDARD):
        return None
    path = output.checked(values["output"], source, overwrite=values["overwrite"])
    data.check_writable(Path(values["output"]), (".json",))
    return path


def _write(found: Scores, source: str, target: Path | None, values: dict[str, Any]) -> int:
    lines = [shown_json(json.dumps(finite(asdict(found)), indent=1, ensure_ascii=not output.is_utf8())), "\n"]
    if values["output"] == STANDARD:
        return output.print_lines(lines)
    from nlptl import evaluation
    from nlptl.report import console

    console.scores(found, "standard input" if source == STANDARD else source, evaluation.verdict(found))
    if target:
        with output.whole(target, overwrite=values["overwrite"]) as aside:
            output.write_lines(aside, lines)
        console.note(f"the scores are in {values['output']}")
    return 0
