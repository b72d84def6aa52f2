"""`nlptl compare TASK DATA --methods ...`: a study of many runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nlptl.cli import output
from nlptl.cli.flags import COMMON, Command, Flag
from nlptl.cli.parsing import parse
from nlptl.cli.recipe import read_yaml, recipe_of, settings
from nlptl.cli.words import value_of, with_flags
from nlptl.core import registry
from nlptl.core.errors import InputError
from nlptl.core.recipe import CHOSEN, PLAIN, Recipe

TERMINATED, INTERRUPTED = 143, 130
STUDY = "study.json"
USAGE = """nlptl compare TASK [DATA] --methods tfidf,probe,lora --output STUDY [flags]
       nlptl compare --plan plan.yaml --output STUDY [flags]"""
ABOUT = (
    "Trains with every method, model, seed and number of labels on the same rows; compares what they reach and what "
    "they cost. The same command goes on with a study that was stopped."
)
OWN = (
    Flag("--methods", "Methods to compare, such as tfidf,probe,lora.", list[str] | None),
    Flag("--models", "Pretrained models; default: that of --model.name.", list[str] | None),
    Flag("--seeds", "Seeds of training and of the drawn rows; default: 0.", list[int] | None),
    Flag(
        "--label_counts",
        "Numbers of labels: training rows of each class, rows in all if answers have no classes; default: all rows.",
        list[int] | None,
        metavar="N,N",
    ),
    Flag(
        "--plan",
        "YAML file with methods, models, seeds, label_counts and a recipe's parts, or the study.json of a study.",
        metavar="FILE",
    ),
    Flag("--jobs", "Runs at once, each in a process of its own; they share the cores, or the GPUs.", int, default=1),
    Flag("--output", "The study's folder; each run is a folder in it.", metavar="STUDY"),
    *COMMON,
)


def is_study(argv: Sequence[str]) -> bool:
    """Returns whether a command line asks for a study, not for a comparison of runs."""
    names = {word.partition("=")[0] for word in argv}
    is_task = bool(argv) and argv[0] in registry.names("task") and not Path(argv[0]).is_dir()
    return is_task or not names.isdisjoint(("--methods", "--plan"))


def study(argv: Sequence[str]) -> int:
    """Runs or goes on with a study as the command line says; returns the exit status."""
    words = with_flags(argv, has_task=True)
    plan_file = value_of("--plan", words)
    planned = _planned(plan_file) if plan_file is not None else {}
    base = Recipe.from_dict({name: value for name, value in planned.items() if name in (*CHOSEN, *PLAIN)})
    name = value_of("--task.name", words) or registry.name_of("task", type(base.task))
    values = parse(Command("nlptl compare", ABOUT, USAGE, [*OWN, *settings(base, {"task": name})]), words)
    from nlptl.studies.plan import DIMENSIONS, Plan

    given = {d: values[d] if values[d] is not None else planned.get(d) for d in DIMENSIONS}
    if given["methods"] is None:
        raise InputError("nlptl compare needs --methods, such as --methods tfidf,probe,lora")
    if values["output"] is None:
        raise InputError("nlptl compare needs --output: the study's folder")
    plan = Plan(recipe_of(values), **{d: v for d, v in given.items() if v is not None})  # type: ignore[arg-type]
    with output.speaking(values):
        from nlptl.report import console
        from nlptl.studies.study import study as run_study

        found = run_study(plan, values["output"], n_jobs=values["jobs"])
        console.studied(found.record)
        if found.is_finished:
            return 0
        console.note(f"interrupted: the same command goes on with the study in {values['output']}")
        return TERMINATED if any(cell.reason == "SIGTERM" for cell in found.rows) else INTERRUPTED


def _planned(path: str) -> dict[str, object]:
    from nlptl.studies.plan import Plan

    values = _of_study(Path(path)) if Path(path).name == STUDY else read_yaml("--plan", path)
    try:
        Plan.from_dict(values)
    except InputError as error:
        raise InputError(f"--plan {path!r}: {error}") from error
    return dict(values)


def _of_study(path: Path) -> dict[str, object]:
    """Returns the plan of a study from its study.json."""
    from nlptl.core.study import StudyRecord
    from nlptl.studies import planned

    if not path.exists():
        raise InputError(f"--plan {str(path)!r}: there is no such file")
    return planned.values(StudyRecord.read(path).plan)
