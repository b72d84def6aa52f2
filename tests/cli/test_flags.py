"""What people type for flags: short ones, data without a flag, texts that begin with dashes, a recipe's file."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from nlptl.cli.flags import Command, Flag, of_fields
from nlptl.cli.parsing import parse
from nlptl.cli.recipe import parse_recipe
from nlptl.core import registry
from tests.faults.small import say, write_splits


def recipe_of(capsys, *words):
    """Returns the recipe that `nlptl train ...` would run."""
    said = say(capsys, "train", *words, "--print_config")
    assert said.status == 0, said.err
    return yaml.safe_load(said.out)


@pytest.mark.parametrize("words", ["-m lora", "-m=lora", "--method lora", "--method=lora", "--method.name lora"])
def test_a_method_may_be_written_in_short(capsys, words):
    assert recipe_of(capsys, "sentiment", *words.split())["method"]["name"] == "lora"


def test_the_word_after_the_task_is_the_training_data(capsys):
    found = recipe_of(capsys, "regression", "reviews.csv", "-m", "lora", "--train.epochs", 2)
    assert found["task"]["name"] == "regression"
    assert found["data"]["train"] == "reviews.csv"
    assert found["train"]["epochs"] == 2


@pytest.mark.parametrize("name", ["2024", "007", "true", "null", "a: b", "caf\u00e9.csv"])
def test_data_is_always_the_name_of_a_file(capsys, name):
    assert recipe_of(capsys, "sentiment", "--data.train", name)["data"]["train"] == name


@pytest.mark.parametrize(
    ("words", "path", "value"),
    [
        ("--train.lr 1e-4", "train.lr", 1e-4),
        ("--train.lr=1e-4", "train.lr", 1e-4),
        ("--train.epochs=3 --train.epochs 4", "train.epochs", 4),
        ("--train.cuda_graph yes", "train.cuda_graph", True),
        ("--train.warmup 5 --train.warmup null", "train.warmup", None),
        ("--train.callbacks a.B --train.callbacks c.D,e.F", "train.callbacks", ["c.D", "e.F"]),
        ("--eval.metrics=[accuracy,auroc]", "eval.metrics", ["accuracy", "auroc"]),
        ('--data.label_names {"0":"bad"}', "data.label_names", {"0": "bad"}),
        ("--data.train=", "data.train", ""),
        ("--data.text=--", "data.text", "--"),
        ("-m lora --method.rank 16", "method.rank", 16),
        ("-m lora --method.targets [query] --method.targets attention", "method.targets", "attention"),
        ("-m lora --method.targets query,value", "method.targets", ["query", "value"]),
        ("-m probe --method.strengths 0.1,1", "method.strengths", [0.1, 1.0]),
        ("-m probe --method.strengths [0.1,1e-3]", "method.strengths", [0.1, 1e-3]),
        ("--task.name regression", "task.name", "regression"),
    ],
)
def test_a_flags_value_is_read_by_its_field(words, path, value):
    part, field = path.split(".")
    found = parse_recipe(["sentiment", *words.split()], None)[0].to_dict()[part][field]
    assert (list(found) if isinstance(found, tuple) else found) == value


def test_a_recipes_file_may_have_numbers_as_the_command_line_has_them(tmp_path):
    (tmp_path / "own.yaml").write_text("train: {lr: 1e-4}\nmethod: {name: probe, strengths: [0.1, 1e-3]}")
    recipe, _ = parse_recipe(["--config", str(tmp_path / "own.yaml")], None)
    assert (recipe.train.lr, recipe.method.strengths) == (1e-4, (0.1, 1e-3))


def test_a_recipes_settings_are_the_defaults_of_the_flags(tmp_path):
    (tmp_path / "own.yaml").write_text("train: {epochs: 7}\nmethod: {name: lora, rank: 4}")
    recipe, _ = parse_recipe(["--config", str(tmp_path / "own.yaml"), "--method.alpha", "3"], None)
    assert (recipe.train.epochs, recipe.method.rank, recipe.method.alpha) == (7, 4, 3.0)
    recipe, _ = parse_recipe(["--config", str(tmp_path / "own.yaml"), "-m", "adapter"], None)
    assert recipe.method == registry.load("method", "adapter")()


def test_the_fields_of_bases_are_flags_with_their_docstrings():
    flags = {flag.written: flag for flag in of_fields(registry.load("task", "sentiment"), "task")}
    assert flags["--task.overlap"].help == "Tokens that neighbouring windows share; at most half a window."
    assert flags["--task.scale"].group == "task: One sentiment per text: named classes, or stars"
    assert flags["--task.scale"].placeholder == "{auto,classes,stars}"


def test_a_class_without_a_file_has_flags_without_help():
    settings = dataclasses.make_dataclass(
        "Settings", [("n", int, 3), ("names", list[str], dataclasses.field(default_factory=list))]
    )
    command = Command("nlptl", "", "", of_fields(settings, "own"))
    assert [flag.help for flag in command.own] == ["", ""]
    assert parse(command, ["--own.n", "4"])["own"] == {"n": 4}
    assert parse(command, ["--own.names", "a,b"])["own"] == {"n": 3, "names": ["a", "b"]}


def test_a_recipes_file_that_is_nested_without_end_is_refused(capsys, tmp_path):
    (tmp_path / "own.yaml").write_text("[" * 5000)
    said = say(capsys, "train", "--config", tmp_path / "own.yaml")
    assert (said.status, "own.yaml" in said.err) == (2, True)


def test_a_short_output_is_the_runs_folder():
    words = ["sentiment", "-o", "runs/x"]
    assert parse_recipe(words, None)[1]["output"] == "runs/x"


def test_predict_and_evaluate_take_the_short_output_too(capsys, tmp_path):
    for words in (("predict", tmp_path, "--text", "x"), ("evaluate", tmp_path, "--data.test", "x.csv")):
        said = say(capsys, *words, "-o", "out.html")
        assert (said.status, "out.html" in said.err) == (2, True)


@pytest.mark.parametrize("text", ["--not good", "-5", "--not=good", "- -", "--method", "--"])
@pytest.mark.parametrize("flag", ["--text", "--text-pair", "--question", "--context"])
def test_a_text_may_begin_with_dashes(text, flag):
    command = Command("nlptl predict", "", "", (Flag(flag, ""), Flag("--output", "")))
    name = flag.removeprefix("--").replace("-", "_")
    for words in ([flag, text], [f"{flag}={text}"]):
        assert parse(command, [*words, "-o", "x"]) == {name: text, "output": "x", "help": False}


def test_a_text_that_is_a_flag_is_written_with_an_equals_sign():
    assert parse(Command("nlptl predict", "", "", (Flag("--text", ""),)), ["--text=--text"])["text"] == "--text"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("trian: {epochs: 3}", ["no part 'trian'", "did you mean 'train'"]),
        ("epochs: 3", ["no part 'epochs'", "train: {epochs: ...}"]),
        ("dropout: 0", ["no part 'dropout'", "model: {dropout: ...}"]),
        ("train: {epoch: 3}", ["train has no field 'epoch'", "did you mean 'epochs'"]),
        ("train: 3", ["train must be", "a mapping of its fields", "found 3"]),
        ("method: [lora]", ["method must be", "found ['lora']"]),
        ("train: {3: 4}", ["train has no field 3"]),
        ("method: {name: 3}", ["method has no name", "lora"]),
        ("- train", ["expected a recipe", "found ['train']"]),
        ("", ["expected a recipe", "found None"]),
    ],
)
def test_an_unknown_part_or_field_of_a_recipes_file_is_named_with_the_nearest(refused, says, work, content, said):
    (work / "own.yaml").write_text(content)
    says(refused("train", "--config", "own.yaml"), "--config 'own.yaml'", *said)


def test_data_without_a_flag_is_trained_on(capsys, tmp_path, bert, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
    data = write_splits(tmp_path / "data")
    quick = ("--train.epochs", 1, "--eval.n_bootstrap", 100, "--eval.baselines", "none", "--train.precision", "fp32")
    said = say(capsys, "train", "sentiment", data, "-m", "probe", "--model.name", bert, *quick, "-o", "run")
    assert said.status == 0, said.err
    assert "48 train" in said.out
    assert (tmp_path / "run" / "result.json").exists()


def test_a_stopped_run_says_how_to_go_on_with_a_blank_after_the_word(capsys):
    from nlptl.core.result import Result, Training
    from nlptl.report import console

    console.after(Path("runs/a"), Result("interrupted", training=Training(5, stopped_by="SIGINT")))
    assert " go on with nlptl train --resume runs/a" in capsys.readouterr().out
