"""Wraps every command: errors and signals become an exit status and a line in plain words."""

import logging
import signal
import sys
from collections.abc import Callable

from nlptl.core.errors import InputError, NlptlError
from nlptl.core.shown import MESSAGE, shown_lines
from nlptl.engine.interrupt import interruptible

FAILED, USAGE_ERROR = 1, 2


def guarded(action: Callable[[], int]) -> int:
    """Runs a command and returns its exit status.

    0, 1 (training failed), 2 (wrong input), 130 or 143 (stopped by SIGINT or SIGTERM).
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not in a notebook
            stream.reconfigure(errors="backslashreplace")  # an ASCII terminal gets \u4e2d, not a traceback
    told = _Told()
    logging.getLogger("nlptl").addHandler(told)
    try:
        with interruptible() as came:
            try:
                return action()
            except (Exception, KeyboardInterrupt) as error:
                return _status(error, came)
    finally:
        logging.getLogger("nlptl").removeHandler(told)


class _Told(logging.Handler):
    """Prints what the rooms log, such as labels that were repaired."""

    def emit(self, record: logging.LogRecord) -> None:
        _say(f"{record.levelname.lower()}: {record.getMessage()}")


def _status(error: BaseException, came: list[signal.Signals]) -> int:
    if came or isinstance(error, KeyboardInterrupt):  # whatever is raised after a signal comes from it
        number = came[0] if came else signal.SIGINT
        _say("; ".join((f"interrupted by {number.name}", *getattr(error, "__notes__", ()))))
        return 128 + number
    if isinstance(error, NlptlError | OSError):  # a full disk is no fault of the program
        _say(f"error: {error}")
        return USAGE_ERROR if isinstance(error, InputError) else FAILED
    raise error


def _say(message: str) -> None:
    sys.stderr.write(shown_lines(message, MESSAGE) + "\n")
