"""Whatever stands in a data file, it is read as it was written or refused in words."""

import contextlib
import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import strategies as st

import nlptl
from nlptl import data
from nlptl.core import registry
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from tests import tiny
from tests.faults.fuzz import DAMAGE, cases, check, damaged

SAMPLES = Path(nlptl.__file__).parent / "data" / "samples"
TASKS = {
    "reviews/train.csv": "sentiment",
    "headlines/train.csv": "classification",
    "similarity/train.csv": "regression",
    "notices/train.jsonl": "token_classification",
    "passages/train.jsonl": "extractive_qa",
}
"""The sample data whose bytes are changed, and the task that reads it."""
ENCODINGS = (
    *["utf-8"] * 5,
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "cp1252",
    "latin-1",
    "shift_jis",
)
HALF = re.compile("[\ud800-\udfff]")
"""Half an emoji, which is no text: a mark stands for it."""
TEXTS = st.one_of(
    st.text(min_size=1, max_size=12),
    st.text(alphabet="ab \t\r\n,;\"'\\\x00\x1b\u2028\u202e\ufeffé😀", min_size=1, max_size=12),
    st.sampled_from(["nan", "None", "null", "", " ", "1.0", "[]", "#", "=1+1", "\ud83d", "a" * 3000]),
)
LABELS = st.one_of(st.sampled_from(["good", "bad", "1", "0", "1.0", "True", "true", "", "Good ", "é"]), TEXTS)
SOME_FLAGS = st.fixed_dictionaries(
    {},
    optional={
        "delimiter": st.sampled_from([",", ";", "\t", "|", '"']),
        "quoting": st.sampled_from(["standard", "none"]),
        "blank": st.sampled_from(["drop", "keep"]),
        "n_train": st.integers(1, 20),
        "text": st.sampled_from(["text", "label", "no"]),
        "label_names": st.sampled_from([{"good": "fine"}, {"good": "bad"}, {"no": "one"}]),
    },
)
FLAGS = st.one_of(st.just({}), st.just({}), SOME_FLAGS)


@pytest.fixture(scope="module")
def pretrained(bert):
    return tiny.load(bert)


def prepared(task_name, config, pretrained):
    """Returns the corpus after all that a run does with data before training."""
    task = registry.load("task", task_name)()
    corpus = data.load(config, task.columns, sample=task.sample, seed=0)
    labels = task.label_space(corpus.splits["train"], corpus.label_names)
    pretrained = replace(pretrained, labels=labels, output=task.output)
    features = {split: task.encode(rows, pretrained) for split, rows in corpus.splits.items()}
    lengths = {split: found.full_lengths.tolist() for split, found in features.items()}
    data.audit(corpus, lengths, 64, labels, output=task.output)
    task.findings(features, corpus, pretrained)
    return corpus


def plain(label):
    """Returns what is left of a label once its case, blanks around it, and the zeros of 1.0 do not count."""
    label = label.strip().lower()
    with contextlib.suppress(ValueError, OverflowError):
        label = str(float(label))
    return label


def as_csv(rows, delimiter):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerows([("text", "label"), *rows])
    return stream.getvalue()


def as_jsonl(rows, _):
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)


WRITERS = {".csv": (as_csv, ","), ".tsv": (as_csv, "\t"), ".jsonl": (as_jsonl, "")}


@cases(60)
def test_rows_are_read_as_they_were_written_or_refused(n_cases, tmp_path, pretrained):
    def hold(rows, suffix, encoding, flags):
        write, delimiter = WRITERS[suffix]
        rows += [(f"a plain row {i}", "good" if i % 2 else "bad") for i in range(12)]
        path = tmp_path / f"train{suffix}"
        try:
            path.write_bytes(write(rows, delimiter).encode(encoding))
        except UnicodeEncodeError:
            path.write_bytes(write(rows, delimiter).encode(encoding, "xmlcharrefreplace"))
            rows = None
        try:
            corpus = prepared("sentiment", DataConfig(train=str(path), **flags), pretrained)
        except InputError:
            return
        if rows is None or flags.keys() & {"delimiter", "quoting", "text", "label_names"}:
            return
        for example in (example for split in corpus.splits.values() for example in split):
            text, label = (HALF.sub("\ufffd", value) for value in rows[example.row_id])
            assert example.text == text
            assert plain(str(example.label)) == plain(label)

    rows = st.lists(st.tuples(TEXTS, LABELS), max_size=6)
    check(n_cases, hold, rows, st.sampled_from(list(WRITERS)), st.sampled_from(ENCODINGS), FLAGS)


@cases(60)
def test_a_damaged_file_is_read_or_refused(n_cases, tmp_path, pretrained):
    def hold(name, edits, flags):
        content = (SAMPLES / name).read_bytes()
        path = tmp_path / Path(name).name
        path.write_bytes(damaged(content, edits))
        others = {split: str(SAMPLES / name.replace("train", split)) for split in ("validation", "test")}
        try:
            prepared(TASKS[name], DataConfig(train=str(path), **others, **flags), pretrained)
        except InputError as error:
            assert str(error).strip()

    flags = st.fixed_dictionaries({}, optional={"quoting": st.sampled_from(["standard", "none"])})
    check(n_cases, hold, st.sampled_from(list(TASKS)), DAMAGE, flags)
