"""Runs the tests of tests/gpu and writes each outcome at once: python -m gpu.outcomes RESULTS SCALE SITTING [FILE ...].

A GPU that has failed once in a process fails from there on. So a test that breaks it ends this process, as does one
that never ends; started again, with the same SITTING, this goes on with the tests that have not begun.
"""

import sys
from pathlib import Path
from typing import Any

import machine
import pytest
import results
import torch

FOLDER, LONGEST_S = "tests/gpu", 120
BROKEN = ("CUDA error", "cudaError", "device-side assert", "CUBLAS_STATUS", "NCCL error")
FINISHED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class Outcomes:
    """A plugin of pytest.

    Args:
        path: of the result file.
        scale: full runs what is marked gpu, smoke the rest.
        sitting: what tells these outcomes from earlier ones, which stay.
    """

    def __init__(self, path: Path, scale: str, sitting: str) -> None:
        self.path, self.scale, self.sitting = path, scale, sitting
        known = results.read(path).get("tests", {}) if path.exists() else {}
        self.outcomes: dict[str, Any] = known.get("outcomes", {})
        self.warnings: dict[str, str] = known.get("warnings", {})
        self.finished = self.is_broken = False
        self.outcomes.pop(FOLDER, None)  # what the kit notes if none of them could begin
        for outcome in self.outcomes.values():
            if outcome["status"] == "running":
                outcome.update(status="crashed", error="the process ended, or was ended, within this test")
        self.write()

    def pytest_collectreport(self, report: Any) -> None:
        """Notes a file that cannot be read."""
        if report.failed:
            self._begin(report.nodeid).update(status="failed", error=str(report.longrepr)[-4000:])

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Leaves out what has begun."""
        begun = {name for name, outcome in self.outcomes.items() if outcome["sitting"] == self.sitting}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in begun])
        items[:] = [item for item in items if item.nodeid not in begun]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Notes that a test begins."""
        self._begin(nodeid)
        self.write()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Notes how far a test came: it is passed if no part of it failed."""
        outcome = self.outcomes[report.nodeid]
        outcome["s"] = round(outcome["s"] + report.duration, 3)
        if report.failed:
            text = str(report.longrepr)
            outcome.update(status="failed", error=text[-4000:])
            self.is_broken |= any(sign in text for sign in BROKEN)
        elif report.skipped:
            outcome["status"] = "skipped"
        elif report.when == "call":
            outcome["status"] = "passed"

    def pytest_runtest_logfinish(self) -> None:
        """Writes what is known."""
        self.write()

    def pytest_warning_recorded(self, warning_message: Any, nodeid: str) -> None:
        """Notes a warning, and where it was seen first."""
        text = f"{warning_message.category.__name__}: {warning_message.message}"[:500]
        self.warnings.setdefault(text, nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: Any) -> None:
        """Ends this process after a test that broke the GPU."""
        if self.is_broken and torch.cuda.is_available():
            item.session.shouldstop = "the GPU is broken in this process"

    def write(self) -> None:
        """Writes all that is known."""
        content = {"sitting": self.sitting, "finished": self.finished, **machine.code(), "warnings": self.warnings}
        results.put_section(self.path, "gpu", self.scale, "tests", content | {"outcomes": self.outcomes})

    def _begin(self, nodeid: str) -> dict[str, Any]:
        self.outcomes[nodeid] = {"status": "running", "sitting": self.sitting, "s": 0.0}
        return self.outcomes[nodeid]


def main(path: str, scale: str, sitting: str, *files: str) -> int:
    """Runs the tests that have not begun; returns pytest's exit status."""
    plugin = Outcomes(Path(path), scale, sitting)
    chosen = [f"{FOLDER}/{name}.py" for name in files] or [FOLDER]
    marked = ["-m", "gpu" if scale == "full" else "not gpu"]
    # A warning is noted, but fails nothing: what else a test finds is worth more here.
    quiet = ["-q", "-p", "no:cacheprovider", "-o", "filterwarnings=default", "--tb=short"]
    patient = ["--continue-on-collection-errors", f"--timeout={LONGEST_S}", "--timeout-method=thread"]
    status = pytest.main([*chosen, *marked, *quiet, *patient], [plugin])
    plugin.finished = status in FINISHED and not plugin.is_broken
    plugin.write()
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
