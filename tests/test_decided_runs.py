"""Temperature and abstention from training to a fresh process: fitted on validation, stored, applied everywhere."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import nlptl
from nlptl import Classification, DataConfig, EvalConfig, InputError, ModelConfig, Recipe, TrainConfig
from nlptl.core.digest import sha256_of_value
from tests.faults.small import QUICK, make_bert, read_lines, reviews, say, write_csv

N_VALIDATION = 80
FRESH = "import sys, nlptl; [print(p.to_json()) for p in nlptl.load(sys.argv[1]).predict(sys.argv[2])]"


def noisy(n, start):
    """Returns reviews of which each third begins with a word that tells nothing, so that no model is always correct."""
    random, rows = np.random.default_rng(start), reviews(n, start=start)
    for i, row in enumerate(rows):
        if i % 3 == 0:
            row["text"] = "plain " + row["text"].partition(" ")[2]
            row["label"] = str(random.choice(["negative", "positive"]))
    return rows


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a pretrained model and data."""
    place = tmp_path_factory.mktemp("decided")
    make_bert(place / "bert")
    for split, n, start in (("train", 200, 0), ("validation", N_VALIDATION, 300), ("test", 60, 500)):
        write_csv(place / "data" / f"{split}.csv", noisy(n, start))
    return place


def train(place, name, task="sentiment", data=None, **settings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
        return Recipe(
            task=task,
            data=DataConfig(train=str(data or place / "data")),
            model=ModelConfig(name=str(place / "bert")),
            train=TrainConfig(epochs=8, batch_size=8, precision="fp32", lr=3e-3),
            eval=EvalConfig(**{"n_bootstrap": 100, "baselines": "none"} | settings),
        ).run(place / name)


@pytest.fixture(scope="module")
def plain(place):
    return train(place, "plain")


@pytest.fixture(scope="module")
def decided(place):
    """A run with both settings."""
    return train(place, "decided", calibration="temperature", abstain=0.8)


def lines(run, split="test"):
    return read_lines(run.folder / "predictions" / f"{split}.jsonl")


def log_loss(rows):
    return -np.mean([np.log(row["scores"][row["label"]]) for row in rows])


def test_without_the_settings_nothing_is_decided(plain):
    assert plain.result.decision == {}
    assert all("abstained" not in row for row in lines(plain))
    assert "coverage" not in plain.metrics["test"]
    logits = plain.answers(plain.read(plain.folder.parent / "data" / "test.csv", DataConfig(), need_label=False))
    by_hand = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose([list(row["scores"].values()) for row in lines(plain)], by_hand, atol=1e-6)


def test_scores_are_those_of_the_logits_divided_by_the_stored_temperature(plain, decided):
    temperature = decided.result.decision["temperature"]
    card = json.loads((decided.folder / "model" / "nlptl.json").read_text())
    assert card["decision"] == decided.result.decision
    for before, after in zip(lines(plain), lines(decided), strict=True):
        assert before["prediction"] == after["prediction"]
        scores = np.array(list(before["scores"].values())) ** (1 / temperature)
        assert list(after["scores"].values()) == pytest.approx(scores / scores.sum(), rel=1e-6)


def test_the_temperature_is_the_likeliest_on_validation(plain, decided):
    assert log_loss(lines(decided, "validation")) < log_loss(lines(plain, "validation"))
    fitted = decided.result.decision["temperature"]
    logs = np.log([list(row["scores"].values()) for row in lines(plain, "validation")])
    right = np.array([list(row["scores"]).index(row["label"]) for row in lines(plain, "validation")])

    def loss(t):
        return np.mean(np.log(np.exp(logs / t).sum(1)) - logs[np.arange(N_VALIDATION), right] / t)

    assert loss(fitted) < min(loss(fitted * 1.01), loss(fitted / 1.01))


def test_rows_with_low_scores_abstain_and_keep_their_prediction(decided):
    below = decided.result.decision["abstain_below"]
    rows = lines(decided)
    assert {row["abstained"] for row in rows} == {True, False}
    for row in rows:
        assert row["abstained"] == (row["scores"][row["prediction"]] < below)
    answered = [row["prediction"] == row["label"] for row in rows if not row["abstained"]]
    assert decided.metrics["test"]["coverage"]["value"] == pytest.approx(len(answered) / 60)
    assert decided.metrics["test"]["selective_accuracy"]["value"] == pytest.approx(np.mean(answered))


def test_a_fresh_process_decides_as_the_run_did(place, decided):
    command = [sys.executable, "-c", FRESH, str(decided.folder / "model"), str(place / "data" / "test.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for found, row in zip(map(json.loads, done.stdout.splitlines()), lines(decided), strict=True):
        assert (found["prediction"], found["abstained"]) == (row["prediction"], row["abstained"])
        assert found["scores"] == pytest.approx(row["scores"], abs=1e-6)


def test_evaluate_measures_what_the_run_measured(capsys, place, decided):
    test = place / "data" / "test.csv"
    scores = nlptl.load(decided.folder).evaluate(test, n_bootstrap=100)
    for name, value in decided.metrics["test"].items():
        assert vars(scores.metrics[name]) == pytest.approx(value)
    said = say(capsys, "evaluate", decided.folder, test)
    assert "coverage" in said.out
    assert "selective_accuracy" in said.out


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_predict_writes_who_abstained(capsys, place, decided, tmp_path, kind):
    output = tmp_path / f"found.{kind}"
    said = say(capsys, "predict", decided.folder, place / "data" / "test.csv", "--output", output)
    assert said.status == 0, said.err
    expected = [row["abstained"] for row in lines(decided)]
    if kind == "jsonl":
        assert [row["abstained"] for row in read_lines(output)] == expected
        return
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(output) if kind == "csv" else pandas.read_parquet(output)
    assert frame["abstained"].tolist() == expected
    assert frame["abstained"].dtype == bool


def test_the_terminal_says_temperature_coverage_and_accuracy(capsys, place):
    flags = ("--eval.calibration", "temperature", "--eval.abstain", "0.5", "--eval.metrics", "accuracy", *QUICK)
    model = ("--model.name", place / "bert", "--train.epochs", "1", "--output", place / "said")
    said = say(capsys, "train", "sentiment", place / "data", *model, *flags)
    assert said.status == 0, said.err
    assert f"fitted on {N_VALIDATION} validation rows" in said.out
    assert "abstain from " in said.out
    assert {"accuracy", "coverage"} <= set(nlptl.Run(place / "said").metrics["test"])


def test_what_cannot_be_reached_abstains_from_all_rows_and_warns(capsys, place):
    run = train(place, "strict", abstain=0.95)
    assert run.result.decision == {"abstain_below": 2.0}
    assert all(row["abstained"] and row["prediction"] and row["scores"] for row in lines(run))
    assert run.metrics["test"]["coverage"]["value"] == 0
    assert "always_abstains" in [finding.kind for finding in run.result.verdict.findings]
    out = capsys.readouterr().out
    assert "warning the model abstains from all 60 rows" in out
    assert "no score reaches eval.abstain on validation" in out


def test_a_resumed_run_decides_to_the_same_bits(place, decided):
    folder = shutil.copytree(place / "decided", place / "again")
    for name in ("result.json", "predictions", "model"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
        run = nlptl.Run(folder).resume()
    assert run.result.decision == decided.result.decision
    for split in ("validation", "test"):
        name = f"predictions/{split}.jsonl"
        assert (folder / name).read_bytes() == (decided.folder / name).read_bytes()


def test_several_labels_keep_their_answers_at_a_temperature(place):
    rows = [{"text": row["text"], "labels": ["x", "y"][: 1 + (row["label"] == "positive")]} for row in noisy(90, 0)]
    data = place / "several"
    data.mkdir()
    for split, part in (("train", rows[:50]), ("validation", rows[50:70]), ("test", rows[70:])):
        (data / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    runs = [
        train(place, f"several-{kind}", Classification(labels="several"), data, calibration=kind)
        for kind in ("none", "temperature")
    ]
    assert [set(run.result.decision) for run in runs] == [{"thresholds"}, {"thresholds", "temperature"}]
    before, after = (lines(run) for run in runs)
    assert [row["prediction"] for row in before] == [row["prediction"] for row in after]
    assert before[0]["scores"] != after[0]["scores"]
    again = nlptl.load(runs[1].folder).predict(str(data / "test.jsonl"))
    assert [p.prediction for p in again] == [row["prediction"] for row in after]


@pytest.mark.parametrize(
    ("task", "settings", "said"),
    [
        ("regression", {"calibration": "temperature"}, "this task gives a number: set eval.calibration none"),
        ("token_classification", {"calibration": "temperature"}, "this task gives a BIO tag for each word"),
        ("extractive_qa", {"calibration": "temperature"}, "this task gives a piece of the context"),
        ("text2text", {"abstain": 0.9}, "eval.abstain is for one label per row"),
        ("sentiment", {"abstain": 0.999}, "needs at least 2,995 validation rows"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_model_is_read(monkeypatch, tmp_path, task, settings, said):
    monkeypatch.setattr("nlptl.runs.preparing.load_model", lambda *_, **__: pytest.fail("read"))
    with pytest.raises(InputError, match=said):
        Recipe(task=task, eval=EvalConfig(**settings)).run(tmp_path / "run")


@pytest.mark.parametrize(
    "change", [{"temperature": 0}, {"temperature": "warm"}, {"abstain_below": None}, {"temperature": True}]
)
def test_a_decision_that_cannot_be_used_is_refused(decided, tmp_path, change):
    folder = shutil.copytree(decided.folder / "model", tmp_path / "model")
    card = json.loads((folder / "nlptl.json").read_text())
    card["decision"] |= change
    card.pop("sha256")
    (folder / "nlptl.json").write_text(json.dumps(card | {"sha256": sha256_of_value(card)}))
    with pytest.raises(InputError, match=f"is not as nlptl wrote it.*the decision's {next(iter(change))}"):
        nlptl.load(folder)


def test_a_model_of_the_format_before_loads_and_decides_nothing(plain, tmp_path):
    folder = shutil.copytree(plain.folder / "model", tmp_path / "model")
    card = json.loads((folder / "nlptl.json").read_text()) | {"format": 3}
    card.pop("sha256")
    (folder / "nlptl.json").write_text(json.dumps(card | {"sha256": sha256_of_value(card)}))
    found = nlptl.load(folder).predict(["a lovely film"])[0]
    assert found.abstained is None
    assert found == plain.predict(["a lovely film"])[0]
