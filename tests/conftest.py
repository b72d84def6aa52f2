"""Tiny pretrained models, written once a session; nothing in the tests reaches the network."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported
if "PYTEST_XDIST_WORKER" in os.environ:  # several test processes share the cores; read when torch is imported
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
os.environ["NLPTL_CACHE"] = tempfile.mkdtemp(prefix="nlptl-tests-")  # not the user's own

import pytest

from nlptl.core import registry
from nlptl.runs import showing
from nlptl.studies import showing as of_many
from tests import tiny
from tests.reloading import OtherProcess

REPORT, COMPARED, STUDIED = showing.report, of_many.compared, of_many.studied


def pytest_unconfigure() -> None:
    """Removes the cache of these tests."""
    shutil.rmtree(os.environ["NLPTL_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of the tiny pretrained models, by family; tests only read them."""
    return {
        family: tiny.write(family, tmp_path_factory.mktemp(f"tiny-{family}")) for family in registry.names("family")
    }


@pytest.fixture(scope="session", autouse=True)
def no_reports() -> Iterator[None]:
    """Nothing writes a report.html, which takes longer than training a tiny model; `reports` brings it back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(showing, "report", lambda folder, corpus: None)
        patch.setattr(of_many, "compared", lambda folder: None)
        patch.setattr(of_many, "studied", lambda folder: None)
        yield


@pytest.fixture(scope="module")
def reports() -> Iterator[None]:
    """Runs write report.html, as they do outside of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(showing, "report", REPORT)
        patch.setattr(of_many, "compared", COMPARED)
        patch.setattr(of_many, "studied", STUDIED)
        yield


@pytest.fixture(scope="session")
def other_process() -> Iterator[OtherProcess]:
    """A fresh process for the reload checks of all runs that ask it."""
    process = OtherProcess()
    yield process
    process.end()


@pytest.fixture(params=tiny.FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """Each family in turn."""
    return request.param


@pytest.fixture
def folder(tiny_folders: dict[str, Path], family: str) -> Path:
    """The tiny pretrained model of the family."""
    return tiny_folders[family]
