"""One fresh process that answers the reload checks of many runs: most of what each would take is importing."""

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any
from unittest import mock

from nlptl.runs import reload_check

SCRIPT = """
import io, json, sys
from nlptl.runs import reload_check

for line in sys.stdin:
    sys.stdin = io.StringIO(json.loads(line))
    try:
        reload_check.answer()
    except Exception as error:
        print(json.dumps({"error": repr(error)}))
    sys.stdout.flush()
"""


class OtherProcess:
    """A process that is started at its first question; it knows of a run only what its folder says."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def answering(self) -> Any:
        """Returns a context in which reload checks ask this process in the place of one of their own."""
        return mock.patch.object(reload_check, "subprocess", SimpleNamespace(run=self._answer))

    def end(self) -> None:
        """Ends it."""
        if self._process:
            self._process.communicate()

    def _answer(self, command: list[str], *, input: str, env: dict[str, str], **_: Any) -> Any:
        assert command == [sys.executable, "-m", "nlptl.runs.reload_check"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": env}
        self._process = self._process or subprocess.Popen([sys.executable, "-c", SCRIPT], **pipes)
        self._process.stdin.write(json.dumps(input) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        failed = not line.startswith('{"answers"')
        return subprocess.CompletedProcess(command, int(failed), line, line)
