"""Labels of every type as names."""

import pytest

from nlptl.data.labels import label_names


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([" pos ", "neg\n"], ["pos", "neg"]),
        ([True, False], ["true", "false"]),
        ([0, 3], ["0", "3"]),
        ([4.0, 2.0], ["4", "2"]),
        ([4.5, 2.0], ["4.5", "2"]),
        (["4.0", "2"], ["4", "2"]),
        (["4.0", "2.5"], ["4", "2.5"]),
        (["4.0", "four"], ["4.0", "four"]),
        (["v4.0", "v3.0"], ["v4.0", "v3.0"]),
        (["-1.0", "+1"], ["-1", "+1"]),
        (["1e3", "1."], ["1e3", "1"]),
        (["007", "7.0"], ["007", "7"]),
        ([None, float("nan"), " "], [None, None, None]),
        (["nan", "1.0"], ["nan", "1.0"]),
        ([1, None, 2.0], ["1", None, "2"]),
    ],
)
def test_labels_become_names(values, expected):
    assert label_names(values, "here") == expected


def test_numpy_scalars_are_the_python_values_they_hold():
    import numpy as np

    assert label_names([np.int64(3), np.bool_(True), np.float32(2), np.float64("nan")], "here") == [
        "3",
        "true",
        "2",
        None,
    ]


def test_labels_are_renamed_in_every_split_and_others_are_kept(read, rows):
    corpus = read(rows, label_names={"good": "fine"}, test=[{"text": "x", "label": "good"}])
    assert {e.label for e in corpus.splits["train"]} == {"fine", "bad"}
    assert corpus.splits["test"][0].label == "fine"


def test_two_labels_may_get_the_same_name_and_be_given_as_numbers(read):
    rows = [{"text": f"t{i}", "label": i % 4} for i in range(40)]
    corpus = read(rows, label_names={0: "low", "1": "low", 2: "high", 3.0: "high"})
    assert {e.label for e in corpus.splits["train"]} == {"low", "high"}
