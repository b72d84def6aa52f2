"""Callbacks of a run, by name and as objects."""

import pytest

from nlptl import InputError, Recipe
from nlptl.core.callbacks import Callback
from nlptl.core.recipe import resume
from tests.core import own_callbacks
from tests.faults.small import make_bert, say, write_splits


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("callbacks")
    make_bert(folder / "bert")
    write_splits(folder / "data")
    return folder


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
    monkeypatch.setattr(own_callbacks, "told", [])
    monkeypatch.setattr(own_callbacks, "tracked", [])


def recipe(place, method="full", **train):
    return Recipe(
        data=str(place / "data"),
        model=str(place / "bert"),
        method=method,
        train={"epochs": 1, "batch_size": 8, "precision": "fp32", **train},
        eval={"baselines": "none", "n_bootstrap": 100},
    )


class Seen(Callback):
    def __init__(self):
        self.events = []

    def on_begin(self, facts):
        self.events.append(("begin", facts.update))

    def on_evaluate(self, facts):
        self.events.append(("evaluate", facts.metrics["accuracy"]))

    def on_end(self, facts):
        self.events.append(("end", facts.update))


@pytest.mark.parametrize(("method", "n_updates"), [("full", 6), ("probe", 1)])
def test_a_callback_given_in_python_is_told_from_begin_to_end(place, tmp_path, method, n_updates):
    seen = Seen()
    run = recipe(place, method).run(tmp_path / "run", callbacks=[seen])
    (begin, at), (evaluate, accuracy), (end, last) = seen.events
    assert (begin, at, evaluate, end, last) == ("begin", 0, "evaluate", "end", n_updates)
    assert accuracy == pytest.approx(run.metrics["validation"]["accuracy"]["value"], abs=0.1)


def test_a_callback_named_on_the_command_line_may_stop_the_run(capsys, place, tmp_path):
    name = "tests.core.own_callbacks.Enough"
    words = (
        "--model.name",
        place / "bert",
        "--eval.baselines",
        "none",
        "--train.batch_size",
        8,
        "-o",
        tmp_path / "run",
    )
    said = say(capsys, "train", "sentiment", place / "data", *words, "--train.batch_size", 8, "--train.callbacks", name)
    assert said.status == 0, said.err
    assert own_callbacks.told == [1, 2]
    assert "Enough: enough" in (tmp_path / "run" / "result.json").read_text()
    assert name in (tmp_path / "run" / "recipe.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tests.core.own_callbacks.Enogh", "has no attribute 'Enogh'"),
        ("no_package.Callback", "is not imported.*--import no_package,"),
        ("tests.core.own_callbacks.told", "on_begin"),
        ("tests.core.own_callbacks.Needy", "limit"),
    ],
)
def test_what_is_no_callback_is_refused_before_training(place, tmp_path, name, said):
    with pytest.raises(InputError, match=said):
        recipe(place, callbacks=[name]).run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


class Broken(Callback):
    def on_update(self, facts):
        if facts.update == 5:
            raise RuntimeError("broken")


def test_a_tracker_is_told_no_step_twice_although_the_run_was_resumed(place, tmp_path):
    tracked = recipe(place, trackers=["tests.core.own_callbacks.Curves"], log_every=1, checkpoint_every=2)
    with pytest.raises(RuntimeError, match="broken"):
        tracked.run(tmp_path / "run", callbacks=[Broken()])
    resume(tmp_path / "run")
    assert own_callbacks.tracked[0] == ("settings", 1)
    names = ("train/loss", "train/lr", "train/grad_norm")
    updates = [told for told in own_callbacks.tracked if told[1:] == names]
    assert sorted(step for step, *_ in updates) in ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 6])
    evaluated = [told for told in own_callbacks.tracked if "validation/accuracy" in told]
    assert [told[0] for told in evaluated] == [6]


@pytest.mark.parametrize(
    ("name", "said"), [("tensorbord", "tensorboard"), ("tests.core.own_callbacks.Enough", "GeneralTracker")]
)
def test_what_is_no_tracker_is_refused_before_training(place, tmp_path, name, said):
    with pytest.raises(InputError, match=said):
        recipe(place, trackers=[name]).run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_tracker_whose_package_is_missing_names_what_to_install(place, tmp_path, monkeypatch):
    monkeypatch.setattr("nlptl.engine.trackers.get_available_trackers", list)
    with pytest.raises(InputError, match=r"nlptl\[tensorboard\]"):
        recipe(place, trackers="tensorboard").run(tmp_path / "run")
