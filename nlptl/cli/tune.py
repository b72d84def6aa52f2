"""`nlptl tune`: `nlptl train` with a search before it."""

from __future__ import annotations

from collections.abc import Sequence

from nlptl.cli import help
from nlptl.cli.flags import Command, Flag
from nlptl.cli.parsing import parse
from nlptl.cli.train import train
from nlptl.cli.words import written_out
from nlptl.core.errors import InputError

WRITTEN = {"--search": "--train.search", "--trials": "--train.n_trials"}
EXAMPLE = '"train.lr=log(1e-5,1e-3) method.rank=[4,8,16]"'
TUNE = Command(
    "nlptl tune",
    "Searches settings by trials on training rows held out, then trains with the best. Takes all flags of nlptl train: "
    "nlptl help train lists them. A search that was stopped goes on with nlptl train --resume RUN.",
    "nlptl tune TASK [DATA] --search SPACES [flags]",
    (
        Flag(
            "--search",
            f"Fields and their ranges, such as {EXAMPLE}: log(low,high) and uniform(low,high) for numbers, "
            "int(low,high), [choices].",
            metavar="SPACES",
        ),
        Flag("--trials", "How many settings are tried; default: 20.", int | None),
    ),
)


def tune(argv: Sequence[str]) -> int:
    """Tunes and trains as the command line says; returns the exit status."""
    if help.asked_for(written_out(argv, TUNE.known)):
        parse(TUNE, ["--help"])
    words = []
    for word in argv:
        name, sign, value = word.partition("=")
        words.append(WRITTEN[name] + sign + value if name in WRITTEN else word)
    if not any(word.partition("=")[0] == "--train.search" for word in words):
        raise InputError(f"nlptl tune needs --search, such as --search {EXAMPLE}; nlptl help tune explains it")
    return train(words)
