"""How one file becomes three splits."""

from collections import Counter

import pytest

from nlptl import data
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data.splits import divide, draw
from nlptl.tasks.regression import Regression


def labels_of(corpus, split):
    return Counter(e.label for e in corpus.splits[split])


@pytest.fixture
def many():
    return [{"text": f"text {i}", "label": "abc"[min(i % 5, 2)]} for i in range(1000)]


def test_a_lone_file_is_divided_70_15_15_in_the_proportions_of_the_labels(read, many):
    corpus = read(many)
    assert labels_of(corpus, "train") == {"a": 140, "b": 140, "c": 420}
    assert labels_of(corpus, "validation") == {"a": 30, "b": 30, "c": 90}
    assert labels_of(corpus, "test") == {"a": 30, "b": 30, "c": 90}
    assert [n for n in corpus.notes if "15 % of train" in n] == list(corpus.notes)


def test_the_parts_are_all_rows_once_and_row_ids_are_the_files(read, many):
    corpus = read(many)
    ids = [e.row_id for split in corpus.splits.values() for e in split]
    assert sorted(ids) == list(range(1000))
    assert all(e.text == f"text {e.row_id}" for split in corpus.splits.values() for e in split)
    assert all([e.row_id for e in split] == sorted(e.row_id for e in split) for split in corpus.splits.values())


def test_the_division_depends_on_the_seed_and_on_nothing_else(read, many):
    import random

    first = read(many, seed=1).splits
    random.seed(99)
    assert read(many, seed=1).splits == first
    assert read(many, seed=2).splits["test"] != first["test"]


def test_train_and_test_leave_15_percent_of_train_for_validation(read, many):
    corpus = read(many, test=[{"text": "x", "label": "a"}])
    assert [len(split) for split in corpus.splits.values()] == [850, 150, 1]
    assert labels_of(corpus, "validation") == {"a": 30, "b": 30, "c": 90}
    assert any("validation: 15 % of train (150 rows)" in note for note in corpus.notes)


def test_train_and_validation_leave_no_test(read, many):
    corpus = read(many, validation=[{"text": "x", "label": "a"}])
    assert list(corpus.splits) == ["train", "validation"]
    assert len(corpus.splits["train"]) == 1000
    assert any(note.startswith("test: none") for note in corpus.notes)


def test_rare_labels_stay_in_train():
    labels = ["often"] * 100 + ["twice"] * 2 + ["once"] + ["thrice"] * 3
    parts = divide(labels, {"validation": 0.15, "test": 0.15}, seed=0)
    held_out = [labels[i] for part in ("validation", "test") for i in parts[part]]
    assert not {"once", "twice"} & set(held_out)
    assert {labels[i] for i in parts["train"]} == {"often", "twice", "once", "thrice"}
    assert sorted(i for part in parts.values() for i in part) == list(range(106))


def test_labels_of_two_rows_are_never_divided():
    labels = ["often"] * 3 + [str(i // 2) for i in range(40)]
    assert divide(labels, {"validation": 0.15}, seed=0)["validation"] in ([0], [1], [2])


def test_many_small_classes_still_give_a_validation_split():
    labels = [str(i // 3) for i in range(300)]
    parts = divide(labels, {"validation": 0.15, "test": 0.15}, seed=0)
    assert [len(parts[name]) for name in ("validation", "test")] == [45, 45]
    assert {labels[i] for i in parts["train"]} == set(labels)


def test_rows_without_labels_are_divided_too():
    assert len(divide([None] * 20, {"validation": 0.15}, seed=0)["validation"]) == 3


def test_n_train_takes_a_seeded_choice_that_grows_with_n(read, many):
    few, more = (read(many, n_train=n).splits["train"] for n in (50, 200))
    assert (len(few), len(more)) == (50, 200)
    assert set(few) < set(more)
    assert [e.row_id for e in few] != list(range(50))
    assert read(many, n_train=50, seed=3).splits["train"] != few


def test_n_train_leaves_the_other_splits_alone_and_is_noted(read, many):
    corpus = read(many, n_train=50)
    assert corpus.splits["test"] == read(many).splits["test"]
    assert any("train: 50 of 700 rows (data.n_train 50)" in note for note in corpus.notes)


def test_a_larger_n_train_than_there_are_rows_takes_them_all(read, many):
    corpus = read(many, n_train=5000)
    assert len(corpus.splits["train"]) == 700
    assert any("700 of 700 rows (data.n_train 5000)" in note for note in corpus.notes)


def test_draw_is_a_shuffle_not_the_first_rows():
    assert draw(100, 100, 0) == list(range(100))
    assert draw(100, 10, 0) != list(range(10))


def test_dropped_blank_rows_leave_the_others_ids_alone(read, rows):
    rows[3]["text"] = " "
    corpus = read(rows, blank="drop")
    ids = sorted(e.row_id for split in corpus.splits.values() for e in split)
    assert ids == [i for i in range(40) if i != 3]
    assert any("1 of 40 rows have a blank text (row 3), dropped" in note for note in corpus.notes)


def test_blank_rows_are_kept_on_request_and_always_in_test(read, rows):
    rows[3]["text"] = " "
    test = [{"text": "", "label": "good"}]
    kept = read(rows, blank="keep", test=test)
    assert sum(map(len, kept.splits.values())) == 41
    assert any("(row 3), kept" in note for note in kept.notes)
    assert [e.text for e in read(rows, blank="drop", test=test).splits["test"]] == [""]


def by_class(read, rows, n, seed=0, **fields):
    return read(rows, seed=seed, per_class=n, split_seed=7, **fields)


def test_so_many_rows_of_each_class_are_trained_on_and_the_others_splits_are_not_cut(read, many):
    whole, few = read(many, split_seed=7), by_class(read, many, 8)
    assert labels_of(few, "train") == {"a": 8, "b": 8, "c": 8}
    assert (few.splits["validation"], few.splits["test"]) == (whole.splits["validation"], whole.splits["test"])
    assert labels_of(by_class(read, many, 200), "train") == {"a": 140, "b": 140, "c": 200}
    assert any("24 of 700 rows (data.per_class 8), drawn with seed 0" in note for note in few.notes)


def test_more_rows_of_a_class_keep_the_fewer_ones_and_another_seed_draws_others(read, many):
    drawn = [{e.row_id for e in by_class(read, many, n).splits["train"]} for n in (4, 8, 64)]
    assert drawn[0] < drawn[1] < drawn[2]
    assert {e.row_id for e in by_class(read, many, 8, seed=1).splits["train"]} != drawn[1]


def test_the_split_has_a_seed_of_its_own_if_it_is_given(read, many):
    first, other = (read(many, seed=seed, split_seed=3).splits for seed in (0, 1))
    assert first == other == read(many, seed=3).splits


def test_rows_of_each_class_are_refused_beside_a_number_of_rows_and_without_classes():
    with pytest.raises(InputError, match=r"n_train and data\.per_class"):
        DataConfig(n_train=3, per_class=3)
    with pytest.raises(InputError, match="per_class must be at least 1"):
        DataConfig(per_class=0)
    rows = [{"text": f"text {i}", "label": i / 3} for i in range(30)]
    task = Regression()
    with pytest.raises(InputError, match="needs answers with classes"):
        data.load(DataConfig(train=rows, per_class=3), task.columns, sample=task.sample, seed=0)
