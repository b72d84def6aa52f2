"""`nlptl complete`: what makes a shell complete the words of `nlptl`."""

from __future__ import annotations

from collections.abc import Sequence

from nlptl.cli import flags
from nlptl.cli.output import print_lines
from nlptl.core.errors import InputError, nearest

SHELLS = ("bash", "zsh", "fish")


def complete(argv: Sequence[str]) -> int:
    """Prints the completion script of a shell; returns the exit status."""
    parser = flags.new_parser(
        "nlptl complete",
        "Prints a script that makes your shell complete commands, flags and values. It needs argcomplete: "
        "pip install 'nlptl[complete]'.",
    )
    parser.usage = """nlptl complete SHELL
  bash    put  eval "$(nlptl complete bash)"  into ~/.bashrc
  zsh     put  eval "$(nlptl complete zsh)"   into ~/.zshrc
  fish    put  nlptl complete fish | source   into ~/.config/fish/config.fish"""
    parser.add_argument("shell", type=str, metavar="{" + ",".join(SHELLS) + "}", help="the shell that you use")
    shell = flags.parse(parser, argv)["shell"]
    if shell not in SHELLS:
        raise InputError(f"nlptl complete takes {', '.join(SHELLS)}; found {shell!r}{nearest(shell, SHELLS)}")
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError as error:
        raise InputError("completion needs the package argcomplete: pip install 'nlptl[complete]'") from error
    return print_lines([shellcode(["nlptl"], shell=shell)])
