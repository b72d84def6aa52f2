"""`nlptl report`: writes the report.html of runs again, also of runs of an older version."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from nlptl.cli import output
from nlptl.cli.flags import COMMON, Command, of_fields
from nlptl.cli.parsing import parse
from nlptl.cli.reading import RUN
from nlptl.core.config import EvalConfig
from nlptl.core.errors import InputError


def report(argv: Sequence[str]) -> int:
    """Writes the pages of the runs that the command line names; returns the exit status."""
    runs = list(takewhile(lambda word: not word.startswith("-"), argv))
    flags = argv[len(runs) :]
    each = [parse(_command(), [run, *flags]) for run in runs] or [parse(_command(), flags)]
    with output.speaking(each[0]):
        for values in each:
            _write(Path(values["run"]), values["eval"]["slices"])
    return 0


def _command() -> Command:
    (slices,) = of_fields(EvalConfig, "eval", ("slices",))
    about = "Writes a run's report.html again, from the files of the run."
    return Command("nlptl report", about, "nlptl report RUN [RUN ...] [flags]", (RUN, slices, *COMMON), words=("run",))


def _write(folder: Path, slices: Sequence[str] | None) -> None:
    try:
        from nlptl.runs.report.writing import write
    except ModuleNotFoundError as error:
        raise InputError(f"nlptl report needs {error.name}: pip install 'nlptl[report]'") from error
    from nlptl.report import console

    if not folder.is_dir():
        raise InputError(f"there is no run's folder {str(folder)!r}")
    console.say("report", str(write(folder, slices=EvalConfig(slices=slices).slices)))  # type: ignore[arg-type]
