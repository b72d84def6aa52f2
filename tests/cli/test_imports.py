"""One policy for code: what a file names runs only if the user installed it as an entry point, or named it himself."""

import sys
from pathlib import Path

import pytest

from nlptl.core import registry
from tests.faults.small import QUICK, make_bert, reviews, say, write_csv

CODE = """
from dataclasses import dataclass
from pathlib import Path

from nlptl import Full
from nlptl.core.callbacks import Callback
from nlptl.evaluation.metrics.log_loss import LogLoss

Path("ran").touch()


@dataclass(frozen=True)
class Mine(Full):
    pass


class Told(Callback):
    pass


class Loss(LogLoss):
    pass
"""
MINE = ("--method", "own_things.inside.Mine", "--train.callbacks", "own_things.inside.Told")
METRICS = ("--eval.metrics", "accuracy,own_things.inside.Loss")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("imports")
    make_bert(folder / "bert")
    write_csv(folder / "rows.csv", reviews(40))
    (folder / "own_things").mkdir()
    (folder / "own_things" / "__init__.py").touch()
    (folder / "own_things" / "inside.py").write_text(CODE)
    return folder


@pytest.fixture
def fresh(folder, monkeypatch):
    """Forgets the package, as a new process would; returns whether it runs."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def forget() -> None:
        registry._trusted.clear()
        for name in ("own_things", "own_things.inside"):
            sys.modules.pop(name, None)
        (folder / "ran").unlink(missing_ok=True)

    forget()
    yield forget
    forget()


@pytest.fixture
def run(folder, fresh, capsys) -> Path:
    """A run whose recipe names the package's classes."""
    if not (folder / "run").exists():
        words = ("train", "sentiment", "rows.csv", "--model.name", "bert", "--train.epochs", 1, *QUICK)
        said = say(capsys, *words, *MINE, *METRICS, "--output", "run")
        assert said.status == 0, said.err
        fresh()
    return folder / "run"


COMMANDS = {
    "predict": ("predict", "run", "--text", "a film"),
    "evaluate": ("evaluate", "run", "rows.csv"),
    "resume": ("train", "--resume", "run"),
    "config": ("train", "--config", "run/recipe.yaml", "--output", "again"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_imports_nothing(command, run, folder, capsys):
    said = say(capsys, *COMMANDS[command])
    assert said.status == 2
    assert "own_things.inside.Mine" in said.err
    assert "--import own_things.inside" in said.err
    assert "nlptl.methods" in said.err
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("module", ["own_things.inside", "own_things"])
@pytest.mark.parametrize("command", ["predict", "evaluate", "resume"])
def test_a_package_that_is_named_is_imported(command, module, run, folder, capsys):
    said = say(capsys, *COMMANDS[command], "--import", module)
    assert (folder / "ran").exists()
    if command == "resume":  # there is nothing left to do
        assert "finished" in said.err
    else:
        assert said.status == 0, said.err


def test_only_what_a_command_needs_is_asked_for(run, folder, capsys):
    words = ("train", "sentiment", "rows.csv", "--model.name", "bert", "--train.epochs", 1, *QUICK, "--output", "plain")
    assert say(capsys, *words, *MINE[2:]).status == 0
    registry._trusted.clear()
    for name in ("own_things", "own_things.inside"):
        sys.modules.pop(name, None)
    assert say(capsys, "predict", "plain", "--text", "a film").status == 0
    assert say(capsys, "evaluate", "plain", "rows.csv").status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--import", "no_such_package"), "no_such_package"),
        (("--import=own_things.no_such_module",), "no_such_module"),
        (("--method", "own_things.inside.Yours"), "has no attribute 'Yours'"),
        (("--method", "own_things.inside.Told"), "is not a method"),
        (("--import",), "--import"),
    ],
)
def test_what_cannot_be_imported_is_said(words, said, folder, fresh, capsys):
    found = say(capsys, "train", "sentiment", "rows.csv", *words)
    assert found.status == 2
    assert said in found.err


def test_help_names_the_flag(capsys, fresh):
    for command in ("train", "evaluate", "predict"):
        with pytest.raises(SystemExit):
            say(capsys, command, "--help")
        assert "--import MODULE" in capsys.readouterr().out
