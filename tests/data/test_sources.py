"""Every kind of source gives the same rows."""

import gzip
import json
import tracemalloc
from itertools import islice

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Example
from nlptl.data import fingerprint, load_split, open_rows

TRICKY = [
    'a "quoted" text',
    "comma, and\nnew line",
    "NA",
    "null",
    "None",
    "naïve ünïcode \u2028 end",
    "1.0",
    "  padded ",
]


@pytest.fixture
def tricky():
    return [{"text": text, "label": "ab"[i % 2]} for i, text in enumerate(TRICKY)]


def as_csv(rows, **options):
    import csv
    import io

    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), **options)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_parquet(rows):
    import io

    import pandas as pd

    out = io.BytesIO()
    pd.DataFrame(rows).to_parquet(out)
    return out.getvalue()


WRITERS = {
    "csv": as_csv,
    "tsv": lambda rows: as_csv(rows, delimiter="\t"),
    "json": lambda rows: json.dumps(rows).encode(),
    "jsonl": lambda rows: "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(),
    "parquet": as_parquet,
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", WRITERS)
def test_every_file_type_gives_the_texts_unchanged(write, columns, tricky, kind, packed):
    content = WRITERS[kind](tricky)
    path = write(f"a.{kind}.gz", gzip.compress(content)) if packed else write(f"a.{kind}", content)
    examples = load_split(str(path), DataConfig(), columns, need_label=True)
    assert [e.text for e in examples] == TRICKY
    assert [e.row_id for e in examples] == list(range(len(TRICKY)))
    assert [e.label for e in examples] == list("abababab")


def test_csv_values_stay_strings(write):
    path = write("a.csv", "text,n\nNA,1\nnull,\n,None\n")
    assert list(open_rows(path, DataConfig())) == [
        {"text": "NA", "n": "1"},
        {"text": "null", "n": ""},
        {"text": "", "n": "None"},
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_column(write, columns):
    path = write("a.csv", b"\xef\xbb\xbftext,label\r\ngood,a\r\n")
    assert load_split(path, DataConfig(), columns, need_label=True) == [Example(0, "good", None, "a")]


def test_a_field_may_be_larger_than_the_csv_modules_limit(write, columns):
    path = write("a.csv", f"text,label\n{'x' * 200_000},a\n")
    assert len(load_split(path, DataConfig(), columns, need_label=True)[0].text) == 200_000


def test_a_given_delimiter_is_used(write, columns):
    path = write("a.csv", "text;label\ngood, really;a\n")
    config = DataConfig(delimiter=";")
    assert load_split(path, config, columns, need_label=True) == [Example(0, "good, really", None, "a")]


def test_json_may_hold_its_rows_in_an_object(write, columns, tricky):
    for beside in ({"version": 2}, {"ids": list(range(len(tricky)))}):
        path = write("a.json", json.dumps({**beside, "data": tricky}))
        assert [e.text for e in load_split(path, DataConfig(), columns, need_label=True)] == TRICKY


@pytest.mark.parametrize("orient", ["records", "columns", "index", "table", "list"])
def test_json_is_read_as_pandas_writes_it(write, columns, tricky, orient):
    import pandas as pd

    frame = pd.DataFrame(tricky)
    content = json.dumps(frame.to_dict("list")) if orient == "list" else frame.to_json(orient=orient)
    examples = load_split(write("a.json", content), DataConfig(), columns, need_label=True)
    assert [(e.text, e.label) for e in examples] == list(zip(TRICKY, "abababab", strict=True))


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_rows_are_streamed_in_bounded_memory(write, kind):
    path = write(f"a.{kind}", WRITERS[kind]([{"text": "x" * 1000, "label": "a"}] * 20_000))
    tracemalloc.start()
    assert sum(1 for _ in open_rows(path, DataConfig())) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 10


def test_the_first_rows_come_before_a_broken_one_is_reached(write):
    path = write("a.csv", "text,label\ngood,a\nbad,b\nbroken\n")
    assert [row["text"] for row in islice(open_rows(path, DataConfig()), 2)] == ["good", "bad"]


def test_frames_data_sets_and_lists_are_the_same_rows(columns, rows):
    import datasets
    import pandas as pd

    kinds = [rows, pd.DataFrame(rows), datasets.Dataset.from_list(rows)]
    prints = {fingerprint(load_split(given, DataConfig(), columns, need_label=True)) for given in kinds}
    assert len(prints) == 1


def test_a_frames_missing_values_are_blank_texts_and_absent_labels(columns):
    import pandas as pd

    frame = pd.DataFrame({"text": ["a", None, 3], "label": [1, 2, None]}, index=[7, 8, 9])
    assert load_split(frame, DataConfig(), columns, need_label=False) == [
        Example(0, "a"),
        Example(1, ""),
        Example(2, "3"),
    ]
    with pytest.raises(InputError, match="1 of 3 rows have no label"):
        load_split(frame, DataConfig(), columns, need_label=True)


def test_what_stands_in_a_label_column_does_not_matter_where_no_labels_are_needed(by_kind):
    for kind, row in (("number", {"text": "a", "score": "n/a"}), ("tags", {"tokens": ["a", "b"], "tags": [7]})):
        assert load_split([row], DataConfig(), by_kind[kind], need_label=False)[0].label is None


def test_a_folder_gives_its_splits_under_their_usual_names(read, write):
    write("d/train.tsv", "text\tlabel\na\t1\nb\t0\n")
    write("d/dev.csv", "text,label\nc,1\n")
    folder = write("d/test.jsonl", '{"text": "d", "label": 0}').parent
    write("d/README.md", "not data")
    corpus = read(str(folder))
    assert {name: [e.text for e in split] for name, split in corpus.splits.items()} == {
        "train": ["a", "b"],
        "validation": ["c"],
        "test": ["d"],
    }
    assert list(corpus.splits) == ["train", "validation", "test"]


def test_given_files_override_the_folders_own_which_are_not_even_read(read, write):
    folder = write("d/train.csv", "text,label\na,1\nb,0\n").parent
    write("d/validation.csv", "")
    corpus = read(folder, validation=[{"text": "mine", "label": 1}])
    assert [e.text for e in corpus.splits["validation"]] == ["mine"]


def test_a_folder_given_as_test_gives_its_test_split(read, write, rows):
    folder = write("d/test.csv", "text,label\na,good\n").parent
    write("d/train.csv", "text,label\nno,bad\n")
    assert [e.text for e in read(rows, test=folder).splits["test"]] == ["a"]


def test_a_dict_of_splits_may_mix_kinds(read, write, rows):
    import pandas as pd

    path = write("v.csv", "text,label\nv,bad\n")
    corpus = read({"train": rows, "dev": str(path), "test": pd.DataFrame({"text": ["t"], "label": ["good"]})})
    assert [len(split) for split in corpus.splits.values()] == [40, 1, 1]


def test_a_data_sets_class_names_become_the_labels_in_their_order(read):
    import datasets

    names = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["pos", "neg"])})
    rows = {"text": [f"t{i}" for i in range(20)], "label": [i % 2 for i in range(20)]}
    corpus = read(datasets.DatasetDict({"train": datasets.Dataset.from_dict(rows, features=names)}))
    assert corpus.label_names == ("pos", "neg")
    assert {e.row_id % 2: e.label for split in corpus.splits.values() for e in split} == {0: "pos", 1: "neg"}


def test_parquet_keeps_the_class_names(read, tmp_path):
    import datasets

    names = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["pos", "neg"])})
    rows = {"text": [f"t{i}" for i in range(20)], "label": [i % 2 for i in range(20)]}
    datasets.Dataset.from_dict(rows, features=names).to_parquet(tmp_path / "a.parquet")
    corpus = read(tmp_path / "a.parquet", label_names={"pos": "good"})
    assert corpus.label_names == ("good", "neg")
    assert {e.label for e in corpus.splits["train"]} == {"good", "neg"}


@pytest.fixture
def hub(monkeypatch):
    import datasets

    asked = []
    names = datasets.Features({"sentence": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})

    def part(labels):
        return datasets.Dataset.from_dict(
            {"sentence": [f"s{i}" for i in range(len(labels))], "label": labels}, features=names
        )

    def load_dataset(*args):
        asked.append(args)
        return datasets.DatasetDict(
            {"train": part([0, 1] * 10), "validation": part([0, 1]), "test": part([-1, -1]), "extra": part([0])}
        )

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


@pytest.mark.parametrize(
    ("given", "args"), [("nyu-mll/glue:sst2", ("nyu-mll/glue", "sst2")), ("some/set-v1.0", ("some/set-v1.0", None))]
)
def test_a_hub_id_is_asked_for_with_its_config(read, hub, given, args):
    corpus = read(given)
    assert hub == [args]
    assert corpus.label_names == ("no", "yes")
    assert [len(split) for split in corpus.splits.values()] == [20, 2]


def test_a_hub_test_split_without_labels_is_left_out_and_unknown_splits_are_noted(read, hub):
    notes = "\n".join(read("nyu-mll/glue:sst2").notes)
    assert "test: left out, nyu-mll/glue:sst2 has no labels" in notes
    assert "the splits extra are not used" in notes


def test_an_existing_folder_goes_before_the_hub(read, hub, write, monkeypatch, tmp_path):
    write("some/set/train.csv", "text,label\n" + "".join(f"t{i},{i % 2}\n" for i in range(20)))
    monkeypatch.chdir(tmp_path)
    assert len(read("some/set").splits["train"]) == 14
    assert hub == []


def test_a_folders_test_file_without_labels_is_left_out(read, write):
    write("d/train.csv", "text,label\na,1\nb,0\n")
    write("d/dev.csv", "text,label\nc,1\n")
    folder = write("d/test.csv", "index,text\n0,d\n").parent
    corpus = read(folder)
    assert list(corpus.splits) == ["train", "validation"]
    assert any(note.startswith("test: left out") for note in corpus.notes)


def test_no_training_data_means_the_tasks_sample(read):
    corpus = read()
    assert [len(split) for split in corpus.splits.values()] == [900, 200, 400]
    assert "sample data 'reviews'" in corpus.notes[0]


def test_strings_alone_can_be_predicted(columns):
    assert load_split(["a", ""], DataConfig(text="review"), columns, need_label=False) == [
        Example(0, "a"),
        Example(1, ""),
    ]


def test_a_file_to_predict_needs_no_labels_even_where_the_column_is_named(write, columns):
    path = write("a.csv", "text\na\n")
    assert load_split(path, DataConfig(label="label"), columns, need_label=False) == [Example(0, "a")]


def test_a_divided_source_is_evaluated_on_its_test_split(columns):
    assert len(load_split("sample:reviews", DataConfig(), columns, need_label=True)) == 400


def test_labels_of_a_new_file_are_renamed_though_it_lacks_some(write, columns):
    path = write("a.csv", "text,label\na,1.0\n")
    config = DataConfig(label_names={"0": "negative", "1": "positive"})
    assert load_split(path, config, columns, need_label=True)[0].label == "positive"


def test_fingerprints_differ_where_any_field_does():
    variants = [Example(0, "a"), Example(1, "a"), Example(0, "b"), Example(0, "a", "b"), Example(0, "a", None, "b")]
    assert len({fingerprint([e]) for e in variants}) == len(variants)
    assert fingerprint(variants) != fingerprint(variants[::-1])
    assert fingerprint(variants) == fingerprint(list(variants))


def test_importing_the_room_imports_none_of_the_heavy_packages():
    import subprocess
    import sys

    code = "import nlptl.data, sys; print([m for m in ('datasets', 'pandas', 'numpy', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
