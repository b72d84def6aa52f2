"""`nlptl tune`: `nlptl train` with a search before it."""

from __future__ import annotations

from collections.abc import Sequence

from nlptl.cli.train import train
from nlptl.core.errors import InputError

WRITTEN = {"--search": "--train.search", "--trials": "--train.n_trials"}


def tune(argv: Sequence[str]) -> int:
    """Tunes and trains as the command line says; returns the exit status."""
    words = []
    for word in argv:
        name, sign, value = word.partition("=")
        words.append(WRITTEN[name] + sign + value if name in WRITTEN else word)
    asks = any(word.partition("=")[0] in ("--train.search", "--help", "-h") for word in words)
    if not asks:
        raise InputError(
            'nlptl tune needs --search, such as --search "train.lr=log(1e-5,1e-3) method.rank=[4,8,16]"; '
            "nlptl help tune explains it"
        )
    return train(words)
