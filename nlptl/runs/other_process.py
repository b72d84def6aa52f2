"""Another process, which answers requests: one line of JSON each."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

LAUNCHED = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
PREFIXES = ("TORCHELASTIC", "ACCELERATE")


class OtherProcess:
    """Another process of this Python, started at the first request; it is told all that it knows.

    Args:
        words: of its command line, after Python's own name.
        timeout_s: for each answer; then the process is killed.
        variables: of its environment, beside this one's.
        errors: where its messages go; None: nowhere.
    """

    def __init__(
        self,
        words: Sequence[str],
        timeout_s: float | None = None,
        variables: Mapping[str, str] | None = None,
        errors: int | None = subprocess.DEVNULL,
    ) -> None:
        self.words, self.timeout_s, self.variables, self.errors = words, timeout_s, variables or {}, errors
        self._process: subprocess.Popen[str] | None = None

    def ask(self, request: str) -> str | None:
        """Returns the line that answers a request; None if the process ended without one."""
        process = self._process = self._process or self._started()
        late = threading.Timer(self.timeout_s, process.kill) if self.timeout_s else None
        if late:
            late.start()
        try:
            print(request, file=process.stdin, flush=True)
            line = process.stdout.readline() if process.stdout else ""
        except BrokenPipeError:
            line = ""
        finally:
            if late:
                late.cancel()
        if not line:
            self.end()
        return line or None

    def interrupt(self, number: int) -> None:
        """Sends a signal, SIGINT or SIGTERM, at which a run keeps a checkpoint."""
        if self._process:
            self._process.send_signal(number)

    def end(self) -> None:
        """Ends the process, which closing its input does."""
        process, self._process = self._process, None
        if process:
            process.communicate()

    def _started(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *self.words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**environment(), **self.variables},
            start_new_session=True,  # a terminal's Ctrl-C reaches this process alone, which decides
        )


def environment() -> dict[str, str]:
    """Returns the environment of a process that belongs to no launcher's group, and finds the same modules."""
    # A launcher's variables would make the process wait for the others of its group.
    kept = {k: v for k, v in os.environ.items() if k not in LAUNCHED and not k.startswith(PREFIXES)}
    return kept | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def end_with_parent() -> None:
    """Makes this process stop, as by SIGTERM, when the one that started it is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
