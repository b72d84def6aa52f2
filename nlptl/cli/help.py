"""`nlptl help`, and what `--help` shows of a command: the usual flags, and with `--help all` the others."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nlptl.cli.words import SHORT, value_of
from nlptl.core import registry
from nlptl.core.errors import InputError

if TYPE_CHECKING:
    from argparse import Action

    from jsonargparse import ArgumentParser

USAGE = """\
usage: nlptl COMMAND ...

Transfer learning for text: from a task, a pretrained model, a method and your
data to a model that you can trust and ship.

commands:
  train     train a model             nlptl train sentiment reviews.csv -m lora
            go on with a stopped run  nlptl train --resume runs/a
  evaluate  score a run on new data   nlptl evaluate runs/a --data.test new.csv
  predict   label new texts           nlptl predict runs/a --input new.csv
  help      explain a command, a      nlptl help train
            task or a method          nlptl help lora
  complete  let your shell complete   eval "$(nlptl complete bash)"

{names}

Try  nlptl train sentiment  which needs no file: it trains on a small sample.
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
"""What is set most, in this order; further flags without a dot in their name follow, `--help` last."""
LEFT, WIDEST = 28, 100
SUPPRESSED = "==SUPPRESS=="  # argparse's own


def overview() -> str:
    """Returns what `nlptl` alone says."""
    names = {f"{kind}s:": ", ".join(registry.names(kind)) for kind in ("task", "method")}
    return USAGE.format(names="\n".join(_wrapped(f"{about:<10}", text, 10) for about, text in names.items()))


def asked_for(argv: Sequence[str]) -> str | None:
    """Returns which help a command line asks for, "usual" or "all"; None if it asks for none."""
    for i, word in enumerate(argv):
        if word in ("-h", "--help"):
            return "all" if argv[i + 1 : i + 2] == ["all"] else "usual"
        if word.startswith("--help="):
            return word.partition("=")[2]
    return None


def page(parser: ArgumentParser, argv: Sequence[str], which: str) -> str:
    """Returns the help of a command.

    Args:
        parser: has the command's flags.
        argv: a task or method that is named in it is explained too.
        which: "usual", or "all" for every flag.

    Raises:
        InputError: `which` is something else.
    """
    if which not in ("usual", "all"):
        raise InputError(f"--help takes nothing, or all; found {which!r}")
    sections = _sections(parser, argv, which)
    parts = [_usage(parser), _wrapped("", parser.description or "")]
    parts += ["\n".join([_wrapped("", f"{title}:"), *map(_line, some)]) for title, some in sections.items() if some]
    shown = {action.dest for some in sections.values() for action in some}
    n_left = sum(a.dest not in shown for a in parser._actions if a.help != SUPPRESSED)
    if n_left:
        parts.append(f"{parser.prog} --help all lists {n_left} more flags.")
    return "\n\n".join(parts) + "\n"


def _sections(parser: ArgumentParser, argv: Sequence[str], which: str) -> dict[str, list[Action]]:
    """Returns the actions to show, by title: the usual ones, and those of a named task or method, or all others."""
    shown = [action for action in parser._actions if action.help != SUPPRESSED]
    flags = [action for action in shown if action.option_strings]
    further = sorted((a for a in flags if "." not in a.dest and a.dest not in USUAL), key=lambda a: a.dest == "help")
    usual = [*(a for path in USUAL for a in flags if a.dest == path), *further]
    named = [kind for kind in ("method", "task") if value_of(f"--{kind}.name", argv) is not None]
    groups = {str(group.title): group._group_actions for group in parser._action_groups}
    return {"arguments": [a for a in shown if a not in flags], "usual flags": usual} | {
        title: [a for a in actions if a in flags and a not in usual]
        for title, actions in groups.items()
        if which == "all" or title.partition(":")[0] in named
    }


def _usage(parser: ArgumentParser) -> str:
    names = [action.dest.upper() for action in parser._actions if not action.option_strings]
    usage = parser.usage or " ".join([parser.prog, *names, "[flags]"])
    return f"usage: {usage}"


def _line(action: Action) -> str:
    """Returns the help of one flag: how it is written, and beside it, or below if that is long, what it does."""
    names = [short for short, flag in SHORT.items() if flag in action.option_strings]
    if not any(name.startswith("--") for name in names):
        names += [name for name in action.option_strings if not name.endswith("+")]  # jsonargparse's way to append
    value = action.metavar or ("" if action.nargs == 0 else action.dest.rpartition(".")[2].upper())
    if action.dest == "help":
        names, value = ["-h", "--help"], "[all]"
    left = f"  {', '.join(names) or action.dest.upper()} {value if names else ''}".rstrip()
    if len(left) > LEFT - 2:
        return f"{left}\n{_wrapped('', _meaning(action), LEFT)}"
    return _wrapped(left.ljust(LEFT), _meaning(action), LEFT)


def _meaning(action: Action) -> str:
    if action.dest == "help":
        return "This help; all: with every flag."
    default = str(action.default).lower() if isinstance(action.default, bool) else action.default
    text = str(action.help or "").strip().removesuffix(".")
    if default not in (None, "", SUPPRESSED) and action.nargs != 0 and "default: " not in text:
        text += f"; default: {default}"
    return f"{text}."


def _wrapped(first: str, text: str, indent: int = 0) -> str:
    """Returns a text in lines as wide as the terminal, at most `WIDEST`, the later ones indented.

    Args:
        first: what stands before the text; where it is empty, the first line is indented as well.
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
