"""The tiny models of the families that have no tests elsewhere; `family` and `folder` are of these here."""

from pathlib import Path

import pytest

from tests import tiny_models


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of the tiny pretrained models, by family; tests only read them."""
    return {name: tiny_models.write(name, tmp_path_factory.mktemp(f"tiny-{name}")) for name in tiny_models.OTHERS}


@pytest.fixture(params=tiny_models.OTHERS)
def family(request: pytest.FixtureRequest) -> str:
    """Each family in turn."""
    return request.param
