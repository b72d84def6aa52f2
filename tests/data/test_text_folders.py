"""A folder of .txt files for each class, as IMDb ships its reviews."""

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data import load_split, stream


@pytest.fixture
def texts(write):
    """Writes n numbered texts into folders, given as folder=n."""

    def call(root, **folders):
        for folder, n in folders.items():
            for i in range(n):
                path = write(f"{root}/{folder}/{i}.txt", f"{folder} text {i}")
        return path.parent.parent

    return call


def test_folders_give_the_labels_and_files_the_rows_in_order(texts, read):
    corpus = read(texts("reviews", pos=10, neg=10), label_names={"neg": "bad"})
    rows = sorted((e for split in corpus.splits.values() for e in split), key=lambda e: e.row_id)
    assert [(e.text, e.label) for e in rows[:1] + rows[-1:]] == [("neg text 0", "bad"), ("pos text 9", "pos")]
    assert [e.row_id for e in rows] == list(range(20))


def test_splits_below_are_used_and_what_imdb_ships_beside_them_is_not(texts, write, read):
    texts("imdb/train", pos=3, neg=3, unsup=4)
    texts("imdb/test", pos=2, neg=1)
    write("imdb/train/urls_pos.txt", "http://example.com")
    write("imdb/train/labeledBow.feat", "1 0:9")
    write("imdb/README", "a data set")
    root = write("imdb/imdb.vocab", "the").parent
    corpus = read(root)
    assert [len(corpus.splits[name]) for name in ("train", "test")] == [5, 3]
    assert {e.label for split in corpus.splits.values() for e in split} == {"pos", "neg"}
    assert any("unsup: 4 texts without a label are left out" in note for note in corpus.notes)


def test_a_folder_can_be_scored_and_predicted(texts, write, columns):
    root = texts("new", pos=2, neg=1)
    assert [e.label for e in load_split(root, DataConfig(), columns, need_label=True)] == ["neg", "pos", "pos"]
    loose = write("loose/b.txt", b"\xef\xbb\xbfb").parent
    write("loose/a.txt", "a")
    write("loose/.hidden.txt", "x")
    assert [[e.text for e in part] for part in stream(str(loose), DataConfig(), columns)] == [["a", "b"]]
    with pytest.raises(InputError, match="no label column"):
        load_split(loose, DataConfig(), columns, need_label=True)


def test_a_file_in_another_encoding_is_named(texts, write, columns):
    root = texts("reviews", pos=1, neg=1)
    write("reviews/neg/7.txt", b"caf\xe9")
    with pytest.raises(InputError, match=r"neg/7\.txt is not UTF-8"):
        load_split(root, DataConfig(), columns, need_label=True)


def test_two_folders_for_a_split_are_ambiguous(texts, read):
    texts("d/dev", pos=1, neg=1)
    root = texts("d/valid", pos=1, neg=1).parent
    with pytest.raises(InputError, match=r"dev and valid .*--data\.validation"):
        read(root)
