"""Ctrl-C between two updates, never within one."""

import signal
from types import FrameType
from typing import Any


class Interrupt:
    """While entered, the first SIGINT only sets `requested`; the second raises KeyboardInterrupt at once."""

    def __init__(self) -> None:
        self.requested = False
        self._before: Any = None

    def __enter__(self) -> "Interrupt":
        """Takes SIGINT over, where this is the main thread."""
        try:
            self._before = signal.signal(signal.SIGINT, self._handle)
        except ValueError:  # signals belong to the main thread
            self._before = None
        return self

    def __exit__(self, *_: object) -> None:
        """Gives SIGINT back."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
