"""What a finished run writes for people: the model card and the report. A run is not lost for want of either."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from nlptl.core.records import Corpus
from nlptl.report import console
from nlptl.runs import card as cards
from nlptl.runs.folder import Folder

_WRITES = ContextVar("writes", default=True)


@contextmanager
def no_report() -> Iterator[None]:
    """Within the block runs write no page: of a hundred runs nobody reads each, and each takes a second."""
    token = _WRITES.set(False)
    try:
        yield
    finally:
        _WRITES.reset(token)


def card(folder: Folder) -> None:
    """Writes the model card, or warns why there is none."""
    try:
        cards.write(folder)
    except Exception as error:  # whatever it is, the run is finished and stays so
        console.warn(f"the model card could not be written ({type(error).__name__}: {error})")


def report(folder: Folder, corpus: Corpus) -> None:
    """Writes the run's page, and says where it is or why there is none; nothing within `no_report`."""
    if _WRITES.get():
        written(folder.path, lambda: _page(folder, corpus))


def written(folder: Path, write: Callable[[], Path]) -> None:
    """Writes a page, and says where it is or why there is none.

    Args:
        folder: of a run, a comparison or a study.
        write: writes the page and returns its path.
    """
    again = f"nlptl report {folder}"
    try:
        console.say("report", str(write()))
    except ModuleNotFoundError as error:
        console.say("report", f"pip install 'nlptl[report]', then {again}, writes it ({error})")
    except Exception as error:  # whatever it is, what was measured is stored and stays so
        console.warn(f"the report could not be written ({type(error).__name__}: {error}); {again} tries again")


def _page(folder: Folder, corpus: Corpus) -> Path:
    from nlptl.runs.report.writing import write

    return write(folder.path, corpus)
