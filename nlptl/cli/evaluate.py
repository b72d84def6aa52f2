"""`nlptl evaluate`: scores a finished run on labelled data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from nlptl.cli import output
from nlptl.cli.flags import COMMON, Command, Flag, of_fields
from nlptl.cli.parsing import parse
from nlptl.cli.reading import OVERWRITE, READING, RUN, STANDARD, TRUST_CHANGES, given, input_format
from nlptl.core.config import DataConfig, EvalConfig
from nlptl.core.errors import InputError
from nlptl.core.finite import finite
from nlptl.core.shown import shown_json

if TYPE_CHECKING:
    from nlptl.core.bias import Groups, Swaps
    from nlptl.core.records import Scores
    from nlptl.data.swapping import Swapping
    from nlptl.runs.bias import Labelled


GROUPS = (
    "Column of the data: also scores each of its groups, by the first metric, and the largest gap between them; "
    "with one label a row."
)
SWAPS = (
    'JSON file of words such as {"he": "she"}, or default for English words for women and men: also predicts the rows '
    "with these words swapped, in both directions; with one label a row."
)


def evaluate(argv: Sequence[str]) -> int:
    """Scores a run as the command line says; returns the exit status."""
    values = parse(_command(), argv)
    groups, swaps = (values["eval"].pop(name) for name in ("groups", "swaps"))
    config, metrics = DataConfig(**values["data"]), EvalConfig(**values["eval"]).metrics
    if config.test is None:
        raise InputError("nlptl evaluate needs --data.test, or DATA after RUN: the labelled data to score on")
    source = str(config.test)
    target = _target(source, values)
    with output.speaking(values):
        from nlptl.data.swapping import Swapping
        from nlptl.runs.bias import Labelled
        from nlptl.runs.run import load

        swapping = None if swaps is None else Swapping.read(swaps)
        run = load(values["run"], trust_changes=values["trust_changes"])
        form = values["input_format"] or ("jsonl" if source == STANDARD else None)
        with given(source, form, run, config) as path:
            if groups is None and swapping is None:
                found = Measured(run.evaluate(path, config=config, metrics=metrics))
            else:
                found = _probed(Labelled.of(run, path, config, metrics), metrics, groups, swapping)
        return _write(found, source, target, values)


class Measured(NamedTuple):
    """What is measured on the data."""

    scores: Scores
    groups: Groups | None = None
    """If scores by group are wanted."""
    swaps: Swaps | None = None
    """If words are to be swapped."""

    def to_dict(self) -> dict[str, object]:
        """Returns the content of the output."""
        more = {name: asdict(value) for name, value in (("groups", self.groups), ("swaps", self.swaps)) if value}
        return asdict(self.scores) | more


def _probed(rows: Labelled, metrics: Sequence[str] | None, groups: str | None, swapping: Swapping | None) -> Measured:
    by_group = None if groups is None else rows.groups(groups, metrics[0] if metrics else None)
    return Measured(rows.scores(metrics), by_group, None if swapping is None else rows.swaps(swapping))


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
        Flag("--eval.groups", GROUPS, metavar="COLUMN"),
        Flag("--eval.swaps", SWAPS, metavar="{FILE,default}"),
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


def _write(found: Measured, source: str, target: Path | None, values: dict[str, Any]) -> int:
    lines = [shown_json(json.dumps(finite(found.to_dict()), indent=1, ensure_ascii=not output.is_utf8())), "\n"]
    if values["output"] == STANDARD:
        return output.print_lines(lines)
    from nlptl import evaluation
    from nlptl.report import console

    title = "standard input" if source == STANDARD else source
    console.scores(found.scores, title, evaluation.verdict(found.scores))
    if found.groups:
        console.grouped(found.groups)
    if found.swaps:
        console.swapped(found.swaps)
    if target:
        with output.whole(target, overwrite=values["overwrite"]) as aside:
            output.write_lines(aside, lines)
        console.note(f"the scores are in {values['output']}")
    return 0
