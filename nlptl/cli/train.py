"""`nlptl train`, and what the scripts under recipes/ run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nlptl.cli.flags import COMMON, Command, Flag
from nlptl.cli.output import print_lines, speaking
from nlptl.cli.parsing import parse
from nlptl.cli.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nlptl.core.recipe import Recipe
    from nlptl.runs.run import Run

TERMINATED, INTERRUPTED = 143, 130
RESUME = Command(
    "nlptl train --resume",
    "Resumes a stopped run from its newest checkpoint.",
    "nlptl train --resume RUN [flags]",
    (Flag("--resume", "The run's folder.", metavar="RUN"), *COMMON),
)


def train(argv: Sequence[str], script: Recipe | None = None) -> int:
    """Trains or resumes as the command line says; returns the exit status.

    Args:
        argv: the words after `nlptl train`, or after a script's name.
        script: the script's recipe; None for `nlptl train`.
    """
    if any(word.partition("=")[0] == "--resume" for word in argv):
        return _resume(argv)
    recipe, others = parse_recipe(argv, script)
    if others["print_config"]:
        import yaml

        return print_lines([yaml.safe_dump(recipe.to_dict(), sort_keys=False, allow_unicode=True)])
    with speaking(others):
        return _status(recipe.run(others["output"]))


def _resume(argv: Sequence[str]) -> int:
    values = parse(RESUME, argv)
    from nlptl.runs.training import resume

    with speaking(values):
        return _status(resume(values["resume"]))


def _status(run: Run) -> int:
    if run.result.status == "succeeded":
        return 0
    training = run.result.training
    return TERMINATED if training and training.stopped_by == "SIGTERM" else INTERRUPTED
