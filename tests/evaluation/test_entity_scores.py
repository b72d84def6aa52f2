"""Metrics of tags against seqeval."""

import numpy as np
import pytest
from seqeval import metrics as seqeval

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from tests.evaluation.bare import score

LABELS = LabelSpace(("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))


def rows():
    """Returns tags in any order, also inside tags that continue nothing, and a type that only one side has."""
    random = np.random.default_rng(0)
    wanted = [random.choice(LABELS.names, random.integers(1, 12), p=(0.4, 0.15, 0.15, 0.15, 0.15)) for _ in range(200)]
    found = [np.where(random.random(len(tags)) < 0.8, tags, random.choice(LABELS.names, len(tags))) for tags in wanted]
    wanted.append(np.array(["B-ORG", "I-ORG", "O"]))
    found.append(np.array(["B-LOC", "I-LOC", "O"]))
    return [tuple(tags.tolist()) for tags in wanted], [tags.tolist() for tags in found]


def test_metrics_equal_seqeval():
    wanted, found = rows()
    values = {n: i.value for n, i in score("tags", wanted, found, LABELS, n_bootstrap=20, seed=0).metrics.items()}
    lists = [list(tags) for tags in wanted]
    expected = {
        "entity_f1": seqeval.f1_score(lists, found),
        "entity_precision": seqeval.precision_score(lists, found),
        "entity_recall": seqeval.recall_score(lists, found),
        "tag_accuracy": seqeval.accuracy_score(lists, found),
    }
    assert values == pytest.approx(expected, abs=1e-12)
    assert 0.2 < values["entity_f1"] < 0.9


def test_the_table_by_type_equals_seqeval():
    wanted, found = rows()
    report = seqeval.classification_report([list(tags) for tags in wanted], found, output_dict=True, zero_division=0)
    table = score("tags", wanted, found, LABELS, n_bootstrap=20, seed=0).per_class
    assert list(table) == ["LOC", "ORG", "PER"]
    for name, row in table.items():
        assert list(row.values()) == pytest.approx(list(report[name].values())), name


def test_an_entity_counts_only_as_a_whole():
    found = score(
        "tags", [("B-PER", "I-PER", "O", "B-LOC")], [["B-PER", "O", "O", "I-LOC"]], LABELS, n_bootstrap=20, seed=0
    )
    assert found.metrics["entity_f1"].value == 0.5
    assert found.metrics["tag_accuracy"].value == 0.5


def test_rows_without_any_entity_measure_zero():
    found = score("tags", [("O", "O")], [["O", "O"]], LABELS, n_bootstrap=20, seed=0)
    assert found.metrics["entity_f1"].value == 0.0
    assert found.metrics["tag_accuracy"].value == 1.0
    assert found.per_class == {}


def test_a_missing_tag_is_refused_with_its_row():
    with pytest.raises(InputError, match=r"predictions\[1\] has 1 tags for 2 words"):
        score("tags", [("O",), ("O", "B-LOC")], [["O"], ["O"]], LABELS, n_bootstrap=20, seed=0)
