"""Ctrl-C or SIGTERM: stops at once, or during training after the current update."""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AT_ONCE_S = 1.0  # launchers send a process both signals; the second does not disturb what the first one began
Handler = Callable[[int, FrameType | None], object]
Handlers = dict[int, Handler | int | None]
"""What Python has for each signal: a function, a number for what the system does, or None for another program's."""


class Interrupted(KeyboardInterrupt):
    """A signal arrived; the notes say what is kept and how to resume.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = signal.Signals(number)

    @staticmethod
    def named(name: str) -> "Interrupted":
        """Returns the error for a signal's name, such as SIGTERM."""
        return Interrupted(signal.Signals[name])


class Interrupt:
    """While entered, the first SIGINT or SIGTERM only sets `signal`; a second SIGINT raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.signal: str | None = None
        """The name of the one that came."""
        self._seen = False
        self._before: Handlers = {}

    @property
    def requested(self) -> bool:
        """Whether a signal arrived."""
        self._seen = self.signal is not None
        return self._seen

    def __enter__(self) -> "Interrupt":
        """Installs the signal handlers, if this is the main thread."""
        self._before = _take_over(self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        """Restores the signal handlers; a signal that arrived after the last look at `requested` is sent again."""
        _give_back(self._before)
        if self.signal and not self._seen and self._before:
            signal.raise_signal(signal.Signals[self.signal])

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = self.signal or signal.Signals(number).name


@contextmanager
def interruptible() -> Iterator[list[signal.Signals]]:
    """Makes SIGINT and SIGTERM raise `Interrupted` within the block, if this is the main thread.

    Gives the list of those that came: libraries turn what is raised within them into errors of their own.
    """
    came: list[signal.Signals] = []
    last = -math.inf

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal last
        came.append(signal.Signals(number))
        again, last = time.monotonic() - last < AT_ONCE_S, time.monotonic()
        if not again:
            raise Interrupted(number)

    before = _take_over(handle)
    try:
        yield came
    finally:
        _give_back(before)


@contextmanager
def resumable(run: Path) -> Iterator[None]:
    """Adds to an interruption of the block how to resume the run."""
    try:
        yield
    except BaseException as error:  # libraries turn it into errors of their own
        error.add_note(f"go on with nlptl train --resume {run}")
        raise


def _take_over(handler: Handler) -> Handlers:
    try:
        return {number: signal.signal(number, handler) for number in SIGNALS}
    except ValueError:  # signals belong to the main thread
        return {}


def _give_back(before: Handlers) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)
