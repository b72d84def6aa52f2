"""`nlptl help`, and a command's `--help`: its usual flags, or every flag with `--help all`."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

from nlptl.cli.flags import Command, Flag
from nlptl.cli.words import SHORT, value_of
from nlptl.core import registry
from nlptl.core.errors import InputError

USAGE = """\
usage: nlptl COMMAND ...

Transfer learning for text: from a task, a pretrained model, a method and your
data to a model that you can trust and ship.

commands:
  train     train a model             nlptl train sentiment reviews.csv -m lora
            resume a stopped run      nlptl train --resume runs/a
  evaluate  score a run on new data   nlptl evaluate runs/a new.csv
  predict   label new texts           nlptl predict runs/a new.csv
  explain   say what each word adds   nlptl explain runs/a --text "..."
  compare   compare finished runs     nlptl compare runs/a runs/b
  rank      choose a model            nlptl rank MODEL MODEL --data.train a.csv
  tune      search settings, train    nlptl tune sentiment a.csv --search "..."
  report    write a run's report.html nlptl report runs/a
            again
  push      send a model to the Hub   nlptl push runs/a OWNER/NAME
  help      explain a command, a      nlptl help train
            task or a method          nlptl help lora
  complete  let your shell complete   eval "$(nlptl complete bash)"

{names}

Try  nlptl train sentiment  first: it needs no file and uses a small sample.
"""
USUAL = (
    "input",
    "text",
    "text_pair",
    "question",
    "context",
    "data.train",
    "data.test",
    "data.text",
    "data.label",
    "model.name",
    "method.name",
    "train.epochs",
    "train.lr",
    "train.batch_size",
    "train.seed",
    "output",
)
"""The flags that are set most, in the help's order; other flags without a group follow, `--help` last."""
LEFT, WIDEST = 28, 100


def overview() -> str:
    """Returns what `nlptl` without arguments prints."""
    names = {f"{kind}s:": ", ".join(registry.names(kind)) for kind in ("task", "method")}
    return USAGE.format(names="\n".join(_wrapped(f"{about:<10}", text, 10) for about, text in names.items()))


def asked_for(argv: Sequence[str]) -> str | None:
    """Returns which help a command line asks for, "usual" or "all"; None if it asks for none."""
    for i, word in enumerate(argv):
        if word == "--help":
            return "all" if argv[i + 1 : i + 2] == ["all"] else "usual"
        if word.startswith("--help="):
            return word.partition("=")[2]
    return None


def page(command: Command, argv: Sequence[str], which: str) -> str:
    """Returns the help of a command.

    Args:
        command: the command.
        argv: the command line; the flags of a task or method that it names are shown too.
        which: "usual", or "all" for every flag.

    Raises:
        InputError: `which` is something else.
    """
    if which not in ("usual", "all"):
        raise InputError(f"--help takes nothing, or all; found {which!r}")
    sections = _sections(command, argv, which)
    parts = [f"usage: {command.usage}", _wrapped("", command.about)]
    parts += ["\n".join([_wrapped("", f"{title}:"), *map(_line, some)]) for title, some in sections.items() if some]
    n_left = len(command.flags) - sum(map(len, sections.values()))
    if n_left:
        parts.append(f"{command.prog} --help all lists {n_left} more flags.")
    return "\n\n".join(parts) + "\n"


def _sections(command: Command, argv: Sequence[str], which: str) -> dict[str, list[Flag]]:
    """Returns the flags to show, by title: the usual ones, then those of a named task or method, or all others."""
    flags = [flag for flag in command.flags if not flag.is_word]
    usual = [flag for name in USUAL for flag in flags if flag.name == name]
    usual += [flag for flag in flags if not flag.group and flag not in usual]
    named = [kind for kind in ("method", "task") if value_of(f"--{kind}.name", argv) is not None]
    sections = {"arguments": [flag for flag in command.flags if flag.is_word], "usual flags": usual}
    for flag in flags:
        if flag not in usual and (which == "all" or flag.name.partition(".")[0] in named):
            sections.setdefault(flag.group, []).append(flag)
    return sections


def _line(flag: Flag) -> str:
    """Returns the help of one flag: the flag, and what it does beside it (below a long flag)."""
    names = [short for short, long in SHORT.items() if long == flag.written]
    if not any(name.startswith("--") for name in names):
        names.append(flag.written)
    left = f"  {flag.label}" if flag.is_word else f"  {', '.join(names)} {flag.placeholder}".rstrip()
    if len(left) > LEFT - 2:
        return f"{left}\n{_wrapped('', _meaning(flag), LEFT)}"
    return _wrapped(left.ljust(LEFT), _meaning(flag), LEFT)


def _meaning(flag: Flag) -> str:
    text = flag.help.removesuffix(".")
    default = _shown(flag.default)
    if default and flag.hint is not None:
        text += f"; here: {default}" if "default: " in text else f"; default: {default}"
    return f"{text}."


def _shown(default: Any) -> str:
    """Returns a default as it would be typed; empty if it has no short form, such as rows in memory."""
    if isinstance(default, list | tuple):
        return ",".join(map(str, default))
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if isinstance(default, str | int | float) else ""


def _wrapped(first: str, text: str, indent: int = 0) -> str:
    """Returns a text in lines as wide as the terminal, at most `WIDEST`, the later ones indented.

    Args:
        first: stands before the text; if it is empty, the first line is indented as well.
        text: the text.
        indent: columns before the later lines.
    """
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return textwrap.fill(
        text,
        width,
        initial_indent=first or " " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
