"""The tiny models of the families that have no tests elsewhere; `family` and `folder` are of these here."""

import pytest

from tests import tiny_models


@pytest.fixture(params=tiny_models.OTHERS)
def family(request: pytest.FixtureRequest) -> str:
    """Each family in turn."""
    return request.param
