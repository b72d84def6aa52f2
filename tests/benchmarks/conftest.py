"""Benchmarks find each other by name, as in their own processes."""

from pathlib import Path

import pytest

import nlptl

BENCHMARKS = Path(nlptl.__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="package", autouse=True)
def on_path():
    """The folder of the benchmarks is where modules are looked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield
