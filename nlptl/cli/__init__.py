"""The command line, one file a command."""

from nlptl.cli.entry import command, main, run

__all__ = ["command", "main", "run"]
