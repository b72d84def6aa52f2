"""The sample data that is shipped."""

import csv
from collections import Counter

import pytest

from nlptl.core import registry
from nlptl.core.config import DataConfig
from nlptl.data import load
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


OTHERS = {
    "requests": (300, 60, 120),
    "similarity": (154, 44, 55),
    "headlines": (70, 10, 20),
    "passages": (210, 40, 50),
    "notices": (180, 40, 60),
}


@pytest.fixture(scope="module")
def corpora():
    """The sample data of every task, as the task reads it."""
    tasks = [registry.load("task", name)() for name in registry.names("task")]
    return {task.sample: load(DataConfig(), task.columns, sample=task.sample, seed=0) for task in tasks}


def test_every_folder_of_samples_is_the_sample_of_a_task(corpora):
    assert set(corpora) == {path.name for path in SAMPLES.iterdir() if path.is_dir()}


@pytest.mark.parametrize("name", OTHERS)
def test_a_sample_has_the_rows_that_its_readme_names(corpora, name):
    assert tuple(len(corpora[name].splits[split]) for split in SPLIT_SIZES) == OTHERS[name]


@pytest.mark.parametrize("name", OTHERS)
def test_no_row_of_a_sample_occurs_twice(corpora, name):
    rows = Counter((e.text, e.text_pair) for rows in corpora[name].splits.values() for e in rows)
    assert max(rows.values()) == 1


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_in_a_sample_had_to_be_repaired(corpora, name):
    (note,) = corpora[name].notes
    assert note.startswith("train: not given") and f"sample data {name!r}" in note


def test_a_passage_stands_in_one_split_only(corpora):
    splits = [{e.text_pair for e in rows} for rows in corpora["passages"].splits.values()]
    assert sum(map(len, splits)) == len(set.union(*splits)) == 60


@pytest.mark.parametrize("split", SPLIT_SIZES)
def test_the_requests_are_balanced(corpora, split):
    counts = Counter(e.label for e in corpora["requests"].splits[split])
    assert len(counts) == 6
    assert len(set(counts.values())) == 1
