"""The command line: `nlptl train | evaluate | predict`, and `main(RECIPE)` for the scripts under recipes/."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from nlptl import flags, registry
from nlptl.config import DataConfig
from nlptl.errors import InputError, NlptlError, nearest

if TYPE_CHECKING:
    from nlptl.recipe import Recipe
    from nlptl.run import Run

USAGE = """usage: nlptl COMMAND ...

Transfer learning for text: a task, a pretrained model, a method and data make a model that you can trust and ship.

commands:
  train [TASK]     train a model               nlptl train sentiment --data.train reviews.csv --method lora
  train --resume   go on with a stopped run    nlptl train --resume runs/a
  evaluate RUN     score a run on new data     nlptl evaluate runs/a --data.test test.csv
  predict RUN      label new texts             nlptl predict runs/a --input new.csv --output predictions.jsonl

tasks:    {tasks}
methods:  {methods}

nlptl COMMAND --help lists the flags of a command; nlptl train TASK --method NAME --help those of a method.
"""
READING = ("text", "text_pair", "question", "context", "delimiter", "quoting")
ROW = ("text", "text_pair", "question", "context")
FAILED, USAGE_ERROR, INTERRUPTED, TERMINATED = 1, 2, 130, 143


def run() -> NoReturn:
    """Runs the command line of this process and exits."""
    sys.exit(command(sys.argv[1:]))


def command(argv: Sequence[str]) -> int:
    """Runs a command line and returns its exit status.

    0, 1 (training failed), 2 (wrong input), 130 or 143 (stopped by SIGINT or SIGTERM).
    """
    commands = {"train": _train, "evaluate": _evaluate, "predict": _predict}
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(_usage())
        return 0
    if argv[0] == "--version":
        from nlptl import __version__

        sys.stdout.write(f"nlptl {__version__}\n")
        return 0
    return _guarded(lambda: _choose(commands, argv[0])(list(argv[1:])))


def main(recipe: Recipe, argv: Sequence[str] | None = None) -> int:
    """Runs a recipe script: the recipe with the command line's changes.

    Args:
        recipe: the script's.
        argv: default: this process's.

    Returns:
        The exit status, as `command`.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    return _guarded(lambda: _train(given, recipe))


def _guarded(action: Callable[[], int]) -> int:
    try:
        return action()
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return USAGE_ERROR
    except (NlptlError, OSError) as error:  # a full disk is no fault of the program
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED


def _train(argv: list[str], script: Recipe | None = None) -> int:
    if any(word.partition("=")[0] == "--resume" for word in argv):
        return _resume(argv)
    recipe, others = flags.parse_recipe(argv, script)
    if others["print_config"]:
        import yaml

        return _print([yaml.safe_dump(recipe.to_dict(), sort_keys=False, allow_unicode=True)])
    return _status(recipe.run(others["output"]))


def _resume(argv: list[str]) -> int:
    parser = flags.new_parser("nlptl train --resume", "Goes on with a stopped run, from its newest checkpoint.")
    parser.add_argument("--resume", type=str, required=True, metavar="RUN", help="the run's folder")
    values = flags.parse(parser, argv)
    from nlptl.training import resume

    return _status(resume(values["resume"]))


def _status(run: Run) -> int:
    if run.result["status"] == "succeeded":
        return 0
    return TERMINATED if run.result["training"]["stopped_by"] == "SIGTERM" else INTERRUPTED


def _evaluate(argv: list[str]) -> int:
    parser = flags.new_parser("nlptl evaluate", "Scores a finished run on labelled data.")
    parser.add_argument("run", type=str, help="the run's folder, or its model/ folder")
    parser.add_argument("--output", type=str, help="write the scores to this JSON file")
    flags.add_fields(parser, DataConfig, "data", ("test", "label", "answers", "label_names", *READING))
    values = flags.parse(parser, argv)
    config = DataConfig(**values["data"])
    if config.test is None:
        raise InputError("nlptl evaluate needs --data.test, the labelled data to score on")
    from nlptl import load
    from nlptl.report import console

    found = load(values["run"]).evaluate(config.test, config=config)
    console.scores(found, str(config.test))
    if values["output"]:
        _write(Path(values["output"]), [json.dumps(asdict(found), indent=1, ensure_ascii=False)])
    return 0


def _predict(argv: list[str]) -> int:
    parser = flags.new_parser("nlptl predict", "Labels new texts with a finished run; one prediction a row, in order.")
    parser.add_argument("run", type=str, help="the run's folder, or its model/ folder")
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
    from nlptl import load

    run = load(values["run"])
    config = DataConfig(**values["data"])
    predictions = run.predict_examples([run.row(row)]) if row else run.predictions(values["input"], config)
    lines = (prediction.to_json() + "\n" for prediction in predictions)
    if values["output"] is None:
        return _print(lines)
    n = _write(Path(values["output"]), lines)
    sys.stderr.write(f"{n:,} predictions in {values['output']}\n")
    return 0


def _print(lines: Iterable[str]) -> int:
    """Writes to standard output and returns the exit status; a reader that has enough, such as head, ends it."""
    try:
        sys.stdout.writelines(lines)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to be flushed at the end
        return FAILED
    return 0


def _write(path: Path, lines: Iterable[str]) -> int:
    """Writes a file line by line, seen under its name only when it is whole; returns the number of lines."""
    if path.is_dir():
        raise InputError(f"--output {str(path)!r} cannot be written: it is a folder, expected a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside, n = path.with_name(path.name + ".partial"), 0
    try:
        with aside.open("w", encoding="utf-8") as stream:
            for line in lines:
                stream.write(line)
                n += 1
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return n


def _choose(commands: dict[str, Any], name: str) -> Any:
    if name not in commands:
        raise InputError(f"nlptl has no command {name!r}{nearest(name, commands)}; commands: {', '.join(commands)}")
    return commands[name]


def _usage() -> str:
    return USAGE.format(tasks=", ".join(registry.names("task")), methods=", ".join(registry.names("method")))


if __name__ == "__main__":
    run()
