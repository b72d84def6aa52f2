"""Real data sets, where the shared folder is at hand."""

from collections import Counter
from pathlib import Path

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.records import Column, LabelSpace
from nlptl.data import audit, load, load_split

SHARED = Path(__file__).parents[3] / "shared" / "data"
PAIR = (
    Column("text", ("#1 String",)),
    Column("text_pair", ("#2 String",)),
    Column("label", ("Quality",), kind="class"),
)

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")


def test_sst2_is_read_row_for_row(read):
    corpus = read(SHARED / "sst2")
    assert {name: len(split) for name, split in corpus.splits.items()} == {"train": 67349, "validation": 872}
    assert Counter(e.label for e in corpus.splits["validation"]) == {"1": 444, "0": 428}
    assert any("test: left out" in note for note in corpus.notes)


def test_windows_line_ends_are_no_part_of_the_label(columns):
    examples = load_split(SHARED / "sst2" / "test-labeled.tsv", DataConfig(), columns, need_label=True)
    assert len(examples) == 1821
    assert {e.label for e in examples} == {"0", "1"}


def test_mrpc_keeps_its_literal_quotes():
    corpus = load(DataConfig(train=SHARED / "mrpc"), PAIR, sample="reviews", seed=0)
    assert [len(split) for split in corpus.splits.values()] == [3667, 408]
    assert corpus.splits["validation"][0].text_pair.startswith('" The foodservice pie business')


def test_goemotions_quotes_enclose_its_texts(columns):
    rows = load_split(SHARED / "goemotions" / "dev.tsv", DataConfig(label="labels"), columns, need_label=True)
    assert len(rows) == 5426
    assert not any('""' in e.text for e in rows)
    assert rows[0].text == "Is this in New Orleans?? I really feel like this is New Orleans."


@pytest.mark.parametrize("name", ["books", "dvd", "kitchen", "airline", "electronics"])
def test_reviews_with_stray_quotes_keep_all_their_rows(columns, name):
    path = SHARED / "amazon_multidomain" / f"{name}.train.tsv"
    with path.open(encoding="utf-8") as file:
        n_lines = sum(1 for _ in file)
    assert len(load_split(path, DataConfig(), columns, need_label=True)) == n_lines - 1


def test_twenty_newsgroups_has_blank_posts(read):
    corpus = read(SHARED / "20newsgroups", blank="drop")
    assert len({e.label for e in corpus.splits["train"]}) == 20
    assert any("18 of 11314 rows have a blank text" in note for note in corpus.notes)


def test_the_audit_finds_that_ag_news_dev_was_cut_from_train(read):
    corpus = read(SHARED / "ag_news_7k")
    findings = audit(corpus, {}, 256, LabelSpace(("0", "1", "2", "3")))
    leak = next(f for f in findings if f.kind == "cross_split_duplicate")
    assert (leak.details["splits"], leak.n) == (["train", "validation"], 1000)


def test_goemotions_has_several_labels_a_row(by_kind):
    corpus = load(DataConfig(train=SHARED / "goemotions", label="labels"), by_kind["classes"], sample="reviews", seed=0)
    assert [len(split) for split in corpus.splits.values()] == [43410, 5426, 5427]
    assert Counter(len(e.label) for e in corpus.splits["validation"]) == {1: 4548, 2: 809, 3: 62, 4: 7}
    assert len({name for e in corpus.splits["train"] for name in e.label}) == 28


def test_sts_benchmark_has_numbers(by_kind):
    columns = (Column("text", ("sentence1",)), Column("text_pair", ("sentence2",)), by_kind["number"][2])
    corpus = load(DataConfig(train=SHARED / "stsb"), columns, sample="reviews", seed=0)
    assert [len(split) for split in corpus.splits.values()] == [5749, 1500, 1379]
    numbers = [e.label for e in corpus.splits["train"]]
    assert (min(numbers), max(numbers)) == (0.0, 5.0)


def test_wnut_has_the_entities_that_its_source_counts(by_kind):
    corpus = load(DataConfig(train=SHARED / "wnut17"), by_kind["tags"], sample="reviews", seed=0)
    assert [len(split) for split in corpus.splits.values()] == [3394, 1009, 1287]
    counts = Counter(tag for split in corpus.splits.values() for e in split for tag in e.label)
    assert (counts["B-person"], counts["I-person"]) == (1559, 583)
    assert all(len(e.words) == len(e.label) for e in corpus.splits["train"])
    assert corpus.notes == ()


@pytest.mark.parametrize(("version", "n", "n_unanswerable"), [("v1.1", 10570, 0), ("v2.0", 11873, 5945)])
def test_squad_has_all_its_questions_and_no_context_twice(by_kind, version, n, n_unanswerable):
    path = SHARED / f"squad_{version}_dev" / f"dev-{version}.json"
    corpus = load(DataConfig(train=path), by_kind["span"], sample="reviews", seed=0)
    rows = [e for split in corpus.splits.values() for e in split]
    assert (len(rows), sum(e.label == () for e in rows)) == (n, n_unanswerable)
    assert all(e.text_pair.startswith(a.text, a.start) for e in rows for a in e.label)
    contexts = [{e.text_pair for e in split} for split in corpus.splits.values()]
    assert sum(map(len, contexts)) == len(set.union(*contexts))
