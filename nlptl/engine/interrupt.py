"""Ctrl-C, or a scheduler's SIGTERM, between two updates, never within one."""

import signal
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """While entered, the first SIGINT or SIGTERM only sets `signal`; a second SIGINT raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.signal: str | None = None
        """The name of the one that came."""
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether one came."""
        return self.signal is not None

    def __enter__(self) -> "Interrupt":
        """Takes the signals over, where this is the main thread."""
        try:
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        except ValueError:  # signals belong to the main thread
            self._before = {}
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = self.signal or signal.Signals(number).name
