"""What a recipe leaves to trials: they read only training rows, are stored, and choose the same each time."""

import json
import math

import pytest
import yaml

from nlptl import DataConfig, EvalConfig, InputError, ModelConfig, Recipe, Run, TrainConfig
from nlptl.engine import device
from nlptl.methods.auto import TRIED, Auto
from nlptl.runs import rates, trials
from nlptl.runs.preparing import read
from nlptl.runs.training import resume
from tests.faults.small import make_bert, write_splits


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("place")
    make_bert(place / "bert")
    write_splits(place / "data")
    return place


def recipe(place, method="full", **train):
    return Recipe(
        data=DataConfig(train=str(place / "data")),
        model=ModelConfig(name=str(place / "bert")),
        method=method,
        train=TrainConfig(**{"epochs": 2, "batch_size": 8, "precision": "fp32", "cache_gib": 0.0} | train),
        eval=EvalConfig(n_bootstrap=100, baselines="none"),
    )


def searched(run):
    """Returns the finished trials of a run, without what depends on the clock."""
    found = json.loads((run.folder / "search.json").read_text())["trials"]
    return [{k: v for k, v in trial.items() if k not in ("seconds", "examples_per_s")} for trial in found]


def stored(run):
    return yaml.safe_load((run.folder / "recipe.yaml").read_text())


@pytest.fixture(scope="module")
def auto(place):
    return recipe(place, Auto(tried=("tfidf", "probe", "hybrid", "full"))).run(place / "auto")


def test_the_method_is_one_of_those_tried_and_the_run_is_like_any_other(auto):
    assert auto.result.method in ("full", "probe", "hybrid")
    assert stored(auto)["method"]["name"] == auto.result.method
    assert "tried" in stored(auto)["resolved"]["method"]
    assert auto.predict(["good film"])[0].prediction in auto.labels
    assert auto.result.reload_check.max_abs_diff < 1e-4


def test_solved_heads_are_tried_on_five_parts_and_trained_methods_in_rounds(auto):
    names = [(trial["name"], trial["part"]) for trial in searched(auto)]
    assert names[:15] == [(name, part) for name in ("tfidf", "probe", "hybrid") for part in range(5)]
    assert names[15] == ("full, first round", 0)
    assert ("full", 0) in names


def test_the_same_seed_finds_the_same(auto, place, tmp_path):
    again = recipe(place, Auto(tried=("tfidf", "probe", "hybrid", "full"))).run(tmp_path / "again")
    assert searched(again) == searched(auto)
    assert again.result.metrics == auto.result.metrics


class StoppedError(Exception):
    """Stands for a kill."""


def test_a_search_that_was_stopped_goes_on_with_the_trials_that_it_has(auto, place, tmp_path, monkeypatch):
    new, calls = trials.Trials._new, []

    def counted(self, name, *rest):
        calls.append(name)
        if len(calls) == 5:
            raise StoppedError
        return new(self, name, *rest)

    monkeypatch.setattr(trials.Trials, "_new", counted)
    with pytest.raises(StoppedError):
        recipe(place, Auto(tried=("tfidf", "probe", "hybrid", "full"))).run(tmp_path / "run")
    assert len(searched(Run(tmp_path / "run"))) == 4
    run = resume(tmp_path / "run")
    assert calls[5] == calls[4]  # the one that was stopped
    assert len(calls) == len(searched(auto)) + 1
    assert searched(run) == searched(auto)
    assert run.result.metrics == auto.result.metrics


@pytest.fixture
def stopped(place, tmp_path, monkeypatch):
    """A search that was stopped in its second trial."""
    new, calls = trials.Trials._new, []

    def second(self, *given):
        calls.append(given)
        if len(calls) == 2:
            raise StoppedError
        return new(self, *given)

    write_splits(tmp_path / "data")
    values = recipe(place, Auto(tried=("tfidf",))).to_dict()
    with monkeypatch.context() as patch:
        patch.setattr(trials.Trials, "_new", second)
        with pytest.raises(StoppedError):
            Recipe.from_dict(values | {"data": {"train": str(tmp_path / "data")}}).run(tmp_path / "run")
    return tmp_path


def test_other_training_rows_are_refused(stopped):
    path = stopped / "data" / "train.csv"
    path.write_text(path.read_text().replace("lovely plot", "lovely story"))
    with pytest.raises(InputError, match=r"changed since it began: data\.train"):
        resume(stopped / "run")


def test_a_changed_recipe_is_refused(stopped):
    path = stopped / "run" / "recipe.yaml"
    path.write_text(path.read_text().replace("seed: 0", "seed: 3"))
    with pytest.raises(InputError, match=r"changed since it began: train\.seed \(was 0, is 3\)"):
        resume(stopped / "run")


def test_an_unchanged_search_goes_on(stopped):
    assert resume(stopped / "run").result.status == "succeeded"


def test_too_little_time_for_any_method_is_an_error_that_says_so(place, tmp_path):
    with pytest.raises(InputError, match=r"train\.minutes 0\.001.*full: its training would take"):
        recipe(place, Auto(tried=("full",)), minutes=0.001).run(tmp_path / "run")


def test_the_time_bounds_solved_heads_too(place, tmp_path):
    run = recipe(place, Auto(), minutes=0.001).run(tmp_path / "run")
    assert {trial["name"] for trial in searched(run)} == {"tfidf"}


def test_a_search_that_tried_nothing_leaves_the_folder_free(place, tmp_path):
    values = recipe(place, Auto(tried=("hybrid",))).to_dict() | {"model": {"name": str(place / "bert")}}
    wrong = Recipe.from_dict(values | {"model": {"name": str(place / "bert"), "pooling": "native"}})
    with pytest.raises(InputError, match="hybrid"):
        wrong.run(tmp_path / "run")
    assert Recipe.from_dict(values).run(tmp_path / "run").result.method == "hybrid"


def trial(name, part, answers):
    """Returns a trial whose answers are for rows 0, 1, 2 ..."""
    given = tuple((i, answer, {}) for i, answer in enumerate(answers))
    return trials.Trial(name, part, 0, math.nan if not answers else 0.5, 1.0, 1.0, given)


def test_methods_are_compared_on_the_same_rows(place, tmp_path):
    """A part of easy rows does not make a method better than one that was tried on a hard part alone."""
    own = recipe(place)
    corpus, labels = read(own)
    search = trials.Trials(own, corpus, labels, tmp_path, device.start("fp32"))
    truth = [[e.label for e in search._divided(part).splits[trials.JUDGED]] for part in (0, 1)]
    wrong = [next(name for name in labels.names if name != label) for label in truth[0]]
    easy = [trial("a", 0, wrong), trial("a", 1, truth[1])]
    hard = [trial("b", 0, truth[0])]
    assert search.mean_gain(hard, easy).value == pytest.approx(1)
    assert search.is_better(hard, easy)
    assert not search.is_better(easy, hard)


def test_a_method_that_the_answers_do_not_allow_is_left_out(place, tmp_path):
    with pytest.raises(InputError, match="method hybrid answers"):
        Recipe(
            task="token_classification",
            model=ModelConfig(name=str(place / "bert")),
            method=Auto(tried=("hybrid",)),
            data=DataConfig(n_train=60),
        ).run(tmp_path / "run")


@pytest.mark.parametrize("tried", [("nothing",), ()])
def test_unknown_methods_are_refused(tried):
    with pytest.raises(InputError, match=", ".join(TRIED)):
        Auto(tried=tried)


def test_a_short_run_keeps_the_usual_rate_and_says_why(place, tmp_path):
    run = recipe(place, lr="auto").run(tmp_path / "run")
    assert stored(run)["train"]["lr"] == pytest.approx(2e-4)
    assert "too short" in stored(run)["resolved"]["train.lr"]
    assert not (tmp_path / "run" / "search.json").exists()


@pytest.fixture(scope="module")
def rated(place):
    return recipe(place, lr="auto", search_share=0.7, epochs=20).run(place / "rated")


def test_three_rates_are_tried_then_two_and_the_cost_is_bounded(rated):
    found = searched(rated)
    assert [t["name"].rpartition(", ")[2] for t in found] == ["first round"] * 3 + ["second round"] * 2
    total = sum(t["updates"] for t in found)
    assert total <= 0.7 * (total + rated.result.training.updates)
    assert stored(rated)["train"]["lr"] in [float(f"{2e-4 * factor:.2g}") for factor in rates.FACTORS]
    assert all(t["updates"] >= rates.LEAST_UPDATES for t in found)


def test_the_same_seed_finds_the_same_rate(rated, place, tmp_path):
    again = recipe(place, lr="auto", search_share=0.7, epochs=20).run(tmp_path / "again")
    assert searched(again) == searched(rated)
    assert stored(again)["train"] == stored(rated)["train"]


def test_trials_read_training_rows_alone(rated):
    n_train = rated.result.rows["train"]
    held_out = {row[0] for trial in searched(rated) for row in trial["answers"]}
    assert len(held_out) == pytest.approx(n_train / trials.MOST_PARTS, abs=2)


def test_a_probe_has_no_rate_to_search_for(place, tmp_path):
    run = recipe(place, "probe", lr="auto").run(tmp_path / "run")
    assert "solved" in stored(run)["resolved"]["train.lr"]
