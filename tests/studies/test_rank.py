"""Models are ranked by what their frozen vectors are worth for the data."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from nlptl import DataConfig, InputError, Recipe
from nlptl.studies.rank import rank
from nlptl.tasks.classification import Classification
from nlptl.tasks.regression import Regression
from tests.faults.small import make_bert, reviews, say, write_csv


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("rank")
    make_bert(place / "bert")
    write_csv(place / "train.csv", reviews(60))
    return place


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("NLPTL_CACHE", str(tmp_path / "cache"))


def ranked(place, *models, **options):
    return rank(
        [str(m) for m in models], Classification(), DataConfig(train=str(place / "train.csv")), **options
    ).record


def test_every_layer_is_measured_and_the_best_by_the_probe_counts(place):
    (only,) = ranked(place, place / "bert").models
    assert [own.layer for own in only.layers] == [0, 1, 2]
    assert only.best.probe == max(layer.probe for layer in only.layers)
    assert only.score.value == pytest.approx(only.best.probe)
    assert only.score.low <= only.score.value <= only.score.high
    assert only.difference is None


def test_a_model_whose_words_all_look_alike_is_last(place, tmp_path):
    make_bert(tmp_path / "blind")
    file = tmp_path / "blind" / "model.safetensors"
    weights = load_file(file)
    name = next(n for n in weights if n.endswith("word_embeddings.weight"))
    weights[name] = torch.zeros_like(weights[name])
    save_file(weights, file, metadata={"format": "pt"})
    found = ranked(place, tmp_path / "blind", place / "bert")
    assert [model.name for model in found.models] == [str(place / "bert"), str(tmp_path / "blind")]
    assert found.models[1].difference.high < 0


def test_a_finished_run_is_a_candidate_too(place, tmp_path):
    recipe = Recipe(
        "classification",
        str(place / "train.csv"),
        str(place / "bert"),
        "lora",
        {"epochs": 1, "precision": "fp32"},
        {"n_bootstrap": 100, "baselines": "none"},
    )
    recipe.run(tmp_path / "run")
    found = ranked(place, tmp_path / "run", place / "bert")
    assert {model.name for model in found.models} == {str(tmp_path / "run"), str(place / "bert")}


def test_the_same_seed_ranks_alike_and_fewer_rows_are_drawn(place):
    first, again = (ranked(place, place / "bert", n_rows=30, seed=3) for _ in range(2))
    assert first.n_rows == 30
    assert first.models[0].layers == again.models[0].layers


def test_numbers_are_ranked_by_their_own_metric(place, tmp_path):
    rows = [{"text": row["text"], "label": str(len(row["text"]))} for row in reviews(40)]
    write_csv(tmp_path / "numbers.csv", rows)
    found = rank([str(place / "bert")], Regression(), DataConfig(train=str(tmp_path / "numbers.csv"))).record
    assert found.metric == "pearson"
    assert found.models[0].best.h_score is None


def test_a_model_that_cannot_be_opened_is_left_out_and_named(place):
    found = ranked(place, place / "bert", place / "nothing")
    assert [model.name for model in found.models] == [str(place / "bert")]
    assert "no such folder" in found.left_out[str(place / "nothing")]


def test_the_frame_has_a_row_a_layer(place):
    data = DataConfig(train=str(place / "train.csv"))
    frame = rank([str(place / "bert")], Classification(), data).to_frame()
    assert list(frame["layer"]) == [0, 1, 2]
    assert {"model", "probe", "neighbours", "log_me", "h_score"} <= set(frame.columns)


@pytest.mark.parametrize(
    ("models", "rows", "said"),
    [
        ((), 60, "at least one model"),
        (("nothing",), 60, "no model can be ranked"),
        (("bert",), 6, "too few to compare"),
    ],
)
def test_what_cannot_be_ranked_is_refused(place, tmp_path, models, rows, said):
    write_csv(tmp_path / "train.csv", reviews(rows))
    with pytest.raises(InputError, match=said):
        rank([str(place / m) for m in models], Classification(), DataConfig(train=str(tmp_path / "train.csv")))


def test_one_label_alone_cannot_rank(place, tmp_path):
    write_csv(tmp_path / "train.csv", [{**row, "label": "good"} for row in reviews(20)])
    with pytest.raises(InputError, match="label"):
        rank([str(place / "bert")], Classification(), DataConfig(train=str(tmp_path / "train.csv")))


def test_several_labels_are_refused(place):
    with pytest.raises(InputError, match="one label or one number"):
        rank([str(place / "bert")], Classification(labels="several"), DataConfig(train=str(place / "train.csv")))


def test_the_command_ranks_and_writes_json(place, tmp_path, capsys):
    words = ("--data.train", place / "train.csv", "--output", tmp_path / "ranking.json")
    said = say(capsys, "rank", place / "bert", place / "nothing", *words)
    assert said.status == 0, said.err
    assert f"{place / 'nothing'} is left out" in said.out.replace("\n", "")
    written = json.loads((tmp_path / "ranking.json").read_text())
    assert written["format"] == 1
    assert [model["name"] for model in written["models"]] == [str(place / "bert")]


def test_unknown_tasks_and_missing_models_are_told(capsys):
    assert "did you mean 'classification'" in say(capsys, "rank", "x", "--task", "clasification").err
    assert "needs MODELS" in say(capsys, "rank").err
