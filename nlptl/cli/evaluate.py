"""`nlptl evaluate`: scores a finished run on labelled data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nlptl.cli import output
from nlptl.cli.flags import COMMON, Command, Flag, of_fields
from nlptl.cli.parsing import parse
from nlptl.cli.reading import OVERWRITE, READING, RUN, STANDARD, TRUST_CHANGES, given, input_format
from nlptl.core.config import DataConfig, EvalConfig
from nlptl.core.errors import InputError
from nlptl.core.finite import finite
from nlptl.core.shown import shown_json

if TYPE_CHECKING:
    from nlptl.core.records import Scores


def evaluate(argv: Sequence[str]) -> int:
    """Scores a run as the command line says; returns the exit status."""
    values = parse(_command(), argv)
    config, metrics = DataConfig(**values["data"]), EvalConfig(**values["eval"]).metrics
    if config.test is None:
        raise InputError("nlptl evaluate needs --data.test, or DATA after RUN: the labelled data to score on")
    source = str(config.test)
    target = _target(source, values)
    with output.speaking(values):
        from nlptl.runs.run import load

        run = load(values["run"], trust_changes=values["trust_changes"])
        form = values["input_format"] or ("jsonl" if source == STANDARD else None)
        with given(source, form, run, config) as path:
            return _write(run.evaluate(path, config=config, metrics=metrics), source, target, values)


def _command() -> Command:
    own = (
        RUN,
        Flag(
            "--data.test",
            "Labelled data to score on, given like --data.train of nlptl train; '-': standard input. The flag can be "
            "left out right after RUN.",
            metavar="DATA",
        ),
        *(replace(flag, group="") for flag in of_fields(EvalConfig, "eval", ("metrics",))),
        TRUST_CHANGES,
        Flag("--output", "New .json file for the scores; '-': JSON on standard output."),
        OVERWRITE,
        input_format(Literal["jsonl", "csv", "tsv"]),
        *COMMON,
        *of_fields(DataConfig, "data", ("label", "answers", "label_names", *READING)),
    )
    about, usage = "Scores a finished run on labelled data.", "nlptl evaluate RUN DATA [flags]"
    return Command("nlptl evaluate", about, usage, own, words=("run", "data.test"))


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
