"""The peers of the suite of defaults: on a tiny model, and a grid that is cut off."""

import json
import sys
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import pytest
import torch

RIGHT = {"good": "good fine film", "bad": "bad dull plot", "so": "neither one nor other"}


@pytest.fixture
def files(tiny_folders, tmp_path):
    """What every peer is given: a tiny model and rows of three labels."""
    for split, n_rows in (("train", 30), ("validation", 12), ("test", 15)):
        rows = [{"text": f"{text} {i}", "label": label} for i in range(n_rows // 3) for label, text in RIGHT.items()]
        (tmp_path / f"{split}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = {split: tmp_path / f"{split}.jsonl" for split in ("train", "validation", "test")}
    return found | {"model": tiny_folders["bert"], "output": tmp_path / "report.json", "seed": 0}


def report(files):
    return json.loads(files["output"].read_text())


def test_the_trainer_as_it_comes_has_the_settings_of_training_arguments(files):
    module, trainer = import_module("peers.trainer_as_it_comes"), import_module("peers.trainer")
    module.run(trainer.TrainerSettings(**files))
    found = report(files)
    assert found["settings"]["lr"] == 5e-5
    assert (found["settings"]["epochs"], found["settings"]["batch_size"]) == (3, 8)
    assert (found["settings"]["precision"], found["settings"]["warmup"]) == ("fp32", 0)
    assert found["rows"] == {"train": 30, "validation": 12, "scored": 15}
    assert found["examples_per_s"] * found["train_s"] == pytest.approx(90)
    assert {"accuracy", "macro_f1"} <= set(found["metrics"])


def test_tfidf_tells_labels_of_any_name_apart(files):
    module = import_module("peers.tfidf")
    module.run(module.TfidfSettings(**files))
    assert report(files)["metrics"] == {"accuracy": 1.0, "macro_f1": 1.0}
    assert report(files)["settings"]["chosen"]


def test_setfit_that_is_not_installed_says_so(files, monkeypatch):
    module = import_module("peers.setfit_as_it_comes")
    monkeypatch.setitem(sys.modules, "setfit", None)
    with pytest.raises(SystemExit, match=r"SetFit cannot be imported .*: install it into an environment of its own"):
        module.run(module.SetFitSettings(**files))


def test_macro_f1_is_the_mean_over_the_labels_that_occur():
    scores = import_module("peers.common").scores
    assert scores(["a", "a", "b"], ["a", "c", "b"]) == {
        "accuracy": pytest.approx(2 / 3),
        "macro_f1": pytest.approx((2 / 3 + 1 + 0) / 3),
    }


class Trainings:
    """Stands for training: the cell of 2e-4 and 15 epochs is the best; one of them may be cut off."""

    def __init__(self, cut_off_at=None):
        self.done = []
        self.cut_off_at = cut_off_at

    def __call__(self, settings):
        if len(self.done) == self.cut_off_at:
            raise KeyboardInterrupt
        self.done.append((settings.lr, settings.epochs, settings.seed))
        accuracy = 0.9 if (settings.lr, settings.epochs) == (2e-4, 15) else 0.5
        scores = {"accuracy": accuracy, "macro_f1": accuracy}
        return SimpleNamespace(model=torch.nn.Linear(2, 3), train_s=2.0, loss=0.1, scores=lambda _: scores)


@pytest.fixture
def grid():
    return import_module("peers.trainer_grid")


@pytest.fixture
def settings(grid, files, tmp_path):
    return grid.GridSettings(**files, cells=tmp_path / "cells" / "grid.json")


def test_a_grid_that_was_cut_off_goes_on_with_the_cells_that_it_has(grid, settings, files):
    with pytest.raises(KeyboardInterrupt):
        grid.run(settings, Trainings(cut_off_at=4))
    rest = Trainings()
    grid.run(settings, rest)
    assert rest.done == [(5e-4, 3, 0), (5e-4, 15, 0)]
    assert report(files)["settings"]["chosen"] == {"lr": 2e-4, "epochs": 15, "seed": 0}
    assert len(report(files)["settings"]["tried"]) == 6
    assert report(files)["metrics"]["accuracy"] == 0.9


def test_cells_of_other_rows_or_settings_are_not_taken(grid, settings):
    grid.run(settings, Trainings())
    shorter = Trainings()
    grid.run(replace(settings, max_length=128), shorter)
    assert len(shorter.done) == 6
    settings.train.write_text(settings.train.read_text() * 2)
    others = Trainings()
    grid.run(settings, others)
    assert len(others.done) == 6


def test_another_seed_takes_over_the_choice_and_trains_once(grid, settings, files):
    with pytest.raises(SystemExit, match=r"lacks 6 of 6 cells of seed 0, .*: run this case with seed 0 first"):
        grid.run(replace(settings, seed=1), Trainings())
    grid.run(settings, Trainings())
    searched_s = report(files)["metrics"]["search_s"]
    once = Trainings()
    grid.run(replace(settings, seed=1), once)
    assert once.done == [(2e-4, 15, 1)]
    assert report(files)["metrics"]["search_s"] == searched_s
    assert report(files)["settings"]["lr"] == 2e-4


def test_a_grid_trains_and_scores(grid, settings, files):
    grid.run(replace(settings, lrs=(1e-3,), lengths=(1, 2), batch_size=8))
    found = report(files)
    assert found["settings"]["chosen"]["epochs"] in (1, 2)
    assert found["metrics"]["search_s"] > 0
    assert found["rows"]["train"] == 30
