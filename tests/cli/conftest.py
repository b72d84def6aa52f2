"""The command line that must refuse, as the fault tests have it; and a finished run to predict and evaluate with."""

import pytest

from tests.faults.conftest import bert, refused, says, train, work
from tests.faults.small import QUICK, say, write_splits

__all__ = ["bert", "refused", "says", "train", "work"]


@pytest.fixture(scope="session")
def finished(tmp_path_factory, bert):
    """A folder with data/ and a finished run in run/; tests only read it."""
    place = tmp_path_factory.mktemp("finished")
    words = ("train", "--data.train", write_splits(place / "data"), "--model.name", bert, *QUICK)
    flags = ("--train.epochs", 8, "--train.batch_size", 8, "--train.lr", "3e-3", "--model.dropout", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
        from nlptl.cli import command

        assert command([*map(str, (*words, *flags, "--quiet", "--output", place / "run"))]) == 0
    return place


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    """The finished run, seen from an empty folder."""
    monkeypatch.chdir(tmp_path)
    return finished / "run"


@pytest.fixture
def said(capsys):
    """Runs a command line in this process."""
    return lambda *argv: say(capsys, *argv)
