"""`nlptl train`, and what the scripts under recipes/ run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nlptl.cli import flags
from nlptl.cli.output import add_loudness, print_lines, speaking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nlptl.core.recipe import Recipe
    from nlptl.runs.run import Run

TERMINATED, INTERRUPTED = 143, 130


def train(argv: Sequence[str], script: Recipe | None = None) -> int:
    """Trains, or resumes, as a command line says; returns the exit status.

    Args:
        argv: the words after `nlptl train`, or after a script's name.
        script: the script's recipe.
    """
    if any(word.partition("=")[0] == "--resume" for word in argv):
        return _resume(argv)
    recipe, others = flags.parse_recipe(argv, script)
    if others["print_config"]:
        import yaml

        return print_lines([yaml.safe_dump(recipe.to_dict(), sort_keys=False, allow_unicode=True)])
    with speaking(others):
        return _status(recipe.run(others["output"]))


def _resume(argv: Sequence[str]) -> int:
    parser = flags.new_parser("nlptl train --resume", "Goes on with a stopped run, from its newest checkpoint.")
    parser.add_argument("--resume", type=str, required=True, metavar="RUN", help="the run's folder")
    add_loudness(parser)
    values = flags.parse(parser, argv)
    from nlptl.runs.training import resume

    with speaking(values):
        return _status(resume(values["resume"]))


def _status(run: Run) -> int:
    if run.result.status == "succeeded":
        return 0
    training = run.result.training
    return TERMINATED if training and training.stopped_by == "SIGTERM" else INTERRUPTED
