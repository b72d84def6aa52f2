"""Labels that are likely wrong, against the paper's formulas written as loops."""

import numpy as np
import pytest

from nlptl.evaluation.label_errors import UNSURE, confident, likely_errors, likely_errors_of_several, thresholds

NAMES = ("a", "b", "c", "d")


def noisy(n=400, n_classes=4, seed=0):
    """Returns probabilities that mostly know the true class, and labels of which a tenth are wrong."""
    random = np.random.default_rng(seed)
    true = random.integers(0, n_classes, n)
    logits = random.normal(size=(n, n_classes))
    logits[np.arange(n), true] += 2.5
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    wrong = random.random(n) < 0.1
    return probabilities, np.where(wrong, (true + 1) % n_classes, true), wrong


def counted(probabilities, given):
    """Returns equation 1 of Northcutt et al. for each row."""
    n, n_classes = probabilities.shape
    t = []
    for j in range(n_classes):
        own = [probabilities[i][j] for i in range(n) if given[i] == j]
        t.append(sum(own) / len(own) if own else float("inf"))  # equation 2
    found = []
    for i in range(n):
        reached = [j for j in range(n_classes) if probabilities[i][j] >= t[j]]
        found.append(max(reached, key=lambda j: probabilities[i][j]) if reached else UNSURE)
    return t, found


@pytest.mark.parametrize("seed", range(3))
def test_each_row_is_counted_as_the_paper_says(seed):
    probabilities, given, _ = noisy(seed=seed)
    t, found = counted(probabilities, given)
    assert thresholds(probabilities, given) == pytest.approx(t)
    assert confident(probabilities, given).tolist() == found
    off = {
        i
        for i, j in enumerate(found)
        if j not in (UNSURE, given[i]) and probabilities[i, j] > probabilities[i, given[i]]
    }
    issues = likely_errors(probabilities, given, NAMES)
    assert {issue.row for issue in issues} == off
    assert all(issue.suggested == NAMES[found[issue.row]] for issue in issues)


def test_wrong_labels_are_found_the_likeliest_first():
    probabilities, given, wrong = noisy()
    issues = likely_errors(probabilities, given, NAMES)
    rows = [issue.row for issue in issues]
    assert wrong[rows].mean() > 0.6
    assert wrong[rows[:15]].mean() > 0.9
    assert len(set(rows) & set(np.flatnonzero(wrong))) > 0.6 * wrong.sum()
    margins = [issue.margin for issue in issues]
    assert margins == sorted(margins, reverse=True)
    first = issues[0]
    assert first.given == NAMES[given[first.row]]
    p = probabilities[first.row]
    assert first.margin == pytest.approx(p[NAMES.index(first.suggested)] - p[NAMES.index(first.given)])


def test_a_class_without_rows_is_never_suggested():
    probabilities, given, _ = noisy()
    given = np.where(given == 3, 0, given)
    assert thresholds(probabilities, given)[3] == np.inf
    assert {issue.suggested for issue in likely_errors(probabilities, given, NAMES)} <= set(NAMES[:3])


def test_clean_labels_of_a_sure_model_have_no_errors():
    given = np.arange(40) % 4
    assert likely_errors(np.eye(4)[given] * 0.9 + 0.025, given, NAMES) == []


def test_a_row_for_which_the_model_prefers_its_label_is_none():
    # The first row reaches b's low threshold, not a's high one, though a is likelier.
    probabilities = np.array([[0.55, 0.45], [0.99, 0.01], [0.99, 0.01], [0.6, 0.4], [0.7, 0.3]])
    given = np.array([0, 0, 0, 1, 1])
    assert confident(probabilities, given)[0] == 1
    assert 0 not in {issue.row for issue in likely_errors(probabilities, given, ("a", "b"))}


def test_several_labels_are_asked_for_one_by_one():
    random = np.random.default_rng(0)
    has = random.random((200, 2)) < 0.4
    probabilities = np.where(has, 0.85, 0.1) + random.normal(scale=0.02, size=has.shape)
    probabilities[[5, 9]] = np.where(has[[5, 9]], 0.95, 0.02)
    given = has.copy()
    given[5, 0], given[9, 1] = ~has[5, 0], ~has[9, 1]
    issues = likely_errors_of_several(probabilities, given, ("x", "y"))
    assert {issue.row for issue in issues} == {5, 9}
    five = next(issue for issue in issues if issue.row == 5)
    assert {five.given, five.suggested} == {"x", "not x"}
    assert five.given == ("x" if given[5, 0] else "not x")
