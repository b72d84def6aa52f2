"""The sample data that is shipped."""

import csv
from collections import Counter

import pytest

from nlptl.data.sources import SAMPLES

SPLIT_SIZES = {"train": 225, "validation": 50, "test": 100}


def sample_rows(split):
    with (SAMPLES / "reviews" / f"{split}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("split", "n"), SPLIT_SIZES.items())
def test_each_split_is_balanced_over_domain_and_label(split, n):
    counts = Counter((row["domain"], row["label"]) for row in sample_rows(split))
    assert counts == {(d, s): n for d in ("films", "kitchen") for s in ("positive", "negative")}


def test_no_text_occurs_twice():
    texts = Counter(row["text"].casefold() for split in SPLIT_SIZES for row in sample_rows(split))
    assert max(texts.values()) == 1


def test_stars_agree_with_labels():
    rows = [row for split in SPLIT_SIZES for row in sample_rows(split)]
    assert {(row["label"], row["stars"]) for row in rows} == {
        ("positive", "4"),
        ("positive", "5"),
        ("negative", "1"),
        ("negative", "2"),
    }
