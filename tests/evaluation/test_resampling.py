"""Resampling is bounded in number and in memory, and is left out if only values are wanted."""

import tracemalloc

import numpy as np
import pytest

from nlptl.core.config import MAX_BOOTSTRAP, EvalConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Answer, LabelSpace
from nlptl.evaluation import uncertainty
from nlptl.evaluation.uncertainty import bootstrap
from tests.evaluation.bare import paired_difference, score, values

LABELS = LabelSpace(("bad", "good"))
ROWS = {
    "class": (["bad", "good", "good"], ["bad", "bad", "good"]),
    "classes": ([("bad",), (), ("good",)], [["bad"], ["good"], []]),
    "number": ([1.0, 2.0, 4.0], [1.0, 3.0, 3.5]),
    "tags": ([("B-PER", "O"), ("O", "B-LOC")], [["B-PER", "O"], ["O", "O"]]),
    "span": ([(Answer("the house", 0),), ()], ["house", "tree"]),
    "text": (["a big house", "two trees"], ["a house", "trees"]),
}
MIB = 2**20


def peak_mib(action):
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("n", [0, 99, MAX_BOOTSTRAP + 1, 10**9])
def test_settings_outside_the_bounds_are_refused_with_the_bounds(n):
    with pytest.raises(InputError, match=f"eval.n_bootstrap must be between 100 and 100,000, found {n}"):
        EvalConfig(n_bootstrap=n)


@pytest.mark.parametrize("n", [0, 10**9])
def test_the_bounds_hold_for_callers_of_the_functions_too(n):
    with pytest.raises(InputError, match=f"n_bootstrap must be between 1 and 100,000, found {n}"):
        score("class", *ROWS["class"], LABELS, n_bootstrap=n, seed=0)
    with pytest.raises(InputError, match="n_bootstrap must be"):
        references, predictions = ROWS["class"]
        paired_difference("class", references, predictions, references, LABELS, "accuracy", n_bootstrap=n, seed=0)


def test_the_most_resamples_take_little_memory():
    confusion = np.array([[300, 100], [50, 350]])
    assert peak_mib(lambda: bootstrap(confusion, ["accuracy"], n_bootstrap=MAX_BOOTSTRAP, seed=0)) < 40


def test_many_kinds_of_rows_are_drawn_in_blocks_of_bounded_memory(monkeypatch):
    """A difference counts triples of labels: far more of them than there are cells in a confusion matrix."""
    labels = LabelSpace(tuple(f"label {i}" for i in range(30)))
    random = np.random.default_rng(0)
    rows = [[labels.names[i] for i in random.integers(0, 30, 6000)] for _ in range(3)]
    monkeypatch.setattr(uncertainty, "MAX_CELLS", 2**16)

    def difference(n):
        return paired_difference("class", *rows, labels, "accuracy", n_bootstrap=n, seed=0)

    difference(1)  # what does not depend on the number of resamples
    few, many = (peak_mib(lambda n=n: difference(n)) for n in (10, 150))
    assert many < few + 2


@pytest.mark.parametrize("output", ROWS)
def test_values_are_those_of_the_scores_and_nothing_is_drawn(output, monkeypatch):
    scores = score(output, *ROWS[output], LABELS, n_bootstrap=5, seed=0)
    monkeypatch.setattr(np.random, "default_rng", lambda *_: pytest.fail("something was drawn"))
    assert values(output, *ROWS[output], LABELS) == {name: found.value for name, found in scores.metrics.items()}


def test_validation_during_training_draws_nothing(tmp_path, monkeypatch):
    import nlptl
    from nlptl.core.config import DataConfig, ModelConfig, TrainConfig
    from nlptl.evaluation import scores
    from nlptl.methods.full import Full
    from nlptl.runs import delivery
    from tests.faults.small import make_bert, write_splits

    calls = []
    real = scores.score
    monkeypatch.setattr("nlptl.evaluation.scores.score", lambda *a, **k: calls.append(a[0]) or real(*a, **k))
    monkeypatch.setattr(delivery.reload_check, "run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
    recipe = nlptl.Recipe(
        data=DataConfig(train=str(write_splits(tmp_path / "data"))),
        model=ModelConfig(name=str(make_bert(tmp_path / "bert"))),
        method=Full(),
        train=TrainConfig(epochs=3, precision="fp32"),
        eval=EvalConfig(n_bootstrap=100, baselines="none"),
    )
    run = recipe.run(tmp_path / "run")
    assert "low" in run.metrics["test"]["accuracy"]
    assert len(calls) == 2  # once for validation, once for test, after training
