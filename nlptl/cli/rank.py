"""`nlptl rank`: which pretrained model suits the data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nlptl.cli import output
from nlptl.cli.flags import COMMON, Command, Flag, of_fields
from nlptl.cli.parsing import parse
from nlptl.cli.reading import OVERWRITE, READING, STANDARD
from nlptl.core import registry
from nlptl.core.config import DataConfig
from nlptl.core.finite import to_json
from nlptl.core.shown import shown_json

RANK = Command(
    "nlptl rank",
    "Ranks pretrained models by what their frozen vectors are worth for the data, layer by layer, without training "
    "them: a cross-validated probe, nearest neighbours, LogME (You et al. 2021) and the H-score (Bao et al. 2019).",
    "nlptl rank MODEL [MODEL ...] --data.train DATA [flags]",
    (
        Flag("models", "Hub ids, folders, or folders of runs."),
        Flag("--task", "Task whose rows are read; default: classification.", metavar="NAME", default="classification"),
        Flag("--rows", "Most training rows to read, drawn by the seed; default: 2000.", int | None),
        Flag("--metric", "Metric by which models are ranked; default: the task's."),
        Flag("--seed", "Seed of the rows and folds; default: 0.", int, default=0),
        Flag("--output", "New .json file for the ranking; '-': JSON on standard output."),
        OVERWRITE,
        *COMMON,
        *of_fields(DataConfig, "data", ("train", "label", "label_names", *READING)),
    ),
    many="models",
)


def rank(argv: Sequence[str]) -> int:
    """Ranks models as the command line says; returns the exit status."""
    values = parse(RANK, argv)
    task, config, target = registry.load("task", values["task"])(), DataConfig(**values["data"]), values["output"]
    options = {name: value for name, value in (("n_rows", values["rows"]), ("metric", values["metric"])) if value}
    with output.speaking(values):
        from nlptl.report import console
        from nlptl.studies.rank import rank as ranked

        source = str(config.train)
        path = None if target in (None, STANDARD) else output.checked(target, source, overwrite=values["overwrite"])
        found = ranked(values["models"], task, config, seed=values["seed"], **options).record
        lines = [shown_json(to_json(found.to_dict(), indent=1)), "\n"]
        if target == STANDARD:
            return output.print_lines(lines)
        console.ranked(found)
        if path:
            with output.whole(path, overwrite=values["overwrite"]) as aside:
                output.write_lines(aside, lines)
            console.note(f"the ranking is in {Path(target)}")
    return 0
