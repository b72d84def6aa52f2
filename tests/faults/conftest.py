"""What bad input is tried on: good data, a good model, and a command line that must refuse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nlptl.cli import command
from nlptl.engine.interrupt import Interrupt
from tests.faults.small import QUICK, make_bert, reviews, say, snapshot, write_csv

Refused = Callable[..., str]


def stop(monkeypatch: pytest.MonkeyPatch, n_updates: int) -> None:
    """Interrupts training after some updates, as Ctrl-C does."""
    asked = []

    class Stop(Interrupt):
        @property
        def requested(self) -> bool:
            asked.append(1)
            self.signal = "SIGINT" if len(asked) >= n_updates else None
            return super().requested

    monkeypatch.setattr("nlptl.engine.loop.Interrupt", Stop)


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's folder; copy it to change it."""
    return make_bert(tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with 48 good rows in train.csv."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "train.csv", reviews(48))
    return tmp_path


@pytest.fixture
def train(work: Path, bert: Path) -> tuple[str, ...]:
    """A command line that trains; flags after it change it."""
    return ("train", "sentiment", "--data.train", "train.csv", "--model.name", str(bert), *QUICK)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No fresh process at the end of a run: other tests are about it."""
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Interrupts training after some updates, as Ctrl-C does."""
    return lambda n: stop(monkeypatch, n)


@pytest.fixture(scope="session")
def stopped_run(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted after five updates, with its data; copy it to change it."""
    place = tmp_path_factory.mktemp("stopped")
    write_csv(place / "train.csv", reviews(48))
    words = ("train", "sentiment", "--data.train", place / "train.csv", "--model.name", bert, *QUICK)
    words += ("--train.batch_size", "8", "--train.log_every", "1", "--output", place / "run")
    with pytest.MonkeyPatch.context() as patch:
        stop(patch, 5)
        assert command([str(word) for word in words]) == 130
    return place / "run"


@pytest.fixture
def refused(work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Runs a command line that must end with status 2 and one message, without training or touching any file."""

    def trained(*_: Any, **__: Any) -> None:
        pytest.fail("training began")

    def call(*argv: object) -> str:
        monkeypatch.setattr("nlptl.engine.loop.train", trained)
        monkeypatch.setattr("nlptl.methods.probe.Probe.fit_head", trained)
        before = snapshot(work)
        said = say(capsys, *argv)
        assert said.status == 2, said
        assert said.err.startswith("error: ")
        assert "Traceback" not in said.out + said.err
        assert snapshot(work) == before
        return said.err.removeprefix("error: ").strip()

    return call


@pytest.fixture
def says() -> Callable[..., None]:
    """Asserts that a message has all of these words."""

    def check(message: str, *words: object) -> None:
        missing = [str(word) for word in words if str(word) not in message]
        assert not missing, f"{missing} not in: {message}"

    return check
