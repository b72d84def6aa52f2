"""Memory that is no longer used goes back to the system."""

import contextlib
import ctypes


def give_back() -> None:
    """Gives back what the allocator holds unused; without it, evaluation comes on top of what training has freed.

    On MiniLM that is 160 to 200 MiB. Only glibc's allocator has such a call; elsewhere nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
