"""`nlptl compare`: compares finished runs on the same rows, or runs a study (nlptl/cli/study.py)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nlptl.cli import output, study
from nlptl.cli.flags import COMMON, Command, Flag
from nlptl.cli.parsing import parse
from nlptl.cli.reading import OVERWRITE, STANDARD
from nlptl.core.comparison import Reference, Split
from nlptl.core.finite import to_json
from nlptl.core.shown import shown_json

COMPARE = Command(
    "nlptl compare",
    "Compares finished runs on the same rows: every pair with the interval and the p-value of its difference. Reads "
    "their files, loads no model. With a task and --methods it trains the runs as well: nlptl compare sentiment "
    "--methods probe --help.",
    """nlptl compare RUN RUN [more runs] [flags]
       nlptl compare TASK [DATA] --methods tfidf,probe -o STUDY [flags]""",
    (
        Flag("runs", "The folders of two or more runs."),
        Flag(
            "--split",
            "Rows on which the runs are compared; default: test, validation if the runs have no test rows.",
            Split,
        ),
        Flag("--metric", "Metric that is compared; default: the primary metric of the runs.", suggested=()),
        Flag("--reference", "Run that the others are compared with; default: first.", Reference),
        Flag("--n_bootstrap", "Bootstrap resamples for each 95 % interval, 100 to 100,000; default: 1000.", int | None),
        Flag("--seed", "Seed of resamples and permutations; default: 0.", int | None),
        Flag(
            "--output",
            "Folder for report.html, comparison.json and differences.csv (the rows with different answers); '-': JSON "
            "on standard output.",
            metavar="FOLDER",
        ),
        OVERWRITE,
        *COMMON,
    ),
    many="runs",
)
OPTIONS = ("split", "metric", "reference", "n_bootstrap", "seed")


def compare(argv: Sequence[str]) -> int:
    """Compares runs, or runs a study, as the command line says; returns the exit status."""
    if study.is_study(argv):
        return study.study(argv)
    values = parse(COMPARE, argv)
    options = {name: values[name] for name in OPTIONS if values[name] is not None}
    target, overwrite = values["output"], values["overwrite"]
    with output.speaking(values):
        from nlptl.report import console
        from nlptl.studies import compare as comparing

        if target not in (None, STANDARD):
            comparing.writable(target, overwrite=overwrite)
        found = comparing.compare(values["runs"], **options)
        if target == STANDARD:
            text = to_json(found.record.to_dict(), indent=1)
            return output.print_lines([shown_json(text), "\n"])
        console.compared(found.record)
        if target:
            found.write(target, overwrite=overwrite)
            console.note(f"the comparison is in {Path(target)}")
    return 0
