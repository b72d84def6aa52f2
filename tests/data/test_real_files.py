"""Real data sets, where the shared folder is at hand."""

from collections import Counter
from pathlib import Path

import pytest

from nlptl.config import DataConfig
from nlptl.data import audit, load, load_split
from nlptl.records import Column, LabelSpace

SHARED = Path(__file__).parents[3] / "shared" / "data"
PAIR = (Column("text", ("#1 String",)), Column("text_pair", ("#2 String",)), Column("label", ("Quality",)))

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
