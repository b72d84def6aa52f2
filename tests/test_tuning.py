"""`nlptl tune`: settings are tried on training rows held out; a stopped search proposes the same and goes on."""

import json

import pytest
import yaml

from nlptl import DataConfig, EvalConfig, InputError, ModelConfig, Recipe, TrainConfig
from nlptl.runs import trials
from nlptl.runs.training import resume
from tests.faults.small import make_bert, say, write_splits

SEARCH = "train.lr=log(1e-4,1e-2) train.batch_size=[4,8]"
N_TRIALS = 5


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("tuning")
    make_bert(place / "bert")
    write_splits(place / "data")
    return place


@pytest.fixture(autouse=True, scope="module")
def unchecked(place):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
        yield


def recipe(place, method="full", **train):
    settings = {"epochs": 2, "precision": "fp32", "cache_gib": 0.0, "search": SEARCH, "n_trials": N_TRIALS}
    return Recipe(
        data=DataConfig(train=str(place / "data")),
        model=ModelConfig(name=str(place / "bert")),
        method=method,
        train=TrainConfig(**settings | train),
        eval=EvalConfig(n_bootstrap=100, baselines="none", metric="log_loss"),
    )


def searched(run):
    return json.loads((run.folder / "search.json").read_text())["trials"]


def facts(run):
    return [(trial["name"], trial["updates"], trial["value"]) for trial in searched(run)]


@pytest.fixture(scope="module")
def run(place):
    return recipe(place).run(place / "run")


def test_the_best_of_the_longer_trials_is_trained(run):
    longer = [trial for trial in searched(run) if trial["name"].endswith("second round")]
    assert len(longer) == 3
    best = min(longer, key=lambda trial: trial["value"])
    stored = yaml.safe_load((run.folder / "recipe.yaml").read_text())
    rate, size = stored["train"]["lr"], stored["train"]["batch_size"]
    assert best["name"] == f"train.lr {rate}, train.batch_size {size}, second round"
    assert stored["train"]["search"] is None
    assert "tuned, log_loss" in stored["resolved"]["train.lr"]
    assert run.result.training.updates == 2 * -(-run.result.rows["train"] // size)


def test_the_first_round_is_a_third_as_long_and_its_best_go_on(run):
    first = [trial for trial in searched(run) if trial["name"].endswith("first round")]
    longer = [trial for trial in searched(run) if trial["name"].endswith("second round")]
    assert 3 <= len(first) <= N_TRIALS
    best = sorted(first, key=lambda trial: trial["value"])[:3]
    assert {t["name"].split(", first")[0] for t in best} == {t["name"].split(", second")[0] for t in longer}


def test_values_lie_in_their_ranges(run):
    for trial in searched(run):
        rate, size = (float(part.split()[1]) for part in trial["name"].split(", ")[:2])
        assert 1e-4 <= rate <= 1e-2
        assert size in (4, 8)


def test_the_same_seed_proposes_the_same_and_another_seed_others(run, place, tmp_path):
    assert facts(recipe(place).run(tmp_path / "again")) == facts(run)
    other = recipe(place, seed=1, n_trials=1).run(tmp_path / "other")
    assert searched(other)[0]["name"] != searched(run)[0]["name"]


class StoppedError(Exception):
    """Stands for a kill."""


def test_a_stopped_search_goes_on_with_the_trials_that_it_has(run, place, tmp_path, monkeypatch):
    made, new = [], trials.Trials._new

    def stopping(self, name, *more):
        if len(made) == 3:
            raise StoppedError
        made.append(name)
        return new(self, name, *more)

    with monkeypatch.context() as patch:
        patch.setattr(trials.Trials, "_new", stopping)
        with pytest.raises(StoppedError):
            recipe(place).run(tmp_path / "stopped")
    resumed = resume(tmp_path / "stopped")
    assert facts(resumed) == facts(run)
    assert resumed.test_predictions == run.test_predictions


def test_fields_of_the_method_are_searched_too(place, tmp_path):
    run = recipe(place, "lora", search="method.rank=[1,2]", n_trials=2, batch_size=8).run(tmp_path / "run")
    assert yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())["method"]["rank"] in (1, 2)
    assert run.result.method == "lora"


@pytest.mark.parametrize(
    ("method", "search", "said"),
    [
        ("full", "train.lrr=[1,2]", "lrr"),
        ("full", "nonsense", "is written FIELD="),
        ("full", "data.label=[a,b]", "not data.label"),
        ("auto", "train.lr=log(1e-5,1e-3)", "method auto"),
    ],
)
def test_what_cannot_be_searched_is_refused_and_leaves_the_folder_free(place, tmp_path, method, search, said):
    for _ in range(2):
        with pytest.raises(InputError, match=said):
            recipe(place, method, search=search).run(tmp_path / "run")


def test_without_optuna_it_says_what_to_install(place, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(InputError, match=r"nlptl\[tune\]"):
        recipe(place).run(tmp_path / "run")


def test_the_command_tunes_and_says_what_mattered(place, tmp_path, capsys):
    words = ("--data.train", place / "data", "--model.name", place / "bert", "--train.epochs", 1, "--trials", 4)
    said = say(capsys, "tune", "sentiment", "--search", "train.lr=log(1e-4,1e-2)", *words, "-o", tmp_path / "run")
    assert said.status == 0, said.err
    assert said.out.count("first round") == 4
    assert "tuned, accuracy" in said.out


def test_the_command_needs_a_search(capsys):
    said = say(capsys, "tune", "sentiment")
    assert said.status == 2
    assert "--search" in said.err
