"""What the engine's tests find on every machine."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from nlptl.engine import planning


@pytest.fixture(autouse=True)
def much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that are compared bit for bit must plan the same, whatever else the machine does meanwhile."""
    monkeypatch.setattr(planning.psutil, "virtual_memory", lambda: SimpleNamespace(available=2**34))
    monkeypatch.setattr(planning, "CGROUP", Path("/nowhere"))
