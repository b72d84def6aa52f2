"""A recipe is a value: it round-trips, and runs on what Python has: lists of dicts, data frames."""

import dataclasses
import json
from pathlib import Path

import pytest
import yaml

import nlptl
from nlptl import (
    Adapter,
    DataConfig,
    EvalConfig,
    Full,
    InputError,
    LoRA,
    ModelConfig,
    Probe,
    Recipe,
    Regression,
    Sentiment,
    TrainConfig,
)
from tests.faults.small import make_bert, read_lines, reviews, say, write_splits

RECIPES = [
    Recipe(),
    Recipe(method=LoRA(rank=3, targets=["query", "value"], layers="last:1")),
    Recipe(method=Adapter(variant="houlsby", bottleneck=7), train=TrainConfig(lr=0.01, epochs=1)),
    Recipe(method=Probe(strengths=(0.5, 2.0)), model=ModelConfig(pooling="cls", dropout=0.0)),
    Recipe(task=Sentiment(scale="stars"), data=DataConfig(train="a.csv", label_names={"1": "bad"}, audit="strict")),
    Recipe(method=Full(), eval=EvalConfig(metric="macro_f1", baselines="none"), train=TrainConfig(early_stopping=2)),
]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return make_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def make(bert, monkeypatch):
    """Builds a quick recipe; no fresh process checks the run."""
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})

    def call(train, **settings):
        return Recipe(
            data=DataConfig(train=train, **settings),
            model=ModelConfig(name=str(bert)),
            train=TrainConfig(epochs=2, batch_size=8, precision="fp32", log_every=1, lr=3e-3),
            eval=EvalConfig(n_bootstrap=100, baselines="none"),
        )

    return call


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: type(r.method).__name__)
def test_a_recipe_round_trips_through_plain_values(recipe):
    assert Recipe.from_dict(recipe.to_dict()) == recipe


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: type(r.method).__name__)
def test_a_recipe_round_trips_through_yaml(recipe):
    text = yaml.safe_dump(json.loads(json.dumps(recipe.to_dict())))
    read = Recipe.from_dict(yaml.safe_load(text))
    assert json.dumps(read.to_dict()) == json.dumps(recipe.to_dict())


def test_a_recipe_from_yaml_equals_the_one_written():
    recipe = Recipe(method=Probe(strengths=(0.5, 2.0)))
    assert Recipe.from_dict(yaml.safe_load(json.dumps(recipe.to_dict()))) == recipe


def test_plain_values_name_every_field_and_choice():
    plain = Recipe(method=LoRA(rank=3)).to_dict()
    assert plain.keys() == {"task", "data", "model", "method", "train", "eval"}
    assert plain["task"] == {"name": "sentiment", "scale": "auto", "long": "truncate", "overlap": 32}
    assert plain["method"]["name"] == "lora"
    assert plain["method"]["rank"] == 3
    assert plain["train"].keys() == {f.name for f in dataclasses.fields(TrainConfig)}


def test_parts_that_are_left_out_have_their_defaults():
    assert Recipe.from_dict({}) == Recipe()
    assert Recipe.from_dict({"method": {"name": "lora"}, "train": {"epochs": 2}}) == Recipe(
        method=LoRA(), train=TrainConfig(epochs=2)
    )
    assert Recipe.from_dict({"train": None, "data": {"text": "body"}}) == Recipe(data=DataConfig(text="body"))


def test_plain_values_may_have_names_as_people_write_them():
    plain = {"task": "regression", "method": "lora", "model": "bert-base-uncased", "data": "reviews.csv"}
    assert Recipe.from_dict(plain) == Recipe(**plain)


@pytest.mark.parametrize("field", ["task", "data", "model", "method", "train", "eval"])
def test_a_recipe_cannot_be_changed_only_replaced(field):
    recipe = Recipe()
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(recipe, field, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        getattr(recipe, field).name = "x"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"trian": {}}, r"no part 'trian' \(did you mean 'train'\?\); parts: task, method, data"),
        ({"epochs": 3}, r"no part 'epochs': .*train: \{epochs: ...\}"),
        ({"train": 3}, r"train must be a TrainConfig or a mapping of its fields, found 3"),
        ({"task": None}, r"task must be a task or the name of one \(.*sentiment.*\), found None"),
        ({"data": {"txet": "body"}}, r"data has no field 'txet' \(did you mean 'text'\?\)"),
        ({"train": {3: 4}}, r"train has no field 3; fields"),
        ({3: {}}, r"no part 3; parts"),
        ([], r"expected a recipe, with the parts task, method, .* found \[\]"),
        ({"train": {"epoch": 3}}, r"train has no field 'epoch' \(did you mean 'epochs'\?\); fields: epochs, lr"),
        ({"method": {"rank": 3}}, r"method has no name; known: adapter, auto, full, hybrid, lora, partial, probe"),
        ({"method": {"name": "loar"}}, r"unknown method 'loar' \(did you mean 'lora'\?\)"),
        ({"method": {"name": "full", "rank": 3}}, r"method has no field 'rank'; fields: unfreeze"),
        ({"train": {"lr": 2.0}}, r"train.lr must be above 0 and at most 1, found 2.0"),
    ],
)
def test_plain_values_that_are_no_recipe_are_refused(values, said):
    with pytest.raises(InputError, match=said):
        Recipe.from_dict(values)


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        (Recipe(task="regression"), Recipe(task=Regression())),
        (Recipe(method="lora"), Recipe(method=LoRA())),
        (Recipe(method={"name": "lora", "rank": 3}), Recipe(method=LoRA(rank=3))),
        (Recipe(data="reviews.csv"), Recipe(data=DataConfig(train="reviews.csv"))),
        (Recipe(data=Path("reviews.csv")), Recipe(data=DataConfig(train=Path("reviews.csv")))),
        (Recipe(data=reviews(3)), Recipe(data=DataConfig(train=reviews(3)))),
        (Recipe(data=(["x"], ["y"])), Recipe(data=DataConfig(train=(["x"], ["y"])))),
        (
            Recipe(data={"dev": "d.csv", "train": "t.csv"}),
            Recipe(data=DataConfig(train={"dev": "d.csv", "train": "t.csv"})),
        ),
        (Recipe(data={"train": "t.csv", "text": "body"}), Recipe(data=DataConfig(train="t.csv", text="body"))),
        (Recipe(model="bert-base-uncased"), Recipe(model=ModelConfig(name="bert-base-uncased"))),
        (Recipe(model=Path("models/bert")), Recipe(model=ModelConfig(name="models/bert"))),
        (Recipe(train={"epochs": 2}), Recipe(train=TrainConfig(epochs=2))),
        (Recipe("sentiment", None, None, "full", None, None), Recipe()),
    ],
)
def test_names_paths_and_rows_stand_for_the_parts_of_a_recipe(short, whole):
    assert short == whole
    assert dataclasses.replace(short, train=TrainConfig(seed=3)).train.seed == 3


@pytest.mark.parametrize(
    ("part", "given", "said"),
    [
        ("task", 3, ["task", "sentiment", "found 3 (int)"]),
        ("task", None, ["task", "found None"]),
        ("task", LoRA(), ["task", "LoRA(rank=8"]),
        ("task", "sentment", ["did you mean 'sentiment'"]),
        ("task", ["sentiment"], ["task", "(list)"]),
        ("method", LoRA, ["method", "the class LoRA", "LoRA()"]),
        ("method", Sentiment(), ["method", "lora", "Sentiment("]),
        ("method", {"rank": 3}, ["method has no name"]),
        ("data", 3, ["data", "a file", "a frame", "(texts, labels)", "found 3 (int)"]),
        ("data", b"reviews.csv", ["data", "(bytes)"]),
        ("data", DataConfig, ["data", "the class DataConfig"]),
        ("data", ModelConfig(), ["data", "(ModelConfig)"]),
        ("model", 3, ["model", "the model's name", "ModelConfig", "found 3"]),
        ("train", 3, ["train", "TrainConfig", "found 3"]),
        ("train", {"epoch": 3}, ["train has no field 'epoch'", "did you mean 'epochs'"]),
        ("eval", "accuracy", ["eval", "EvalConfig", "'accuracy'"]),
    ],
)
def test_what_cannot_be_a_part_of_a_recipe_is_refused_with_what_was_expected(part, given, said):
    with pytest.raises(InputError) as refused:
        Recipe(**{part: given})
    assert [word for word in said if word not in str(refused.value)] == []


def test_a_frame_stands_for_the_training_data():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(reviews(3))
    assert Recipe(data=frame).data.train is frame


@pytest.mark.parametrize(
    "make_bad",
    [
        lambda: TrainConfig(epochs="3"),
        lambda: TrainConfig(epochs=2.5),
        lambda: TrainConfig(schedule="lineer"),
        lambda: TrainConfig(precision="fp16"),
        lambda: TrainConfig(class_weights="balancd"),
        lambda: TrainConfig(weight_decay=float("inf")),
        lambda: DataConfig(audit="strct"),
        lambda: Sentiment(scale="star"),
        lambda: LoRA(scale="rs"),
        lambda: Recipe.from_dict({"method": ["lora"]}),
        lambda: Recipe.from_dict({"train": 3}),
    ],
)
def test_values_of_another_type_are_refused_in_python_too(make_bad):
    with pytest.raises(InputError):
        make_bad()


def test_a_run_on_a_list_of_dicts_measures_and_predicts(make, tmp_path):
    run = make(reviews(60)).run(tmp_path / "run")
    assert run.metrics.keys() == {"validation", "test"}
    accuracy = run.metrics["test"]["accuracy"]
    assert 0 <= accuracy["low"] <= accuracy["value"] <= accuracy["high"] <= 1
    assert run.result.rows == {"train": 42, "validation": 9, "test": 9}
    predictions = run.predict(["a wonderful film", "a terrible pan", "a wonderful film"])
    assert [p.row_id for p in predictions] == [0, 1, 2]
    assert predictions[0].scores == pytest.approx(predictions[2].scores, abs=1e-6)
    assert predictions[0].scores != predictions[1].scores
    assert run.labels == ("negative", "positive")


def test_lists_frames_files_and_texts_with_labels_of_the_same_rows_give_the_same_run(make, tmp_path):
    pandas = pytest.importorskip("pandas")
    data = write_splits(tmp_path / "data")
    rows = {split: pandas.read_csv(data / f"{split}.csv") for split in ("train", "validation", "test")}
    lists = {split: frame.to_dict("records") for split, frame in rows.items()}
    pairs = {split: (list(frame["text"]), frame["label"]) for split, frame in rows.items()}
    by_split = {"frames": dict(rows), "lists": lists, "files": str(data), "pairs": pairs}
    for name, given in by_split.items():
        make(given).run(tmp_path / name)
    for name in ("metrics.jsonl", "predictions/test.jsonl", "inputs.json"):
        (one,) = {(tmp_path / source / name).read_text() for source in by_split}
        assert one


def test_the_same_recipe_from_python_and_from_the_command_line_gives_the_same_run(capsys, make, bert, tmp_path):
    data = write_splits(tmp_path / "data")
    make(str(data)).run(tmp_path / "python")
    words = ("train", "sentiment", "--data.train", data, "--model.name", bert, "--train.epochs", 2, "--train.lr", 3e-3)
    flags = ("--train.batch_size", 8, "--train.precision", "fp32", "--train.log_every", 1, "--eval.n_bootstrap", 100)
    said = say(capsys, *words, *flags, "--eval.baselines", "none", "--output", tmp_path / "words")
    assert said.status == 0
    for name in ("metrics.jsonl", "predictions/test.jsonl", "recipe.yaml"):
        assert (tmp_path / "python" / name).read_text() == (tmp_path / "words" / name).read_text()


def test_a_run_leaves_the_users_rows_as_they_are(make, tmp_path):
    rows = reviews(60)
    before = json.dumps(rows)
    make(rows).run(tmp_path / "run")
    assert json.dumps(rows) == before


def test_a_run_on_rows_in_memory_says_on_a_rerun_that_they_are_gone(capsys, make, tmp_path):
    make(reviews(60)).run(tmp_path / "run")
    said = say(capsys, "train", "--config", tmp_path / "run" / "recipe.yaml", "--output", tmp_path / "again")
    assert said.status == 2
    assert "a list in memory" in said.err
    assert not (tmp_path / "again").exists()


def test_a_rerun_on_rows_in_memory_says_to_give_them_again(capsys, make, tmp_path):
    make(reviews(60)).run(tmp_path / "run")
    said = say(capsys, "train", "--config", tmp_path / "run" / "recipe.yaml", "--output", tmp_path / "again")
    assert "--data.train" in said.err


def test_bad_input_in_python_is_one_exception_and_leaves_no_folder(make, tmp_path):
    with pytest.raises(InputError, match="no label column"):
        make([{"text": "x"}] * 20).run(tmp_path / "run")
    with pytest.raises(ValueError, match="at least two labels"):
        make(reviews(20, ["same"])).run(tmp_path / "run")
    with pytest.raises(ValueError, match="found 2 texts and 1 labels"):
        make((["x", "y"], ["a"])).run(tmp_path / "run")
    with pytest.raises(nlptl.NlptlError, match="expected a dict of columns"):
        make(["x", "y"]).run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_output_folder_may_exist_when_it_is_empty(make, tmp_path):
    (tmp_path / "run").mkdir()
    run = make(reviews(60)).run(str(tmp_path / "run"))
    assert run.folder == tmp_path / "run"
    assert read_lines(tmp_path / "run" / "predictions" / "test.jsonl")


def test_what_the_run_says_goes_to_standard_output_and_nothing_to_standard_error(capfd, make, tmp_path):
    make(reviews(60)).run(tmp_path / "run")
    out, err = capfd.readouterr()
    assert "columns text='text', label='label'" in out
    assert "accuracy" in out
    assert err == ""
