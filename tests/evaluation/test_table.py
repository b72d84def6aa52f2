"""Which metrics each output has."""

import pytest

from nlptl.core import kinds, registry
from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.evaluation import METRICS, greater_is_better, usable
from tests.evaluation.bare import baselines, score

LABELS = LabelSpace(("a", "b"))


def test_every_output_has_metrics_and_baselines():
    of_baselines = {kind for name in registry.names("baseline") for kind in registry.load("baseline", name).kinds}
    assert set(METRICS) == of_baselines == set(kinds.KINDS)


def test_errors_are_better_when_smaller_and_all_else_when_larger():
    names = {name for metrics in METRICS.values() for name in metrics} | set(registry.names("metric"))
    assert {name for name in names if not greater_is_better(name)} == {"mae", "rmse", "log_loss", "brier", "ece"}


def test_a_name_means_the_same_in_all_outputs():
    for metrics in METRICS.values():
        for name, metric in metrics.items():
            assert metric.greater_is_better == greater_is_better(name)


def test_usable_metrics_are_those_that_any_rows_have():
    assert usable("span", LABELS) == ("exact_match", "f1")
    assert usable("number", LABELS) == ("pearson", "spearman", "mae", "rmse", "r2")
    assert usable("tags", LABELS) == ("entity_f1", "entity_precision", "entity_recall", "tag_accuracy")
    assert usable("text", LABELS) == ("exact_match", "f1", "rouge1", "rouge2", "rougeL", "bleu", "chrf")
    assert usable("classes", LABELS) == (*METRICS["classes"], "auroc", "average_precision", "brier", "log_loss")


def test_an_unknown_output_is_refused():
    with pytest.raises(InputError, match=r"unknown kind of answers 'clas'.*'class'.*known: class"):
        score("clas", ["a"], ["a"], LABELS, n_bootstrap=9, seed=0)
    with pytest.raises(InputError, match=r"unknown kind of answers 'clas'.*'class'.*known: class"):
        baselines("clas", [], [], LABELS, seed=0)
