"""The `evaluate.Metric`s: offline, without files, and equal to the formulas."""

import socket

import evaluate
import numpy as np
import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.evaluation import load_metric
from nlptl.evaluation.confusion import confusion_matrix
from nlptl.evaluation.formulas import METRICS, measure
from nlptl.evaluation.metrics import Accuracy, ConfusionMatrix, MacroF1, MeanAbsoluteError, PerClass

REFERENCES, PREDICTIONS = [0, 1, 2, 2, 1, 0], [0, 2, 2, 0, 1, 0]
STARS = LabelSpace(("one", "three", "ten"), (1.0, 3.0, 10.0))


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """Closes the network and moves evaluate's cache to a folder of which the test can see that it stays empty."""

    def refuse(*_):
        raise AssertionError("a metric asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", tmp_path / "metrics")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", METRICS)
def test_each_metric_gives_its_formula_under_its_name_and_writes_no_file(name, cache):
    found = load_metric(name, STARS).compute(references=REFERENCES, predictions=PREDICTIONS)
    matrix = confusion_matrix(np.array(REFERENCES), np.array(PREDICTIONS), 3)
    assert found == {name: float(measure(name, matrix, STARS.values))}
    assert list(cache.iterdir()) == []


def test_evaluate_combines_the_metrics_without_a_clash_of_names():
    combined = evaluate.combine([load_metric(name) for name in METRICS] + [ConfusionMatrix(), PerClass()])
    found = combined.compute(references=REFERENCES, predictions=PREDICTIONS)
    assert set(found) == {*METRICS, "confusion_matrix", "per_class"}
    assert found["accuracy"] == pytest.approx(4 / 6)


def test_batches_of_lists_and_arrays_add_up():
    metric = MacroF1()
    metric.add_batch(references=REFERENCES[:2], predictions=PREDICTIONS[:2])
    metric.add_batch(references=np.array(REFERENCES[2:]), predictions=np.array(PREDICTIONS[2:]))
    assert metric.compute() == MacroF1().compute(references=REFERENCES, predictions=PREDICTIONS)


def test_a_metric_starts_afresh_after_compute():
    metric = Accuracy()
    assert metric.compute(references=[0, 1], predictions=[1, 0]) == {"accuracy": 0.0}
    assert metric.compute(references=[0, 1], predictions=[0, 1]) == {"accuracy": 1.0}


def test_the_error_is_in_the_unit_of_the_labels():
    assert MeanAbsoluteError(STARS).compute(references=[0, 1], predictions=[2, 1]) == {"mae": 4.5}
    assert MeanAbsoluteError().compute(references=[0, 1], predictions=[2, 1]) == {"mae": 1.0}


def test_matrix_and_table_cover_the_whole_label_space():
    matrix = ConfusionMatrix(STARS).compute(references=[0, 0], predictions=[0, 1])["confusion_matrix"]
    assert matrix == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    table = PerClass(STARS).compute(references=[0, 0], predictions=[0, 1])["per_class"]
    assert list(table) == ["one", "three", "ten"]
    assert table["one"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2}


@pytest.mark.parametrize(("references", "labels"), [([0, 3], STARS), ([0, -1], STARS), ([0, -1], None)])
def test_an_id_outside_of_the_label_space_is_refused(references, labels):
    with pytest.raises(InputError, match=r"references\[1\]"):
        Accuracy(labels).compute(references=references, predictions=[0, 0])


def test_an_unknown_name_is_refused_with_the_nearest_one():
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        load_metric("acuracy")


def test_a_metric_that_may_use_files_still_can(cache):
    found = Accuracy(keep_in_memory=False).compute(references=[0, 1], predictions=[0, 0])
    assert found == {"accuracy": 0.5}
    assert (cache / "metrics").is_dir()


@pytest.mark.parametrize(
    ("name", "references", "predictions", "expected"),
    [
        ("pearson", [1.0, 2.0, 3.0], [2.0, 4.0, 6.0], 1.0),
        ("spearman", [1.0, 2.0, 3.0], [9.0, 4.0, 1.0], -1.0),
        ("rmse", [1.0, 2.0], [1.0, 4.0], 2**0.5),
        ("entity_f1", [["O", "B-PER"], ["B-LOC"]], [["O", "B-PER"], ["O"]], 2 / 3),
        ("exact_match", [["the cat", "dog"], []], ["Cat.", ""], 1.0),
        ("f1", [["big cat"], []], ["cat", "cat"], 1 / 3),
        ("no_answer_accuracy", [["big cat"], []], ["cat", ""], 1.0),
        ("rougeL", ["x y z"], ["x z"], 0.8),
        ("bleu", ["one two three four"], ["one two three four"], 1.0),
    ],
)
def test_metrics_of_other_answers_are_computed_offline_too(name, references, predictions, expected, cache):
    found = load_metric(name).compute(references=references, predictions=predictions)
    assert found == {name: pytest.approx(expected)}
    assert list(cache.iterdir()) == []


def test_metrics_of_answers_are_combined():
    combined = evaluate.combine([load_metric("exact_match"), load_metric("f1")])
    assert combined.compute(references=[["a cat"]], predictions=["cat"]) == {"exact_match": 1.0, "f1": 1.0}
