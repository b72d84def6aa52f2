"""A user's own metrics: of the library `evaluate`, and without it."""

import numpy as np
import pytest

from nlptl import evaluation
from nlptl.core.errors import InputError
from nlptl.core.records import Answer, LabelSpace, Prediction
from nlptl.evaluation import own
from tests.evaluation import own_metrics

HERE = own_metrics.__name__
STARS = LabelSpace(("one", "three", "ten"), (1.0, 3.0, 10.0))
PLAIN = LabelSpace(("a", "b"))


def predicted(answers, labels=STARS):
    scores = dict.fromkeys(labels.names, 0.1)
    return [
        Prediction(i, a, scores | {a: 0.8} if isinstance(a, str) and a in scores else {}) for i, a in enumerate(answers)
    ]


def value(name, references, answers, output="class", labels=STARS):
    found = evaluation.values(output, references, predicted(answers, labels), labels, [f"{HERE}.{name}"])
    assert list(found) == [f"{HERE}.{name}"]
    return found[f"{HERE}.{name}"]


@pytest.mark.parametrize(
    ("name", "output", "references", "answers", "expected"),
    [
        ("OfNames", "class", ["one", "ten"], ["one", "three"], 0.5),
        ("OfIds", "class", ["one", "ten"], ["one", "one"], 1.0),
        ("OfNumbers", "class", ["one", "ten"], ["one", "three"], -3.5),
        ("OfNumbers", "number", [1.0, 2.0], [2.0, 3.5], 1.25),
        ("OfIndicators", "classes", [("one",), ()], [["one"], ["ten"]], 0.5),
        ("OfAcceptedTexts", "span", [(Answer("a cat", 0), Answer("cat", 2)), ()], ["cat", "dog"], 0.5),
        ("OfAcceptedTexts", "text", ["a cat", "dog"], ["cat", "dog"], 0.5),
        ("OfScores", "class", ["one", "ten"], ["one", "three"], 0.45),
        ("OfRows", "class", ["one", "ten"], ["one", "three"], 0.8),
    ],
)
def test_a_metric_gets_what_its_features_ask_for(name, output, references, answers, expected):
    assert value(name, references, answers, output) == pytest.approx(expected, abs=1e-6)


def test_an_interval_agrees_with_that_of_the_same_metric_here():
    random = np.random.default_rng(0)
    references = [STARS.names[i] for i in random.integers(0, 3, 80)]
    answers = [r if random.random() < 0.7 else "ten" for r in references]
    name = f"{HERE}.OfNames"
    found = evaluation.score(
        "class", references, predicted(answers), STARS, only=[name, "accuracy"], n_bootstrap=1000, seed=0
    ).metrics
    assert list(found) == ["accuracy", name]
    own_one, same = found[name], found["accuracy"]
    assert own_one.value == pytest.approx(same.value)
    assert (own_one.low, own_one.high) == pytest.approx((same.low, same.high), abs=0.3 * (same.high - same.low))


def test_a_metric_of_evaluate_is_resampled_a_hundred_times_at_most(monkeypatch):
    calls = []
    real = own.FromEvaluate._value
    monkeypatch.setattr(own.FromEvaluate, "_value", lambda *a: calls.append(1) or real(*a))
    evaluation.score(
        "class", ["one"] * 9, predicted(["one"] * 9), STARS, only=[f"{HERE}.OfNames"], n_bootstrap=1000, seed=0
    )
    assert len(calls) == own.MOST_RESAMPLES + 1


def test_models_are_compared_by_an_own_metric():
    references, a, b = ["one", "ten"] * 20, ["one", "ten"] * 20, ["one", "one"] * 20
    found = evaluation.paired_difference(
        "class", references, predicted(a), predicted(b), STARS, f"{HERE}.OfIds", n_bootstrap=200, seed=0
    )
    assert found.value == -1.0
    assert found.high < 0


def test_a_metric_says_which_values_are_better():
    assert evaluation.greater_is_better(f"{HERE}.OfNames")
    assert not evaluation.greater_is_better(f"{HERE}.OfIds")


def test_own_metrics_may_be_primary_or_reported():
    evaluation.check("class", PLAIN, f"{HERE}.OfNames", [f"{HERE}.OfRows", "auroc"])
    evaluation.check("span", PLAIN, "f1", ["has_answer_f1"])


@pytest.mark.parametrize(
    ("primary", "reported", "facts"),
    [
        ("acuracy", None, ("eval.metric 'acuracy'", "did you mean 'accuracy'")),
        ("accuracy", ["aurok"], ("eval.metrics 'aurok'", "did you mean 'auroc'")),
        ("accuracy", ["no_package.Metric"], ("no_package.Metric", "--import no_package")),
        ("accuracy", [f"{HERE}.Nothing"], (f"{HERE}.Nothing", "has no attribute")),
        ("accuracy", [f"{HERE}.NoMetric"], ("NoMetric", "evaluate.Metric", "needs_scores")),
        ("accuracy", [f"{HERE}.OfWeights"], ("OfWeights", "'weights'", "references, predictions, prediction_scores")),
    ],
)
def test_what_is_no_metric_is_refused_before_training(primary, reported, facts):
    with pytest.raises(InputError) as error:
        evaluation.check("class", PLAIN, primary, reported)
    assert [fact for fact in facts if fact not in str(error.value)] == []


def test_a_metric_of_other_answers_is_refused():
    with pytest.raises(InputError, match="not measured here"):
        evaluation.check("number", PLAIN, "mae", [f"{HERE}.OfRows"])
    with pytest.raises(InputError, match=r"OfIds.*int32.*a number"):
        value("OfIds", [1.0], [1.0], "number")


def test_a_metric_writes_no_files(tmp_path, monkeypatch):
    import evaluate

    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", tmp_path / "metrics")
    monkeypatch.chdir(tmp_path)
    value("OfNames", ["one"], ["one"])
    assert list(tmp_path.iterdir()) == []
