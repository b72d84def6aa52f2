"""Finds a model to open: a folder, or a model that was pushed to the Hub."""

import glob
from pathlib import Path

from nlptl.core.errors import InputError
from nlptl.runs.folder import CARD


def fetched(name: str | Path) -> Path:
    """Returns the folder of a run or of a model; a model of the Hub is downloaded.

    Of the Hub's files only those that the model's nlptl.json lists are taken.

    Args:
        name: a folder, or as text OWNER/NAME on the Hub.

    Raises:
        InputError: there is no such folder, and the Hub does not give such a model.
    """
    folder = Path(name)
    if folder.exists() or not isinstance(name, str) or not _may_be_on_hub(name):
        return folder
    from nlptl.models import sources  # these load torch, which a wrong name does not need
    from nlptl.runs.artifact import FOR_PEOPLE, read_card

    try:
        there = sources.download(name, sorted(FOR_PEOPLE))
        if not (there / CARD).exists():
            raise InputError(f"the Hub's model of that name has no {CARD}: nlptl did not train it")
        listed = read_card(there).get("files")
        names = [glob.escape(own) for own in listed] if isinstance(listed, dict) else ["*.json", "*.safetensors"]
        return sources.download(name, [*sorted(FOR_PEOPLE), *names])
    except InputError as error:
        raise InputError(f"there is no run's folder {name!r}, and {error}") from error


def _may_be_on_hub(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~")) and not name.endswith("/")
