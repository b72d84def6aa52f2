"""`nlptl report`: writes the report.html of runs, comparisons and studies again, also of an older version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from nlptl.cli import output
from nlptl.cli.flags import COMMON, Command, Flag, of_fields
from nlptl.cli.parsing import parse
from nlptl.core.config import EvalConfig
from nlptl.core.errors import InputError

FOLDER = Flag("run", "The folder of a run, of a comparison (compare --output), or of a study.")
EXPLAIN = Flag(
    "--explain",
    "Errors of a run, 1 to 20, whose words are coloured by what they add to the prediction: loads the model and writes "
    "explanations.jsonl; later pages show it without this flag.",
    int | None,
)


def report(argv: Sequence[str]) -> int:
    """Writes the pages of the runs that the command line names; returns the exit status."""
    runs = list(takewhile(lambda word: not word.startswith("-"), argv))
    flags = argv[len(runs) :]
    each = [parse(_command(), [run, *flags]) for run in runs] or [parse(_command(), flags)]
    with output.speaking(each[0]):
        for values in each:
            _write(Path(values["run"]), values["eval"]["slices"], values["explain"])
    return 0


def _command() -> Command:
    (slices,) = of_fields(EvalConfig, "eval", ("slices",))
    about = "Writes the report.html of a run, a comparison or a study again, from the files of its folder."
    usage = "nlptl report FOLDER [FOLDER ...] [flags]"
    return Command("nlptl report", about, usage, (FOLDER, EXPLAIN, slices, *COMMON), words=("run",))


def _write(folder: Path, slices: Sequence[str] | None, explain: int | None) -> None:
    from nlptl.report import console
    from nlptl.studies.places import has_page

    if not folder.is_dir():
        raise InputError(f"there is no folder {str(folder)!r} of a run, a comparison or a study")
    try:
        if has_page(folder):
            path = _page_of_many(folder, {"--eval.slices": slices, "--explain": explain})
        else:
            path = _page_of_run(folder, slices, explain)
    except ModuleNotFoundError as error:
        raise InputError(f"nlptl report needs {error.name}: pip install 'nlptl[report]'") from error
    console.say("report", str(path))


def _page_of_many(folder: Path, of_runs: Mapping[str, object]) -> Path:
    from nlptl.studies.report.writing import write

    given = next((flag for flag, value in of_runs.items() if value is not None), None)
    if given is not None:
        raise InputError(f"{given} is for runs, {str(folder)!r} holds a comparison or a study")
    return write(folder)


def _page_of_run(folder: Path, slices: Sequence[str] | None, explain: int | None) -> Path:
    from nlptl.runs.report.explained import limited
    from nlptl.runs.report.writing import write

    wanted = EvalConfig(slices=slices).slices  # type: ignore[arg-type]
    return write(folder, slices=wanted, explain=None if explain is None else limited(explain))
