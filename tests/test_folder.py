"""The folder of a finished run: its files, what stands in them, and that they make the same run again."""

import csv
import json
import math
import re

import pytest
import yaml
from safetensors import safe_open

import nlptl
from nlptl.core.recipe import Recipe
from tests.faults.small import QUICK, make_bert, read_lines, say, snapshot, write_splits

LABELS = ("3 stars", "nice [really], yes", 'плохо, "bad" / 不好')
"""What labels may look like: spaces, brackets, commas, quotes, other scripts."""
N_ROWS = {"train": 48, "validation": 16, "test": 20}
METRICS = {
    *("accuracy", "macro_f1", "micro_f1", "macro_precision", "macro_recall", "matthews"),
    *("auroc", "average_precision", "brier", "ece", "log_loss"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data/ and bert/."""
    place = tmp_path_factory.mktemp("place")
    write_splits(place / "data", LABELS)
    make_bert(place / "bert")
    return place


@pytest.fixture(scope="module")
def words(place):
    return (
        *("train", "sentiment", "--data.train", str(place / "data"), "--model.name", str(place / "bert")),
        *("--train.precision", "fp32", "--eval.n_bootstrap", "100", "--train.epochs", "8", "--train.batch_size", "8"),
        *("--train.log_every", "1", "--train.lr", "3e-3", "--train.seed", "3", "--model.dropout", "0"),
    )


@pytest.fixture(scope="module")
def run(place, words, other_process):
    """A finished run, reload check in a fresh process included."""
    from nlptl.cli import command

    with other_process.answering():
        assert command([*words, "--output", str(place / "run")]) == 0
    return place / "run"


@pytest.fixture(scope="module")
def result(run):
    return json.loads((run / "result.json").read_text(encoding="utf-8"))


@pytest.fixture
def unchecked(monkeypatch):
    """No fresh process at the end of a run."""
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})


@pytest.mark.parametrize(
    "name",
    [
        *("recipe.yaml", "result.json", "metrics.jsonl", "audit.json", "inputs.json"),
        *("predictions/validation.jsonl", "predictions/test.jsonl"),
        *("model/model.safetensors", "model/config.json", "model/tokenizer.json", "model/nlptl.json"),
    ],
)
def test_the_folder_has_every_file_of_the_contract(run, name):
    assert (run / name).is_file()
    assert (run / name).stat().st_size > 0


def test_the_folder_has_no_partial_files_no_pickles_and_no_old_checkpoints(run):
    names = {p.name for p in run.rglob("*")}
    assert not [name for name in names if re.search(r"\.(partial|bin|pt|pth|pkl|pickle|joblib)$", name)]
    assert not list((run / "checkpoints").iterdir())


def test_the_result_has_every_key_of_the_contract(result):
    assert result["status"] == "succeeded"
    assert (result["task"], result["method"], result["seed"]) == ("sentiment", "full", 3)
    assert result["model"].keys() == {"name", "revision", "sha256", "licence"}
    assert result["metrics"].keys() == {"validation", "test"}
    assert result["primary"].keys() == {"name", "split", "value"}
    assert result["parameters"].keys() == {"total", "trainable"}
    assert result["timing"].keys() >= {"train_s", "examples_per_s", "total_s"}
    assert result["memory"]["peak_mib"] > 50
    assert result["reload_check"].keys() >= {"max_abs_diff"}
    assert result["versions"].keys() >= {"python", "nlptl", "torch", "transformers", "peft", "accelerate"}


def test_the_results_values_make_sense(result, run, place):
    from safetensors.torch import load_file

    assert result["model"]["name"] == str(place / "bert")
    assert re.fullmatch("[0-9a-f]{64}", result["model"]["sha256"])
    n_saved = sum(tensor.numel() for tensor in load_file(run / "model" / "model.safetensors").values())
    assert result["parameters"] == {"total": n_saved, "trainable": n_saved}
    assert 0 < result["timing"]["train_s"] < result["timing"]["total_s"]
    n_seen = result["timing"]["examples_per_s"] * result["timing"]["train_s"]
    assert n_seen == pytest.approx(8 * N_ROWS["train"])
    assert result["artifact_bytes"] == sum(
        p.stat().st_size for p in (run / "model").rglob("*") if p.is_file() and p.name != "README.md"
    )
    assert 0 <= result["reload_check"]["max_abs_diff"] <= 1e-4
    assert result["training"]["updates"] == 48
    assert result["training"]["best_update"] in range(6, 49, 6)
    assert result["rows"] == N_ROWS
    for split in ("validation", "test"):
        assert result["metrics"][split].keys() == METRICS
        for name, value in result["metrics"][split].items():
            highest = {"brier": 2, "log_loss": math.inf}.get(name, 1)
            assert -1 <= value["low"] <= value["value"] <= value["high"] <= highest


def test_the_result_names_nlptls_own_version(result):
    assert result["versions"]["nlptl"] == nlptl.__version__


def test_the_primary_value_is_the_accuracy_of_the_written_test_predictions(result, run, place):
    with (place / "data" / "test.csv").open(encoding="utf-8", newline="") as stream:
        labels = [row["label"] for row in csv.DictReader(stream)]
    predicted = [line["prediction"] for line in read_lines(run / "predictions" / "test.jsonl")]
    accuracy = sum(a == b for a, b in zip(labels, predicted, strict=True)) / len(labels)
    assert result["primary"] == {"name": "accuracy", "split": "test", "value": accuracy}
    assert result["metrics"]["test"]["accuracy"]["value"] == accuracy


def test_the_baselines_are_scored_on_the_same_rows(result):
    for split in ("validation", "test"):
        assert len(result["baselines"][split]) == 2
        for baseline in result["baselines"][split].values():
            own = result["metrics"][split]["accuracy"]["value"]
            assert baseline["gain"]["value"] == pytest.approx(own - baseline["accuracy"]["value"])


def test_predictions_carry_the_label_of_their_row(run, place):
    with (place / "data" / "test.csv").open(encoding="utf-8", newline="") as stream:
        expected = [row["label"] for row in csv.DictReader(stream)]
    assert [line["label"] for line in read_lines(run / "predictions" / "test.jsonl")] == expected


@pytest.mark.parametrize("split", ["validation", "test"])
def test_predictions_have_one_line_a_row_in_file_order_with_scores_by_label_name(run, split):
    lines = read_lines(run / "predictions" / f"{split}.jsonl")
    assert [line["row_id"] for line in lines] == list(range(N_ROWS[split]))
    for line in lines:
        assert line.keys() == {"row_id", "prediction", "scores", "label"}
        assert set(line["scores"]) == set(LABELS)
        assert math.isclose(sum(line["scores"].values()), 1, abs_tol=1e-6)
        assert line["prediction"] == max(line["scores"], key=line["scores"].get)
    assert len({line["prediction"] for line in lines}) > 1


def test_the_log_has_a_line_an_update_and_one_an_evaluation(run, result):
    lines = read_lines(run / "metrics.jsonl")
    updates = [line for line in lines if "loss" in line]
    assert [line["update"] for line in updates] == list(range(1, 49))
    assert all(math.isfinite(line["loss"]) and math.isfinite(line["grad_norm"]) for line in updates)
    assert max(line["lr"] for line in updates) == pytest.approx(3e-3)
    evaluations = [line for line in lines if "validation" in line]
    assert [(line["update"], line["epoch"]) for line in evaluations] == [(6 * i, float(i)) for i in range(1, 9)]
    best = max(line["validation"]["accuracy"] for line in evaluations)
    assert result["metrics"]["validation"]["accuracy"]["value"] == best


def test_the_labels_keep_their_names_and_order_everywhere(run, result):
    names = sorted(LABELS)
    config = json.loads((run / "model" / "config.json").read_text(encoding="utf-8"))
    assert config["id2label"] == {str(i): name for i, name in enumerate(names)}
    assert config["label2id"] == {name: i for i, name in enumerate(names)}
    card = json.loads((run / "model" / "nlptl.json").read_text(encoding="utf-8"))
    assert card["labels"]["names"] == names
    assert result["labels"] == names
    assert list(result["per_class"]["test"]) == names
    assert list(read_lines(run / "predictions" / "test.jsonl")[0]["scores"]) == names
    supports = [sum(row) for row in result["confusion"]["test"]]
    assert supports == [result["per_class"]["test"][name]["support"] for name in names]


def test_the_model_is_a_plain_transformers_folder_with_the_same_answers(run, place):
    import torch
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(run / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    with (place / "data" / "test.csv").open(encoding="utf-8", newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    with torch.no_grad():
        scores = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.softmax(-1)
    for line, row in zip(read_lines(run / "predictions" / "test.jsonl"), scores.tolist(), strict=True):
        assert list(line["scores"].values()) == pytest.approx(row, abs=1e-5)
        assert model.config.id2label[row.index(max(row))] == line["prediction"]


def test_the_weights_are_safetensors_in_float32(run):
    with safe_open(run / "model" / "model.safetensors", "pt") as weights:
        assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {"F32"}  # noqa: SIM118


def test_the_stored_recipe_is_the_resolved_one_and_reads_back_as_a_recipe(run, place):
    values = yaml.safe_load((run / "recipe.yaml").read_text(encoding="utf-8"))
    assert values.pop("format") == 2
    assert "train.warmup" in values.pop("resolved")
    assert values.keys() == {"task", "method", "data", "model", "train", "eval"}
    assert values["data"]["train"] == str(place / "data")
    assert (values["model"]["pooling"], values["model"]["max_length"]) == ("native", 64)
    assert (values["eval"]["metric"], values["train"]["seed"], values["train"]["lr"]) == ("accuracy", 3, 3e-3)
    assert Recipe.from_dict(values).to_dict() == values


def test_the_audit_is_written_as_json(run):
    audit = json.loads((run / "audit.json").read_text(encoding="utf-8"))
    assert audit["notes"] == []
    (balance,) = (finding for finding in audit["findings"] if finding["kind"] == "class_balance")
    assert balance["details"]["counts"]["train"] == dict.fromkeys(sorted(LABELS), 16)


def test_the_stored_recipe_gives_the_same_run_again(capsys, monkeypatch, tmp_path, run, result, unchecked):
    monkeypatch.chdir(tmp_path)
    before = snapshot(run)
    assert say(capsys, "train", "--config", run / "recipe.yaml", "--output", "again").status == 0
    assert snapshot(run) == before
    again = tmp_path / "again"
    old, new = (yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8")) for folder in (run, again))
    assert new | {"resolved": old["resolved"]} == old  # nothing was left to resolve
    for name in ("metrics.jsonl", "predictions/validation.jsonl", "predictions/test.jsonl"):
        assert (again / name).read_text() == (run / name).read_text(), name
    assert json.loads((again / "result.json").read_text())["metrics"] == result["metrics"]


def test_flags_after_a_stored_recipe_vary_it(capsys, tmp_path, run, unchecked):
    flags = ("--train.epochs", 1, "--train.seed", 4, "--eval.baselines", "none", "--output", tmp_path / "other")
    assert say(capsys, "train", "--config", run / "recipe.yaml", *flags).status == 0
    old = yaml.safe_load((run / "recipe.yaml").read_text(encoding="utf-8"))
    new = yaml.safe_load((tmp_path / "other" / "recipe.yaml").read_text(encoding="utf-8"))
    assert new["train"] == old["train"] | {"epochs": 1, "seed": 4, "warmup": 1}  # 6 % of fewer updates
    assert new["eval"] == old["eval"] | {"baselines": "none"}
    assert {k: new[k] for k in ("task", "method", "data", "model")} == {
        k: old[k] for k in ("task", "method", "data", "model")
    }
    first, other = (read_lines(folder / "metrics.jsonl")[0]["loss"] for folder in (run, tmp_path / "other"))
    assert first != other


def test_another_method_on_a_stored_recipe_brings_its_own_learning_rate(capsys, place, tmp_path, unchecked):
    words = ("train", "--data.train", place / "data", "--model.name", place / "bert", *QUICK, "--train.epochs", 1)
    assert say(capsys, *words, "--output", tmp_path / "full").status == 0
    flags = ("--method", "lora", "--output", tmp_path / "lora")
    assert say(capsys, "train", "--config", tmp_path / "full" / "recipe.yaml", *flags).status == 0
    assert yaml.safe_load((tmp_path / "lora" / "recipe.yaml").read_text())["train"]["lr"] == 5e-4


def test_another_method_can_be_put_on_a_stored_recipe_with_fields_of_its_own(capsys, place, tmp_path, unchecked):
    words = ("train", "--data.train", place / "data", "--model.name", place / "bert", *QUICK, "--train.epochs", 1)
    assert say(capsys, *words, "--method", "lora", "--method.rank", 2, "--output", tmp_path / "lora").status == 0
    flags = ("--method", "full", "--output", tmp_path / "full")
    said = say(capsys, "train", "--config", tmp_path / "lora" / "recipe.yaml", *flags)
    assert said.status == 0, said.err


def test_runs_without_an_output_are_numbered(capsys, monkeypatch, tmp_path, place, unchecked):
    monkeypatch.chdir(tmp_path)
    words = ("train", "--data.train", place / "data", "--model.name", place / "bert", *QUICK, "--train.epochs", 1)
    for _ in range(2):
        assert say(capsys, *words).status == 0
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["sentiment-full-1", "sentiment-full-2"]
    assert [p.name for p in tmp_path.iterdir()] == ["runs"]


@pytest.mark.parametrize("label", ["nice [really]", "[/b] closed"])
def test_label_names_with_brackets_are_printed_as_they_are(capsys, tmp_path, place, unchecked, label):
    data = write_splits(tmp_path / "data", ("bad", label))
    words = ("train", "--data.train", data, "--model.name", place / "bert", *QUICK, "--train.epochs", 1)
    said = say(capsys, *words, "--output", tmp_path / "run")
    assert said.status == 0
    assert label in said.out


def test_the_evaluation_has_the_number_format_asked_for_and_the_reload_check_the_same(place, words, other_process):
    from nlptl import Run
    from nlptl.cli import command

    quick = ("--train.epochs", "1", "--eval.baselines", "none", "--eval.precision", "bf16")
    with other_process.answering():
        assert command([*words, *quick, "--output", str(place / "rounded")]) == 0
    run = Run(place / "rounded")
    assert run.result.precision == "bf16"
    assert run.result.reload_check.max_abs_diff < 0.1
    assert json.loads((place / "rounded" / "model" / "nlptl.json").read_text())["precision"] == "bf16"


def test_on_a_processor_the_evaluation_is_in_float32(run, result):
    assert result["precision"] == "fp32"
    assert json.loads((run / "model" / "nlptl.json").read_text())["precision"] == "fp32"
