"""`nlptl explain`: what each word adds to a prediction."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nlptl.cli import output
from nlptl.cli.flags import COMMON, Command, Flag, of_fields
from nlptl.cli.parsing import parse
from nlptl.cli.reading import OVERWRITE, READING, RUN, STANDARD, TRUST_CHANGES, given, input_format, typed_row
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.core.shown import shown_json

if TYPE_CHECKING:
    from nlptl.core.explanation import Explanation
    from nlptl.core.records import Example

EXPLAIN = Command(
    "nlptl explain",
    "Says what each word adds to a prediction: integrated gradients over the token embeddings (Sundararajan et al. "
    "2017), for tasks with one label, several labels or a number for each row.",
    "nlptl explain RUN INPUT [flags]\n       nlptl explain RUN --text TEXT [flags]",
    (
        RUN,
        Flag(
            "--input",
            "File of rows, read as in training, labels not needed; '-': standard input. The flag can be left out right "
            "after RUN.",
        ),
        Flag("--text", "One text, instead of --input."),
        Flag("--text-pair", "The second text, for tasks on pairs."),
        Flag("--label", "Label to explain; default: the predicted one, of several labels the likeliest."),
        Flag("--output", "New .json or .jsonl file for the explanations; '-': JSON lines on standard output."),
        OVERWRITE,
        TRUST_CHANGES,
        input_format(Literal["text", "jsonl", "csv", "tsv"]),
        *COMMON,
        *of_fields(DataConfig, "data", ("text", "text_pair", *READING[4:])),
    ),
    words=("run", "input"),
)


def explain(argv: Sequence[str]) -> int:
    """Explains predictions as the command line says; returns the exit status."""
    values = parse(EXPLAIN, argv)
    row, target = typed_row(values), values["output"]
    if (values["input"] is None) == (not row):
        raise InputError("nlptl explain needs either --input FILE or --text TEXT (--text-pair TEXT)")
    path = None
    if target == STANDARD:
        output.check_standard_output(values["input"])
    elif target is not None:
        path = _file(target, values["input"], overwrite=values["overwrite"])
    with output.speaking(values):
        from nlptl.runs.explaining import Explainer
        from nlptl.runs.run import load

        run = load(values["run"], trust_changes=values["trust_changes"])
        explainer, config = Explainer(run.predictor, values["label"]), DataConfig(**values["data"])
        source = nullcontext(None) if row else given(values["input"], values["input_format"], run, config)
        with source as data_path:
            examples: Iterable[Example] = [run.row(row)] if row else run.new_examples(data_path, config)
            found = map(explainer.explain, examples)
            if path:
                return _write(found, path, target, overwrite=values["overwrite"])
            return (
                _show(found) if target is None else output.print_lines(_lines(found, ascii_only=not output.is_utf8()))
            )


def _file(target: str, source: str | None, *, overwrite: bool) -> Path:
    from nlptl import data

    data.check_writable(Path(target), (".json", ".jsonl"))
    return output.checked(target, source, overwrite=overwrite)


def _show(found: Iterable[Explanation]) -> int:
    from nlptl.report import console

    for explanation in found:
        console.explained(explanation)
    return 0


def _write(found: Iterable[Explanation], path: Path, target: str, *, overwrite: bool) -> int:
    from nlptl.report import console

    counter = itertools.count()
    counted = (explanation for explanation, _ in zip(found, counter, strict=False))
    lines = _lines(counted) if path.suffix.lower() == ".jsonl" else _array(counted)
    with output.whole(path, overwrite=overwrite) as aside:
        output.write_lines(aside, lines)
    console.note(f"{next(counter)} explanations in {target}")
    return 0


def _lines(found: Iterable[Explanation], *, ascii_only: bool = False) -> Iterator[str]:
    for explanation in found:
        yield shown_json(explanation.to_json(ascii_only=ascii_only)) + "\n"


def _array(found: Iterable[Explanation]) -> Iterator[str]:
    """Yields the lines of a JSON list, an explanation each."""
    before = "[\n"
    for line in _lines(found):
        yield before + line.removesuffix("\n")
        before = ",\n"
    yield "\n]\n"
