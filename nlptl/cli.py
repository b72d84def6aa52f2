"""The command line: `nlptl train | evaluate | predict`, and `main(RECIPE)` for the scripts under recipes/."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from nlptl import registry
from nlptl.errors import InputError, NlptlError

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from nlptl.recipe import Recipe

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
PARTS = ("data", "model", "train", "eval")
FAILED, USAGE_ERROR, INTERRUPTED = 1, 2, 130


def run() -> NoReturn:
    """Runs the command line of this process and exits."""
    sys.exit(command(sys.argv[1:]))


def command(argv: Sequence[str]) -> int:
    """Runs a command line and returns its exit status: 0, 1 (training failed), 2 (wrong input), 130 (interrupted)."""
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


def _guarded(action: Any) -> int:
    from jsonargparse import ArgumentError

    try:
        return int(action())
    except (InputError, ArgumentError) as error:
        sys.stderr.write(f"error: {_readable(error)}\n")
        return USAGE_ERROR
    except NlptlError as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED


def _train(argv: list[str], recipe: Recipe | None = None) -> int:
    from nlptl.recipe import Recipe

    if "--resume" in argv:
        return _resume(argv)
    base = recipe or Recipe()
    argv = _with_names(argv, positional_task=recipe is None)
    names = {kind: _chosen_name(kind, argv, base) for kind in ("task", "method")}
    parser = _train_parser(base, names)
    values = _parse(parser, argv)
    output = values.pop("output")
    found = Recipe.from_dict({k: values[k] for k in (*names, *PARTS)})
    return _status(found.run(output))


def _resume(argv: list[str]) -> int:
    parser = _parser("nlptl train --resume", "Goes on with a stopped run, from its newest checkpoint.")
    parser.add_argument("--resume", type=str, required=True, metavar="RUN", help="the run's folder")
    values = _parse(parser, argv)
    from nlptl.training import resume

    return _status(resume(values["resume"]))


def _status(run: Any) -> int:
    return 0 if run.result["status"] == "succeeded" else INTERRUPTED


def _evaluate(argv: list[str]) -> int:
    from nlptl.config import DataConfig

    parser = _parser("nlptl evaluate", "Scores a finished run on labelled data.")
    parser.add_argument("run", type=str, help="the run's folder, or its model/ folder")
    parser.add_class_arguments(
        DataConfig, "data", skip=_only("test", "text", "text_pair", "label", "label_names", "delimiter", "quoting")
    )
    parser.add_argument("--output", type=str | None, default=None, help="write the scores to this JSON file")
    values = _parse(parser, argv)
    if values["data"]["test"] is None:
        raise InputError("nlptl evaluate needs --data.test, the labelled data to score on")
    from nlptl import load
    from nlptl.report import console

    config = DataConfig(**values["data"])
    found = load(values["run"]).evaluate(config.test, config=config)
    console.scores(found, str(config.test))
    if values["output"]:
        from dataclasses import asdict

        Path(values["output"]).write_text(json.dumps(asdict(found), indent=1, ensure_ascii=False), encoding="utf-8")
    return 0


def _predict(argv: list[str]) -> int:
    from nlptl.config import DataConfig

    parser = _parser("nlptl predict", "Labels new texts with a finished run; one prediction a row, in order.")
    parser.add_argument("run", type=str, help="the run's folder, or its model/ folder")
    parser.add_argument(
        "--input", type=str | None, default=None, help="file of texts, read as in training; labels are not needed"
    )
    parser.add_argument("--text", type=str | None, default=None, help="one text, instead of --input")
    parser.add_argument("--output", type=str | None, default=None, help="JSON-lines file; default: standard output")
    parser.add_class_arguments(DataConfig, "data", skip=_only("text", "text_pair", "delimiter", "quoting"))
    values = _parse(parser, argv)
    if (values["input"] is None) == (values["text"] is None):
        raise InputError("nlptl predict needs either --input FILE or --text TEXT")
    from nlptl import load

    run = load(values["run"])
    source = values["input"] if values["input"] is not None else [values["text"]]
    examples = run.read(source, DataConfig(**values["data"]), need_label=False)
    _write_lines(values["output"], run.predict_examples(examples))
    return 0


def _write_lines(output: str | None, predictions: Sequence[Any]) -> None:
    from dataclasses import asdict

    text = "".join(json.dumps(asdict(p), ensure_ascii=False) + "\n" for p in predictions)
    if output is None:
        sys.stdout.write(text)
        return
    path = Path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".partial")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
    sys.stderr.write(f"{len(predictions):,} predictions in {path}\n")


def _train_parser(base: Recipe, names: dict[str, str]) -> ArgumentParser:
    plain = base.to_dict()
    parser = _parser("nlptl train", _help_text(names))
    parser.add_argument("--config", action="config", help="a recipe.yaml to rerun; flags after it vary it")
    parser.add_argument(
        "--output", type=str | None, default=None, help="the run's folder; default: the first free runs/TASK-METHOD-N"
    )
    for kind, name in names.items():
        parser.add_class_arguments(registry.load(kind, name), kind)
        known = ", ".join(registry.names(kind))
        parser.add_argument(
            f"--{kind}.name", type=str, default=name, help=f"{known}, or a class of yours by dotted path"
        )
    for part in PARTS:
        parser.add_class_arguments(type(getattr(base, part)), part)
    defaults = {f"{part}.{field}": value for part in PARTS for field, value in plain[part].items()}
    for kind, name in names.items():
        if plain[kind]["name"] == name:
            defaults |= {f"{kind}.{field}": value for field, value in plain[kind].items()}
    parser.set_defaults(defaults)
    return parser


def _help_text(names: dict[str, str]) -> str:
    return (
        f"Trains a model: task {names['task']}, method {names['method']}. "
        f"Other tasks: nlptl train TASK with {', '.join(registry.names('task'))}; "
        f"other methods: --method with {', '.join(registry.names('method'))}, each with flags of its own."
    )


def _parser(prog: str, description: str) -> ArgumentParser:
    from jsonargparse import ArgumentParser, set_parsing_settings

    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    return ArgumentParser(prog=prog, description=description, exit_on_error=False)


def _parse(parser: ArgumentParser, argv: list[str]) -> dict[str, Any]:
    _check_flags(parser, argv)
    found: Namespace = parser.parse_args(argv)
    values: dict[str, Any] = found.as_dict()
    return values


def _check_flags(parser: ArgumentParser, argv: list[str]) -> None:
    known = [option for action in parser._actions for option in action.option_strings]
    for word in argv:
        flag = word.partition("=")[0]
        if flag.startswith("--") and flag not in known and not flag.startswith("--print_config"):
            close = difflib.get_close_matches(flag, known, n=1, cutoff=0.5)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise InputError(f"{parser.prog} has no flag {flag}{hint}; {parser.prog} --help lists all")


def _with_names(argv: list[str], *, positional_task: bool) -> list[str]:
    """Returns the words with `sentiment` and `--method lora` as --task.name sentiment --method.name lora."""
    words = [w.replace("--method=", "--method.name=", 1) if w.startswith("--method=") else w for w in argv]
    words = ["--method.name" if w == "--method" else w for w in words]
    if positional_task and words and not words[0].startswith("-"):
        words = ["--task.name", *words]
    return words


def _chosen_name(kind: str, argv: Sequence[str], base: Recipe) -> str:
    given = _value_of(f"--{kind}.name", argv)
    if given is None:
        given = _configured(argv).get(kind, {}).get("name")
    return str(given) if given is not None else registry.name_of(kind, type(getattr(base, kind)))


def _value_of(flag: str, argv: Sequence[str]) -> str | None:
    found = None
    for i, word in enumerate(argv):
        if word == flag and i + 1 < len(argv):
            found = argv[i + 1]
        elif word.startswith(f"{flag}="):
            found = word.partition("=")[2]
    return found


def _configured(argv: Sequence[str]) -> dict[str, Any]:
    import yaml

    path = _value_of("--config", argv)
    if path is None:
        return {}
    if not Path(path).is_file():
        raise InputError(f"--config {path!r}: there is no such file")
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"--config {path!r} is not valid YAML: {error}") from error
    return values if isinstance(values, dict) else {}


def _only(*fields: str) -> set[str]:
    from dataclasses import fields as all_fields

    from nlptl.config import DataConfig

    return {f.name for f in all_fields(DataConfig)} - set(fields)


def _choose(commands: dict[str, Any], name: str) -> Any:
    from nlptl.errors import nearest

    if name not in commands:
        raise InputError(f"nlptl has no command {name!r}{nearest(name, commands)}; commands: {', '.join(commands)}")
    return commands[name]


def _usage() -> str:
    return USAGE.format(tasks=", ".join(registry.names("task")), methods=", ".join(registry.names("method")))


def _readable(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines)


if __name__ == "__main__":
    run()
