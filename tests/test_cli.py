"""The command line on a finished run: predict, evaluate; and what help says, without loading anything heavy."""

import csv
import json
import os
import re
import subprocess
import sys

import pytest

from tests.faults.small import QUICK, make_bert, read_lines, reviews, say, snapshot, write_csv, write_splits

TEXTS = [row["text"] for row in reviews(12, start=300)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data/, bert/ and a finished run in run/."""
    place = tmp_path_factory.mktemp("place")
    words = ("train", "--data.train", write_splits(place / "data"), "--model.name", make_bert(place / "bert"))
    flags = ("--train.epochs", 8, "--train.batch_size", 8, "--train.lr", "3e-3", "--model.dropout", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
        from nlptl.cli import command

        assert command([*map(str, (*words, *flags, *QUICK, "--output", place / "run"))]) == 0
    return place


@pytest.fixture
def run(place, tmp_path, monkeypatch):
    """The finished run, seen from an empty folder."""
    monkeypatch.chdir(tmp_path)
    return place / "run"


def predicted(said):
    """Returns the predictions on standard output, without the columns of the input."""
    assert said.status == 0, said
    return [own(json.loads(line)) for line in said.out.splitlines()]


def own(line):
    return {name: line[name] for name in ("row_id", "prediction", "scores")}


def write_as(kind, rows, folder):
    """Writes rows as a file of some type."""
    path = folder / f"new.{kind}"
    if kind in ("csv", "tsv"):
        return write_csv(path, rows, "\t" if kind == "tsv" else ",")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def expected(capsys, run, tmp_path):
    """The predictions for TEXTS, from a csv file."""
    lines = predicted(
        say(capsys, "predict", run, "--input", write_csv(tmp_path / "t.csv", [{"text": t} for t in TEXTS]))
    )
    assert len({line["prediction"] for line in lines}) == 2
    return lines


def test_predictions_go_to_standard_output_one_a_row_in_order(expected):
    assert [line["row_id"] for line in expected] == list(range(len(TEXTS)))
    for line in expected:
        assert list(line["scores"]) == ["negative", "positive"]
        assert sum(line["scores"].values()) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("column", ["text", "content", "Review"])
def test_any_type_of_file_and_usual_column_gives_the_same_predictions(capsys, tmp_path, run, expected, kind, column):
    path = write_as(kind, [{"id": str(i), column: text} for i, text in enumerate(TEXTS)], tmp_path)
    assert predicted(say(capsys, "predict", run, "--input", path)) == expected


def test_output_names_a_file_for_the_predictions(capsys, tmp_path, run, expected):
    path = write_as("csv", [{"text": text} for text in TEXTS], tmp_path)
    said = say(capsys, "predict", run, "--input", path, "--output", "deep/er/out.jsonl")
    assert (said.status, said.out) == (0, "")
    assert "12 predictions in deep/er/out.jsonl" in said.err
    found = read_lines(tmp_path / "deep" / "er" / "out.jsonl")
    assert [own(line) for line in found] == expected
    assert [line["text"] for line in found] == TEXTS
    assert not list(tmp_path.rglob("*.partial"))


def test_one_text_is_predicted_as_in_a_file(capsys, run, expected):
    (line,) = predicted(say(capsys, "predict", run, "--text", TEXTS[3]))
    assert line["row_id"] == 0
    assert line["prediction"] == expected[3]["prediction"]
    assert line["scores"] == pytest.approx(expected[3]["scores"], abs=1e-6)


def test_duplicates_and_blank_rows_get_predictions_in_their_place(capsys, tmp_path, run):
    texts = [TEXTS[0], "", TEXTS[1], TEXTS[0], "   ", TEXTS[1]]
    lines = predicted(say(capsys, "predict", run, "--input", write_as("jsonl", [{"text": t} for t in texts], tmp_path)))
    assert [line["row_id"] for line in lines] == [0, 1, 2, 3, 4, 5]
    for first, second in ((0, 3), (1, 4), (2, 5)):
        assert lines[first]["scores"] == pytest.approx(lines[second]["scores"], abs=1e-6)
    assert lines[0]["scores"] != lines[2]["scores"]


def test_a_text_longer_than_the_model_takes_is_predicted(capsys, run):
    (line,) = predicted(say(capsys, "predict", run, "--text", "wonderful film " * 500))
    assert line["prediction"] in ("negative", "positive")


def test_another_text_column_is_named_by_hand(capsys, tmp_path, run, expected):
    path = write_csv(tmp_path / "odd.csv", [{"id": 1, "Kommentar": text} for text in TEXTS])
    refused = say(capsys, "predict", run, "--input", path)
    assert refused.status == 2
    assert "found the columns 'id', 'Kommentar'" in refused.err
    assert predicted(say(capsys, "predict", run, "--input", path, "--data.text", "Kommentar")) == expected


def test_another_separator_is_named_by_hand(capsys, tmp_path, run, expected):
    path = write_csv(tmp_path / "semi.csv", [{"id": 1, "text": text} for text in TEXTS], ";")
    assert predicted(say(capsys, "predict", run, "--input", path, "--data.delimiter", ";")) == expected


def test_the_column_used_in_training_comes_before_the_usual_ones(capsys, tmp_path, place, monkeypatch):
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
    rows = [{"Kommentar": row["text"], "Urteil": row["label"]} for row in reviews(40)]
    words = ("train", "--data.train", write_csv(tmp_path / "own.csv", rows), "--model.name", place / "bert", *QUICK)
    named = ("--data.text", "Kommentar", "--data.label", "Urteil", "--train.epochs", 1, "--output", tmp_path / "run")
    assert say(capsys, *words, *named).status == 0
    new = write_csv(tmp_path / "new.csv", [{"text": "not this", "Kommentar": text} for text in TEXTS])
    only = write_csv(tmp_path / "only.csv", [{"text": text} for text in TEXTS])
    both, one = (predicted(say(capsys, "predict", tmp_path / "run", "--input", path)) for path in (new, only))
    assert both == one


def test_predict_opens_the_model_folder_too_and_changes_no_file(capsys, place, run, expected):
    before = snapshot(place)
    (line,) = predicted(say(capsys, "predict", run / "model", "--text", TEXTS[0]))
    assert line["prediction"] == expected[0]["prediction"]
    assert snapshot(place) == before


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "{run}", "--text", "x", "--output", "here"),
        ("evaluate", "{run}", "--data.test", "{data}", "--output", "here"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(capsys, tmp_path, place, run, words):
    (tmp_path / "here").mkdir()
    words = [word.format(run=run, data=place / "data" / "test.csv") for word in words]
    said = say(capsys, *words)
    assert said.status == 2
    assert "cannot be written" in said.err


def test_evaluate_gives_the_numbers_of_the_run_on_the_same_file(capsys, place, run, tmp_path):
    data = place / "data" / "test.csv"
    said = say(capsys, "evaluate", run, "--data.test", data, "--output", "scores.json")
    assert said.status == 0
    result = json.loads((run / "result.json").read_text())
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert {k: v["value"] for k, v in scores["metrics"].items()} == {
        k: v["value"] for k, v in result["metrics"]["test"].items()
    }
    assert scores["per_class"] == result["per_class"]["test"]
    assert scores["confusion"] == result["confusion"]["test"]
    for name, value in result["metrics"]["test"].items():
        assert re.search(rf"{name} .*{value['value']:.4f}", said.out), name


@pytest.mark.parametrize("kind", ["tsv", "jsonl"])
def test_evaluate_reads_other_types_and_names_of_columns(capsys, place, run, tmp_path, kind):
    with (place / "data" / "test.csv").open(encoding="utf-8", newline="") as stream:
        rows = [{"Kommentar": row["text"], "Urteil": row["label"]} for row in csv.DictReader(stream)]
    path = write_as(kind, rows, tmp_path)
    named = ("--data.text", "Kommentar", "--data.label", "Urteil", "--output", "scores.json")
    assert say(capsys, "evaluate", run, "--data.test", path, *named).status == 0
    accuracy = json.loads((run / "result.json").read_text())["metrics"]["test"]["accuracy"]["value"]
    assert json.loads((tmp_path / "scores.json").read_text())["metrics"]["accuracy"]["value"] == accuracy


def test_evaluate_takes_labels_under_other_names(capsys, place, run, tmp_path):
    with (place / "data" / "test.csv").open(encoding="utf-8", newline="") as stream:
        rows = [{"text": r["text"], "label": str(int(r["label"] == "positive"))} for r in csv.DictReader(stream)]
    path = write_csv(tmp_path / "coded.csv", rows)
    names = ("--data.label_names", '{"0": "negative", "1": "positive"}', "--output", "scores.json")
    assert say(capsys, "evaluate", run, "--data.test", path, *names).status == 0
    accuracy = json.loads((run / "result.json").read_text())["metrics"]["test"]["accuracy"]["value"]
    assert json.loads((tmp_path / "scores.json").read_text())["metrics"]["accuracy"]["value"] == accuracy


def test_evaluate_refuses_rows_without_labels(capsys, run, tmp_path):
    said = say(capsys, "evaluate", run, "--data.test", write_csv(tmp_path / "new.csv", [{"text": "x"}]))
    assert said.status == 2
    assert "no label column" in said.err


def test_evaluate_refuses_a_label_that_the_run_lacks(capsys, run, tmp_path):
    rows = [*reviews(4), {"text": "x", "label": "postive"}]
    said = say(capsys, "evaluate", run, "--data.test", write_csv(tmp_path / "new.csv", rows))
    assert said.status == 2
    assert "'postive'" in said.err
    assert "did you mean 'positive'" in said.err


def test_a_label_that_the_run_lacks_is_named_with_its_file(capsys, run, tmp_path):
    rows = [*reviews(4), {"text": "x", "label": "postive"}]
    said = say(capsys, "evaluate", run, "--data.test", write_csv(tmp_path / "new.csv", rows))
    assert "new.csv" in said.err
    assert "references[" not in said.err


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("--version",)])
def test_nlptl_alone_says_what_there_is(capsys, words):
    said = say(capsys, *words)
    assert (said.status, said.err) == (0, "")
    shown = ("nlptl 0.1.0",) if words == ("--version",) else ("train", "evaluate", "predict", "sentiment", "lora")
    assert all(word in said.out for word in shown)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (
            "train --help",
            [
                "-m, --method",
                "--train.lr",
                "Peak learning rate",
                "examples",
                "default: 5",
                "70/15/15",
            ],
        ),
        ("train sentiment --method lora --help", ["--method.rank", "Rank of the update", "--task.scale"]),
        ("evaluate --help", ["--data.test", "--output"]),
        ("predict --help", ["--input", "--text", "--output", "--data.text"]),
    ],
)
def test_help_of_a_command_lists_its_flags_with_their_meaning(capsys, words, shown):
    with pytest.raises(SystemExit) as ended:
        say(capsys, *words.split())
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert [word for word in shown if word not in out] == []


@pytest.mark.parametrize(
    "program",
    [
        "import nlptl; dir(nlptl)",
        "from nlptl import Recipe, Sentiment, Probe, Full, DataConfig; Recipe(method=Probe())",
        "from nlptl import Adapter, LoRA, Recipe; Recipe(method=LoRA())",
        "from nlptl.cli import command; command(['--help'])",
        "from nlptl.cli import command; command(['train', 'sentment'])",
        "from nlptl.cli import command; command(['train', '--train.epochs', '0'])",
        "from nlptl.cli import command; command(['predict', 'nowhere', '--text', 'x'])",
    ],
)
def test_nothing_heavy_is_loaded_before_there_is_something_to_do(program):
    heavy = ("torch", "transformers", "datasets", "peft", "accelerate", "evaluate", "sklearn", "pandas", "numpy")
    program += f"\nimport sys; print('loaded', [m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_a_reader_that_has_enough_is_no_error_to_talk_about():
    program = "import sys; from nlptl.cli import command; sys.exit(command(['train', 'sentiment', '--print_config']))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_recipe_is_printed_and_texts_are_taken_as_they_are(capsys):
    import yaml

    words = ("--data.text", "#1 String", "--data.label", "null", "--data.delimiter", "\t", "--train.lr", "null")
    said = say(capsys, "train", "sentiment", "--print_config", *words)
    data = yaml.safe_load(said.out)["data"]
    assert (data["text"], data["label"], data["delimiter"]) == ("#1 String", "null", "\t")
    assert yaml.safe_load(said.out)["train"]["lr"] is None


def test_a_text_that_looks_like_yaml_is_predicted_as_text(capsys, run):
    (line,) = predicted(say(capsys, "predict", run, "--text", "#1 film: [good]"))
    assert line["row_id"] == 0


def test_a_text_that_the_model_does_not_read_is_refused(capsys, run):
    said = say(capsys, "predict", run, "--text", "good", "--text-pair", "bad")
    assert "this model does not read 'text_pair'" in said.err
    assert "it reads --text" in said.err
    said = say(capsys, "predict", run, "--question", "what", "--context", "this")
    assert "this model does not read 'question'" in said.err
    said = say(capsys, "predict", run)
    assert "needs either --input FILE or --text TEXT (--question TEXT --context TEXT)" in said.err
