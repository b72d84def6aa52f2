"""The licence of a pretrained model, from the header of its model card, which is read as plain data."""

import re
from pathlib import Path

import yaml

CARD, MOST_BYTES = "README.md", 2**16  # of a card's head
HEAD = re.compile(r"---\s*\n(.*?)\n---\s*(\n|$)", re.DOTALL)


def licence_of(folder: Path) -> str | None:
    """Returns the licence that a checkpoint's model card names, None if there is no card or it names none.

    Args:
        folder: of the checkpoint.
    """
    try:
        with (folder / CARD).open("rb") as stream:
            head = HEAD.match(stream.read(MOST_BYTES).decode("utf-8", errors="replace"))
        found = yaml.safe_load(head.group(1)) if head else None
    except (OSError, yaml.YAMLError, RecursionError):
        return None
    names = found.get("license") if isinstance(found, dict) else None
    texts = [name for name in (names if isinstance(names, list) else [names]) if isinstance(name, str) and name]
    return ", ".join(texts) or None
