"""The suite of defaults: the rows that it draws, and the programs that it starts."""

import json
from collections import Counter
from importlib import import_module, util

import pytest

LABELS = ("rare", *["often"] * 20, *["sometimes"] * 9)


@pytest.fixture
def data(tmp_path):
    """A folder with the two files of IMDb's name, and of GoEmotions', made up."""
    folder = tmp_path / "data"
    for name, train, test, header in (
        ("imdb_subset", 6_000, 1_500, "text\tlabel\trating"),
        ("goemotions", 400, 90, "text\tlabels\tcomment_id"),
    ):
        (folder / name).mkdir(parents=True)
        for split, n_rows in (("train", train), ("test", test)):
            rows = [f"{split} {i}\t{LABELS[i % len(LABELS)]}\t{i}" for i in range(n_rows)]
            rows[7:9] = [" \toften\t7", f"{split} 8\toften,rare\t8"]
            (folder / name / f"{split}.tsv").write_text("\n".join([header, *rows, ""]))
    return folder


@pytest.fixture
def inputs(data, tmp_path):
    return import_module("suites.defaults").inputs(data, tmp_path, "full")


def rows(inputs, name, seed=0):
    return [json.loads(line) for line in inputs.train(name, seed).read_text().splitlines()]


def test_four_fifths_of_the_rows_are_for_training_and_the_rest_for_choosing(inputs):
    train, validation = rows(inputs, "imdb/1000/train"), rows(inputs, "imdb/1000/validation")
    assert (len(train), len(validation)) == (800, 200)
    assert len({row["text"] for row in train + validation}) == 1_000
    assert set(train[0]) == {"text", "label"}


def test_training_has_every_label_and_otherwise_what_the_seed_draws(inputs):
    drawn = [rows(inputs, "goemotions/300/train", seed) for seed in (0, 1)]
    assert drawn[0] != drawn[1]
    counts = Counter(row["label"] for row in drawn[0])
    assert len(drawn[0]) == 240
    assert counts["rare"] >= 1
    assert 0.55 < counts["often"] / 240 < 0.78


def test_rows_without_a_text_and_rows_with_several_labels_are_left_out(inputs):
    texts = [row["text"] for row in rows(inputs, "goemotions/test")]
    assert len(texts) == 88
    assert not {"", " ", "test 8"} & set(texts)


def test_the_test_rows_are_the_same_for_all_seeds_and_no_more_than_a_thousand_long_ones(inputs):
    assert inputs.train("imdb/test", 0) == inputs.train("imdb/test", 1)
    assert len(rows(inputs, "imdb/test")) == 1_000


def test_smoke_has_a_few_rows_of_every_label(data, tmp_path):
    few = import_module("suites.defaults").inputs(data, tmp_path, "smoke")
    assert len(rows(few, "imdb/300/train")) + len(rows(few, "imdb/300/validation")) == 64
    assert {row["label"] for row in rows(few, "imdb/300/train")} == set(LABELS)


@pytest.mark.parametrize("scale", ["smoke", "full"])
def test_every_system_gets_the_same_files(inputs, tmp_path, scale):
    suite, systems = import_module("suites.defaults"), import_module("systems")
    found = {
        case.system: systems.arguments(case, inputs, 0, tmp_path / "report")
        for case in suite.cases(scale)
        if case.name == "imdb_300"
    }
    own, peers = (
        ["nlptl", "nlptl_auto", "nlptl_lr_auto", "nlptl_hybrid"],
        ["trainer", "trainer_grid", "setfit", "tfidf"],
    )
    assert list(found) == own + peers
    for system, words in found.items():
        dots = "data." if system.startswith("nlptl") else ""
        for split in ("train", "validation", "test"):
            name = "imdb/test" if split == "test" else f"imdb/300/{split}"
            assert words[words.index(f"--{dots}{split}") + 1] == str(inputs.train(name, 0))
        assert util.find_spec(words[1])


def test_the_plain_command_has_no_setting_but_where_and_with_which_seed(inputs, tmp_path):
    suite, systems = import_module("suites.defaults"), import_module("systems")
    own = {case.system: case for case in suite.cases("full") if case.name == "imdb_300" and case.own}
    words = systems.arguments(own["nlptl"], inputs, 0, tmp_path / "run")
    flags = {word for word in words if word.startswith("--")}
    files = {"--data.train", "--data.validation", "--data.test", "--output", "--train.cache_dir"}
    assert flags == files | {"--model.name", "--train.seed"}
    assert words[:4] == ["-m", "nlptl", "train", "classification"]


def test_no_system_finds_the_cache_of_another(inputs, tmp_path):
    suite, systems = import_module("suites.defaults"), import_module("systems")
    own = [case for case in suite.cases("full") if case.name == "imdb_300" and case.own]
    given = [systems.arguments(case, inputs, 0, tmp_path / "run") for case in own]
    assert len({words[words.index("--train.cache_dir") + 1] for words in given}) == len(own) == 4


def test_what_is_compared_is_run():
    suite = import_module("suites.defaults")
    keys = {(case.name, case.system) for case in suite.cases("full")}
    assert {(t.case, t.system) for t in suite.TARGETS} | {t.other for t in suite.TARGETS} <= keys
    assert {pair.system for pair in suite.PAIRS} | {p.other for p in suite.PAIRS if p.other} <= {s for _, s in keys}
    assert not {key for key in keys if key[1] == "setfit" and not key[0].endswith("_300")}
