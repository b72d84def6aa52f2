"""What we take from the insides of other libraries is tried once before it is relied on.

Only where there is a plain way to do the same: what is needed raises an error. CONTRIBUTING.md lists all of it.
"""

import logging
from collections.abc import Callable
from importlib.metadata import version

LOGGER = logging.getLogger("nlptl")


def works(library: str, what: str, trial: Callable[[], bool], *, without: str) -> bool:
    """Returns whether a trial gives what is expected; if not, says why. The caller keeps the answer.

    Args:
        library: the name of its distribution.
        what: the inner function or attribute that is tried.
        trial: uses it on small values; returns whether these are the expected ones.
        without: what a run does in its place, for the reader of the log.
    """
    try:
        why = None if trial() else "gives other values"
    except Exception as error:  # a library that has changed raises anything
        if "out of memory" in str(error):  # says nothing of the library
            raise
        why = f"{type(error).__name__}: {error}"
    if why:
        LOGGER.warning("%s of %s %s is not as nlptl knows it (%s): %s", what, library, version(library), why, without)
    return why is None
