"""`nlptl push`: sends a run's model to the Hub."""

from __future__ import annotations

from collections.abc import Sequence

from nlptl.cli import output
from nlptl.cli.flags import COMMON, Command, Flag
from nlptl.cli.parsing import parse
from nlptl.cli.reading import RUN

PUSH = Command(
    "nlptl push",
    "Sends a finished run's model and its model card to the Hub, into a private repository. Sends no data: no rows, no "
    "predictions, no paths of this machine. What the Hub has already is not sent again, so a push that was stopped "
    "goes on when it is run again. The token comes from HF_TOKEN or `hf auth login`.",
    "nlptl push RUN OWNER/NAME [flags]",
    (
        RUN,
        Flag("repo", "The repository on the Hub, OWNER/NAME; it is made if it does not exist."),
        Flag("--dry-run", "Say what would be sent, and send nothing; needs no token.", None, default=False),
        Flag("--public", "Make a new repository public; one that exists stays as it is.", None, default=False),
        Flag("--revision", "Branch to push to, made from main if it does not exist; default: main.", metavar="BRANCH"),
        Flag("--message", "Message of the commit; default: the task and the method.", metavar="TEXT"),
        Flag(
            "--base",
            "Name on the Hub of the pretrained model, if training read it from a folder and the Hub has the same.",
            metavar="OWNER/NAME",
        ),
        *COMMON,
    ),
    words=("run", "repo"),
)


def push(argv: Sequence[str]) -> int:
    """Pushes a run as the command line says; returns the exit status."""
    values = parse(PUSH, argv)
    with output.speaking(values):
        from nlptl.ship.push import push as pushed

        names = ("public", "dry_run", "revision", "message", "base")
        pushed(values["run"], values["repo"], **{name: values[name] for name in names})
    return 0
