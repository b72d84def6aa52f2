"""Runs a program as a fresh process and measures it from outside."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from machine import ROOT

TIMEOUT_S = 3600.0
TAIL = 2000  # characters of a failed program's output that are kept
HERE = Path(__file__).resolve().parent


class ProgramError(Exception):
    """A program ended with an error, or did not end in time."""


@dataclass(frozen=True)
class Usage:
    """What a process used, with the children it waited for."""

    wall_s: float
    user_s: float
    system_s: float
    peak_mib: float
    """Of the largest of these processes."""


def python(arguments: Sequence[str], log: Path, timeout_s: float = TIMEOUT_S) -> Usage:
    """Runs this interpreter in the repository's root and returns what it used.

    This process must stay small: Linux counts the memory at the fork into the child's peak.

    Args:
        arguments: of the interpreter.
        log: file for the output.
        timeout_s: after which the program is killed.

    Raises:
        ProgramError: it failed; the message holds the end of its output.
    """
    began = time.perf_counter()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=_environment(), stdout=stream, stderr=subprocess.STDOUT
        )
        timer = threading.Timer(timeout_s, process.kill)
        timer.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        finally:
            timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - began
    if process.returncode:
        output = log.read_text(encoding="utf-8", errors="replace")[-TAIL:]
        raise ProgramError(f"exit status {process.returncode} after {wall_s:.0f} s\n{output}")
    return Usage(wall_s, used.ru_utime, used.ru_stime, used.ru_maxrss / 1024)


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}
