"""Comparing finished runs: from their files alone, on the same rows, or refused with what differs."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nlptl
from nlptl import evaluation
from nlptl.core.errors import InputError
from nlptl.core.records import Answer, LabelSpace, Prediction
from nlptl.tasks.classification import Classification
from tests.evaluation.test_rowwise import numbers, several, tags
from tests.faults.small import say
from tests.studies.made import LABELS, answered, write_run

OLD = Path(__file__).parents[1] / "old_runs"
N = 60


def wrong_in(share, seed):
    """Returns labels, and answers of which a share is wrong."""
    random = np.random.default_rng(seed)
    references = [LABELS.names[i % 2] for i in range(N)]
    other = dict(zip(LABELS.names, LABELS.names[::-1], strict=True))
    return references, [other[r] if random.random() < share else r for r in references]


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Three runs of one task: a is good, b is poor, c is like a."""
    monkeypatch.chdir(tmp_path)
    for name, share, seed in (("a", 0.1, 1), ("b", 0.45, 2), ("c", 0.1, 3)):
        references, answers = wrong_in(share, seed)
        write_run(tmp_path / "runs" / name, references, answered(answers))
    return ["runs/a", "runs/b", "runs/c"]


def test_every_pair_has_its_difference_interval_and_p_values(runs):
    found = nlptl.compare(runs).record
    assert [run.run for run in found.runs] == ["a", "b", "c"]
    assert [(pair.first, pair.second) for pair in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert (found.metric, found.split, found.n_rows, found.reference) == ("accuracy", "test", N, "a")
    a, b, c = found.runs
    assert found.pairs[0].difference.value == pytest.approx(a.score.value - b.score.value)
    assert b.difference.value == pytest.approx(-found.pairs[0].difference.value)
    assert (b.difference.low, b.difference.high) == (-found.pairs[0].difference.high, -found.pairs[0].difference.low)
    assert a.difference is None
    assert [pair.p_holm for pair in found.pairs] == evaluation.holm([pair.p for pair in found.pairs])
    assert [pair.mcnemar_holm for pair in found.pairs] == evaluation.holm([pair.mcnemar for pair in found.pairs])
    assert found.pairs[0].p_holm < 0.05 < found.pairs[1].p_holm
    assert (c.trained, c.train_s, c.peak_mib, c.artifact_bytes, c.model) == (10, 1.5, 200.0, 2**20, "bert")


def test_the_numbers_are_those_of_the_predictions(runs):
    references, a = wrong_in(0.1, 1)
    _, b = wrong_in(0.45, 2)
    drawn = {"n_bootstrap": 1000, "seed": 0}
    found = nlptl.compare(runs[:2]).record
    score = evaluation.score("class", references, answered(a), LABELS, only=["accuracy"], **drawn)
    assert found.runs[0].score == score.metrics["accuracy"]
    given = ("class", references, answered(a), answered(b), LABELS, "accuracy")
    assert found.pairs[0].difference == evaluation.paired_difference(*given, **drawn)
    assert found.pairs[0].p == evaluation.paired_test(*given, n_permutations=10_000, seed=0)
    only_a = sum(x == r != y for r, x, y in zip(references, a, b, strict=True))
    only_b = sum(y == r != x for r, x, y in zip(references, a, b, strict=True))
    assert (found.pairs[0].only_first, found.pairs[0].only_second) == (only_a, only_b)


def test_the_rows_that_differ_are_listed(runs):
    found = nlptl.compare(runs[:2])
    _, a = wrong_in(0.1, 1)
    references, b = wrong_in(0.45, 2)
    ids = [i for i in range(N) if a[i] != b[i]]
    assert found.record.pairs[0].row_ids == tuple(ids)
    assert found.record.pairs[0].n_differ == len(ids)
    assert [row["row_id"] for row in found.differences] == ids
    assert found.differences[0] == {"row_id": ids[0], "label": references[ids[0]], "a": a[ids[0]], "b": b[ids[0]]}


def test_the_best_run_may_be_the_reference_also_if_smaller_is_better(runs, tmp_path):
    assert nlptl.compare(["runs/b", "runs/a"], reference="best").record.reference == "a"
    random = np.random.default_rng(0)
    wanted, near, far = numbers(random, N)
    for name, answers in (("far", far), ("near", near)):
        write_run(tmp_path / name, wanted, answered(answers), task="regression", labels=LabelSpace(("score",)))
    found = nlptl.compare([tmp_path / "far", tmp_path / "near"], metric="mae", reference="best").record
    assert (found.reference, found.greater_is_better) == ("near", False)
    assert found.runs[0].difference.value > 0


def spans(random, n):
    words = ["house", "tree", "river"]
    wanted = [() if random.random() < 0.3 else (Answer(random.choice(words), 3),) for _ in range(n)]
    answers = [["" if not r or random.random() < share else r[0].text for r in wanted] for share in (0.1, 0.5)]
    return wanted, *answers


def written(random, n):
    words = ["a", "big", "house", "small", "tree"]
    wanted = [" ".join(random.choice(words, 4)) for _ in range(n)]
    return wanted, wanted, [" ".join(random.choice(words, 4)) for _ in range(n)]


KINDS = {
    "classes": (several, Classification(labels="several"), LabelSpace(("a", "b", "c"))),
    "number": (numbers, "regression", LabelSpace(("score",))),
    "tags": (tags, "token_classification", LabelSpace(("O", "B-x", "I-x", "B-y", "I-y"))),
    "span": (spans, "extractive_qa", LabelSpace(("start", "end"))),
    "text": (written, "text2text", LabelSpace(())),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answers_is_compared(kind, tmp_path, capsys):
    made, task, labels = KINDS[kind]
    wanted, a, b = made(np.random.default_rng(0), 30)
    wanted = [tuple(r) if isinstance(r, list) else r for r in wanted]
    for name, answers in (("a", a), ("b", b)):
        plain = [answer.tolist() if hasattr(answer, "tolist") else answer for answer in answers]
        write_run(tmp_path / name, wanted, answered(plain), task=task, labels=labels)
    said = say(capsys, "compare", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "out")
    assert said.status == 0, said.err
    assert "McNemar" not in said.out
    pair = json.loads((tmp_path / "out" / "comparison.json").read_text())["pairs"][0]
    assert pair["mcnemar"] is None
    assert 0 < pair["p"] <= 1
    assert pair["difference"]["value"] > 0
    rows = csv.DictReader((tmp_path / "out" / "differences.csv").read_text().splitlines())
    assert [int(row["row_id"]) for row in rows] == pair["row_ids"]


def test_metrics_of_scores_and_of_ordered_labels_are_compared(tmp_path):
    labels = LabelSpace(tuple("1234"), (1.0, 2.0, 3.0, 4.0))
    random = np.random.default_rng(0)
    references = random.choice(labels.names, N).tolist()
    for name in ("a", "b"):
        scores = random.dirichlet(np.ones(4), N)
        predictions = [
            Prediction(i, labels.names[int(p.argmax())], dict(zip(labels.names, p.tolist(), strict=True)))
            for i, p in enumerate(scores)
        ]
        folder = write_run(tmp_path / name, references, predictions, labels=labels)
        (folder / "model").mkdir()
        card = {"labels": {"names": labels.names, "values": labels.values}}
        (folder / "model" / "nlptl.json").write_text(json.dumps(card))
    for metric in ("log_loss", "auroc", "mae", "quadratic_kappa"):
        found = nlptl.compare([tmp_path / "a", tmp_path / "b"], metric=metric).record
        assert found.metric == metric
        assert found.pairs[0].difference.low < found.pairs[0].difference.high


def test_frames_hold_the_runs_the_pairs_and_the_rows(runs):
    pytest.importorskip("pandas")
    found = nlptl.compare(runs)
    assert list(found.to_frame()["run"]) == ["a", "b", "c"]
    assert {"score.value", "score.low", "difference.high", "trained"} <= set(found.to_frame().columns)
    assert list(found.pairs.to_frame()["p_holm"]) == [pair.p_holm for pair in found.record.pairs]
    assert list(found.differences.to_frame().columns) == ["row_id", "label", "a", "b", "c"]
    assert "<table" in found._repr_html_()
    assert repr(found).startswith("RunsCompared(test accuracy: a 0.9")


def test_nothing_but_small_files_is_read_and_nothing_is_loaded(runs):
    program = (
        "import sys; from nlptl.cli import command; "
        f"status = command(['compare', *{runs!r}, '--quiet']); "
        "sys.exit(status or len(sys.modules.keys() & {'torch', 'transformers', 'datasets', 'pandas'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_prints_scores_pairs_and_costs(runs, capsys):
    said = say(capsys, "compare", *runs)
    assert said.status == 0
    assert all(words in said.out for words in ("difference to a", "p (Holm)", "McNemar", "a - b", "artifact MiB"))
    assert "a is better than b; c is better than b; 1 of 3 differences may be chance" in said.out
    quiet = say(capsys, "compare", *runs, "--quiet").out
    assert "difference to a" in quiet
    assert "costs" not in quiet


def test_the_output_is_written_once_or_printed(runs, capsys, tmp_path):
    said = say(capsys, "compare", *runs[:2], "-o", "out")
    assert said.status == 0
    record = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert record["format"] == 1
    assert record == json.loads(say(capsys, "compare", *runs[:2], "-o", "-").out)
    before = (tmp_path / "out" / "differences.csv").read_text()
    assert before.startswith("row_id,label,a,b\n")
    said = say(capsys, "compare", *runs, "-o", "out")
    assert (said.status, "without --overwrite" in said.err) == (2, True)
    assert (tmp_path / "out" / "differences.csv").read_text() == before
    assert say(capsys, "compare", *runs, "-o", "out", "--overwrite").status == 0
    assert (tmp_path / "out" / "differences.csv").read_text().startswith("row_id,label,a,b,c\n")
    (tmp_path / "file").write_text("")
    assert "is a file" in say(capsys, "compare", *runs, "-o", "file").err


def test_runs_without_test_rows_are_compared_on_validation_and_it_is_said(tmp_path, capsys):
    for name, share, seed in (("a", 0.1, 1), ("b", 0.45, 2)):
        references, answers = wrong_in(share, seed)
        write_run(tmp_path / name, references, answered(answers), split="validation")
    said = say(capsys, "compare", tmp_path / "a", tmp_path / "b")
    assert "validation, 60 rows" in said.out
    assert "validation rows also chose" in said.out


def test_runs_with_the_same_folder_name_are_told_apart(runs, tmp_path):
    shutil.copytree(tmp_path / "runs" / "a", tmp_path / "others" / "a")
    assert [run.run for run in nlptl.compare(["runs/a", "others/a"]).record.runs] == ["runs/a", "others/a"]
    shutil.copytree(tmp_path / "runs" / "b", tmp_path / "label")
    assert [run.run for run in nlptl.compare(["runs/a", "label"]).record.runs] == ["runs/a", f"{tmp_path.name}/label"]


def test_runs_of_an_older_version_are_compared_with_the_labels_of_their_data(tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(OLD, tmp_path / "old"))
    found = nlptl.compare(["full", "lora"]).record
    stored = [json.loads(Path(run, "result.json").read_text())["metrics"]["test"] for run in ("full", "lora")]
    assert [run.score.value for run in found.runs] == [metrics["accuracy"]["value"] for metrics in stored]
    assert nlptl.compare(["full", "lora"], split="validation").record.n_rows == 16
    lines = Path("data/test.csv").read_text().splitlines()
    Path("data/test.csv").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(InputError, match="its data has changed since"):
        nlptl.compare(["full", "lora"])
    shutil.rmtree("data")
    with pytest.raises(InputError, match=r"an older nlptl wrote it.*its data cannot be read"):
        nlptl.compare(["full", "lora"])


REFUSED = [
    ((), "needs RUNS"),
    (("runs/a",), "at least two runs, found 1"),
    (("runs/a", "runs/../runs/a"), "is given twice"),
    (("runs/a", "runs/none"), "there is no run's folder"),
    (("runs/a", "runs"), "it is not a run's folder"),
    (("runs/a", "runs/b", "--split", "validation"), "no predictions for the validation rows; it has those of test"),
    (("runs/a", "runs/b", "--split", "tset"), "did you mean 'test'"),
    (("runs/a", "runs/b", "--metric", "acuracy"), "did you mean 'accuracy'"),
    (("runs/a", "runs/b", "--metric", "auroc"), "auroc cannot be measured on the predictions of runs/a"),
    (("runs/a", "runs/b", "--n_bootstrap", "5"), "n_bootstrap must be between 100 and 100,000"),
    (("runs/a", "runs/b", "--metrc", "f1"), "did you mean --metric"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_what_cannot_be_compared_is_refused(words, message, runs, capsys):
    said = say(capsys, "compare", *words)
    assert (said.status, said.out) == (2, "")
    assert message in said.err


def test_one_folder_in_place_of_a_list_is_told(runs):
    with pytest.raises(InputError, match=r"write compare\(\['runs/a', ...\]\)"):
        nlptl.compare("runs/a")
    with pytest.raises(InputError, match=r"reference must be first or best, found 'frist'.*'first'"):
        nlptl.compare(runs, reference="frist")


def other_rows(run):
    references, answers = wrong_in(0.1, 1)
    return write_run(run, references[:-1], answered(answers[:-1])), "test rows (60 and 59, 59 of them"


def other_labels_of_rows(run):
    references, answers = wrong_in(0.1, 1)
    return write_run(run, [references[1], *references[1:]], answered(answers)), "labels of 1 test rows (row ids 0)"


def other_labels(run):
    references, answers = wrong_in(0.1, 1)
    labels = LabelSpace((*LABELS.names, "neutral"))
    return write_run(run, references, answered(answers), labels=labels), "has neutral"


def other_task(run):
    references, answers = wrong_in(0.1, 1)
    return write_run(run, references, answered(answers), task="classification"), "the task (sentiment, classification)"


def other_metric(run):
    references, answers = wrong_in(0.1, 1)
    return write_run(run, references, answered(answers), metric="macro_f1"), "primary metric (accuracy, macro_f1;"


def other_texts(run):
    references, answers = wrong_in(0.1, 1)
    write_run(run, references, answered(answers))
    for folder, digest in ((Path("runs/a"), "1"), (run, "2")):
        (folder / "inputs.json").write_text(json.dumps({"data.test": digest}))
    return run, "the texts of the test rows"


def other_order(run):
    references, answers = wrong_in(0.1, 1)
    return write_run(run, references[::-1], answered(answers)[::-1]), "the order of the test rows"


DIFFERENT = [other_rows, other_labels_of_rows, other_labels, other_task, other_metric, other_texts, other_order]


@pytest.mark.parametrize("made", DIFFERENT, ids=lambda made: made.__name__)
def test_runs_that_differ_are_refused_with_what_differs(made, runs, tmp_path, capsys):
    run, message = made(tmp_path / "other")
    said = say(capsys, "compare", "runs/a", run, "-o", "out")
    assert said.status == 2
    assert "these runs cannot be compared" in said.err
    assert message in said.err
    assert not (tmp_path / "out").exists()


def test_other_primary_metrics_are_no_hindrance_if_one_is_chosen_for_all(runs, tmp_path):
    run, _ = other_metric(tmp_path / "other")
    assert nlptl.compare(["runs/a", run], metric="accuracy").record.metric == "accuracy"


@pytest.mark.parametrize(
    ("status", "message"),
    [("interrupted", "nlptl train --resume runs/b goes on"), ("failed", "it ended with: the disk is full")],
)
def test_a_run_that_is_not_finished_is_refused(status, message, runs, capsys):
    path = Path("runs/b/result.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": status, "error": "the disk is full"}))
    said = say(capsys, "compare", *runs)
    assert said.status == 2
    assert message in said.err


def cut(text):
    return text[: len(text) // 2]


DAMAGES = {
    "cut": (cut, "whole lines, the run's result has 60 test rows"),
    "empty": (lambda _: "", "it has 0 whole lines"),
    "no_json": (lambda text: "{" + text, "line 1 is damaged"),
    "list": (lambda text: "[]\n" + text.partition("\n")[2], "expected a row_id and a prediction, found []"),
    "no_row_id": (lambda text: text.replace('"row_id"', '"id"'), "expected a row_id and a prediction"),
    "another_kind": (lambda text: text.replace('"prediction": "positive"', '"prediction": ["x"]'), "cannot be scored"),
    "unknown_label": (lambda text: text.replace('"prediction": "positive"', '"prediction": "great"'), "not a label"),
    "deep": (lambda text: "[" * 100_000 + "\n" + text.partition("\n")[2], "line 1 is damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_predictions_file_is_named(damage, runs, capsys):
    change, message = DAMAGES[damage]
    path = Path("runs/b/predictions/test.jsonl")
    path.write_text(change(path.read_text()))
    said = say(capsys, "compare", *runs)
    assert said.status == 2
    assert "runs/b" in said.err
    assert message in said.err


def test_predictions_that_are_not_utf_8_are_named(runs, capsys):
    Path("runs/b/predictions/test.jsonl").write_bytes(b"\xff\xfe")
    said = say(capsys, "compare", *runs)
    assert (said.status, "runs/b/predictions/test.jsonl is damaged" in said.err) == (2, True)


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path):
    wanted = ["one\u2028two", "three\x85four", "five"]
    for name, answers in (("a", wanted), ("b", ["one two", *wanted[1:]])):
        write_run(tmp_path / name, wanted, answered(answers), task="text2text", labels=LabelSpace(()))
    assert nlptl.compare([tmp_path / "a", tmp_path / "b"]).record.pairs[0].row_ids == (0,)


def test_half_a_character_in_an_answer_is_written_as_its_escape(tmp_path):
    for name, answer in (("a", "x"), ("b", "\\ud800")):
        write_run(tmp_path / name, ["x"], answered([answer]), task="text2text", labels=LabelSpace(()))
    path = tmp_path / "b" / "predictions" / "test.jsonl"
    path.write_text(path.read_text().replace("\\\\ud800", "\\ud800"))
    nlptl.compare([tmp_path / "a", tmp_path / "b"]).write(tmp_path / "out")
    assert "\\ud800" in (tmp_path / "out" / "differences.csv").read_text()
