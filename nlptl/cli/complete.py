"""`nlptl complete`: prints the script with which a shell completes `nlptl`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from nlptl.cli.flags import Command, Flag
from nlptl.cli.output import print_lines
from nlptl.cli.parsing import parse
from nlptl.core.errors import InputError

COMPLETE = Command(
    "nlptl complete",
    "Prints a script that makes your shell complete commands, flags and values. Completion needs argcomplete: "
    "pip install 'nlptl[complete]'.",
    """nlptl complete SHELL
  bash    put  eval "$(nlptl complete bash)"  into ~/.bashrc
  zsh     put  eval "$(nlptl complete zsh)"   into ~/.zshrc
  fish    put  nlptl complete fish | source   into ~/.config/fish/config.fish""",
    (Flag("shell", "Your shell (bash, zsh or fish).", Literal["bash", "zsh", "fish"]),),
    words=("shell",),
)


def complete(argv: Sequence[str]) -> int:
    """Prints the completion script of a shell; returns the exit status."""
    shell = parse(COMPLETE, argv)["shell"]
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError as error:
        raise InputError("completion needs the package argcomplete: pip install 'nlptl[complete]'") from error
    return print_lines([shellcode(["nlptl"], shell=shell)])
