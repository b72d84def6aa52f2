"""Where `nlptl predict` writes and reads: nothing is replaced, standard streams, any format by its suffix."""

import csv
import io
import json
import os
import sys

import pytest

from tests.faults.small import read_lines, reviews, write_csv

TEXTS = [row["text"] for row in reviews(10, start=300)]


@pytest.fixture
def new(run, tmp_path):
    """A file of new rows in the current folder."""
    return write_csv(tmp_path / "new.csv", [{"id": f"n{i}", "text": text} for i, text in enumerate(TEXTS)])


@pytest.fixture
def typed(monkeypatch):
    """Puts bytes on standard input."""
    return lambda content: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def as_text(path):
    return path.read_text(encoding="utf-8")


# Nothing is replaced.


@pytest.mark.parametrize(
    "spelling", ["new.csv", "./missing/../new.csv", "{full}", "link.csv", "hard.csv", "way/new.csv"]
)
@pytest.mark.parametrize("flags", [(), ("--overwrite",)])
def test_the_input_is_never_the_output_however_it_is_spelt(said, run, new, tmp_path, spelling, flags):
    (tmp_path / "link.csv").symlink_to("new.csv")
    (tmp_path / "hard.csv").hardlink_to(new)
    (tmp_path / "way").symlink_to(".")
    before = as_text(new)
    found = said("predict", run, "--input", "new.csv", "--output", spelling.format(full=new), *flags)
    assert found.status == 2
    assert "is the input: it would be lost" in found.err
    assert as_text(new) == before
    assert not (tmp_path / "missing").exists()


def test_a_file_of_an_input_folder_is_the_input_too(said, run, tmp_path):
    data = write_csv(tmp_path / "data" / "test.csv", reviews(4))
    found = said("predict", run, "--input", "data", "--output", "data/test.csv", "--overwrite")
    assert (found.status, len(as_text(data).splitlines())) == (2, 5)


def test_another_file_is_replaced_only_with_overwrite(said, run, new, tmp_path):
    there = tmp_path / "out.csv"
    there.write_text("mine", encoding="utf-8")
    found = said("predict", run, "--input", new, "--output", "out.csv")
    assert found.status == 2
    assert "'out.csv' exists already" in found.err
    assert "--overwrite" in found.err
    assert as_text(there) == "mine"
    assert said("predict", run, "--input", new, "--output", "out.csv", "--overwrite").status == 0
    assert len(as_text(there).splitlines()) == 11


def test_a_link_to_another_file_stays_a_link(said, run, new, tmp_path):
    (tmp_path / "real.csv").write_text("mine", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert said("predict", run, "--input", new, "--output", "link.csv").status == 2
    assert said("predict", run, "--input", new, "--output", "link.csv", "--overwrite").status == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert len(as_text(tmp_path / "real.csv").splitlines()) == 11


def test_a_file_that_appears_meanwhile_is_kept_and_so_are_the_predictions(said, run, new, tmp_path, monkeypatch):
    from nlptl.cli import output

    real = output.write_lines

    def slow(path, lines):
        real(path, lines)
        (tmp_path / "out.jsonl").write_text("of another program", encoding="utf-8")

    monkeypatch.setattr(output, "write_lines", slow)
    found = said("predict", run, "--input", new, "--output", "out.jsonl")
    assert found.status == 2
    assert "it appeared meanwhile" in found.err
    assert as_text(tmp_path / "out.jsonl") == "of another program"
    assert len(read_lines(tmp_path / f"out.jsonl.{os.getpid()}")) == 10


def test_a_pipe_is_no_output(said, run, new, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    found = said("predict", run, "--input", new, "--output", "pipe.csv", "--overwrite")
    assert (found.status, "no plain file" in found.err) == (2, True)


@pytest.mark.parametrize("name", ["p.xlsx", "p", "p.csv.gz", "p.txt"])
def test_another_suffix_is_refused_with_those_that_are_written(said, run, new, tmp_path, name):
    found = said("predict", run, "--input", new, "--output", name)
    assert found.status == 2
    assert ".csv, .tsv, .jsonl, .parquet" in found.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.csv"]


def test_bad_rows_far_down_leave_no_output(said, run, tmp_path, monkeypatch):
    monkeypatch.setattr("nlptl.data.streaming.N_ROWS", 3)
    rows = [{"text": text} for text in TEXTS]
    rows[7] = {"text": {"no": "text"}}
    path = tmp_path / "new.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = said("predict", run, "--input", path, "--output", "out.csv")
    assert (found.status, "row 7" in found.err) == (2, True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.jsonl"]


# Formats.


def read(path):
    """Returns the rows of an output, its scores by label."""
    if path.suffix == ".jsonl":
        return read_lines(path)
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        rows = pq.read_table(path).to_pylist()
    else:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t" if path.suffix == ".tsv" else ","))
    return [
        {
            **{name: value for name, value in row.items() if not name.startswith("scores.")},
            "row_id": int(row["row_id"]),
            "scores": {n.removeprefix("scores."): float(v) for n, v in row.items() if n.startswith("scores.")},
        }
        for row in rows
    ]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_holds_the_row_the_prediction_and_the_scores(said, run, new, tmp_path, suffix, monkeypatch):
    monkeypatch.setattr("nlptl.data.streaming.N_ROWS", 4)  # so that it is written in three parts
    assert said("predict", run, "--input", new, "--output", f"out.{suffix}").status == 0
    rows = read(tmp_path / f"out.{suffix}")
    assert [list(row) for row in rows] == [["row_id", "id", "text", "prediction", "scores"]] * 10
    assert [(row["row_id"], row["id"], row["text"]) for row in rows] == [(i, f"n{i}", t) for i, t in enumerate(TEXTS)]
    printed = said("predict", run, "--input", new).out.splitlines()
    assert rows == [json.loads(line) for line in printed]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_an_output_is_an_input_again_and_columns_of_nlptls_names_keep_their_values(said, run, new, tmp_path, suffix):
    said("predict", run, "--input", new, "--output", f"one.{suffix}")
    found = said("predict", run, "--input", f"one.{suffix}", "--output", f"two.{suffix}")
    assert found.status == 0
    assert "'prediction' is 'input.prediction'" in found.err
    one, two = read(tmp_path / f"one.{suffix}"), read(tmp_path / f"two.{suffix}")
    for before, after in zip(one, two, strict=True):
        assert after["input.prediction"] == before["prediction"] == after["prediction"]
        assert int(after["input.row_id"]) == before["row_id"]


# Standard streams.


def test_the_input_may_follow_the_run_and_be_standard_input(said, run, new, typed):
    assert said("predict", run, new).out == said("predict", run, "--input", new).out
    typed(b"good film\n")
    (line,) = said("predict", run, "-").out.splitlines()
    assert json.loads(line)["text"] == "good film"


def test_texts_come_one_a_line_on_standard_input(said, run, new, typed):
    expected = [json.loads(line)["prediction"] for line in said("predict", run, "--input", new).out.splitlines()]
    typed(("\ufeff" + "\n".join(TEXTS[:5]) + "\r\n" + "\n".join(TEXTS[5:])).encode())
    rows = [json.loads(line) for line in said("predict", run, "--input", "-").out.splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    assert [row["prediction"] for row in rows] == expected


def test_a_blank_line_is_a_row_so_that_lines_and_predictions_stay_side_by_side(said, run, typed):
    typed(b"good film\n\nbad film\n")
    rows = [json.loads(line) for line in said("predict", run, "--input", "-").out.splitlines()]
    assert [(row["row_id"], row["text"]) for row in rows] == [(0, "good film"), (1, ""), (2, "bad film")]


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("jsonl", b'{"n": 1, "text": "good film"}\n'),
        ("csv", b"n,text\n1,good film\n"),
        ("tsv", b"n\ttext\n1\tgood film\n"),
    ],
)
def test_rows_come_in_other_formats_too(said, run, typed, form, content):
    typed(content)
    (line,) = said("predict", run, "--input", "-", "--input-format", form).out.splitlines()
    assert (json.loads(line)["text"], int(json.loads(line)["n"])) == ("good film", 1)


@pytest.mark.parametrize(
    ("content", "flags", "words"),
    [
        (b"", (), "standard input is empty"),
        (b'{"text": "good"}\n', (), "--input-format jsonl"),
        (b'{"text": 3\n', ("--input-format", "jsonl"), "standard input, line 1: not valid JSON"),
        (b"caf\xe9\n", (), "standard input is not UTF-8"),
        (b"n,m\n1,2\n", ("--input-format", "csv"), "standard input has no text column"),
        (b"x\n", ("--input-format", "xml"), "--input-format must be one of text, jsonl, csv, tsv, found 'xml'"),
    ],
)
def test_standard_input_that_is_not_as_said_is_refused_by_that_name(said, run, typed, content, flags, words):
    typed(content)
    found = said("predict", run, "--input", "-", *flags)
    assert (found.status, found.out) == (2, "")
    assert words in found.err
    assert "nlptl-" not in found.err


@pytest.mark.parametrize("flags", [("--input-format", "csv"), ("--output", "out.csv", "--output-format", "tsv")])
def test_formats_are_told_of_standard_streams_only(said, run, new, flags):
    found = said("predict", run, "--input", new, *flags)
    assert (found.status, "suffix says" in found.err) == (2, True)


@pytest.mark.parametrize(("form", "separator"), [("csv", ","), ("tsv", "\t")])
def test_standard_output_takes_other_formats(said, run, new, form, separator):
    rows = said("predict", run, "--input", new, "--output", "-", "--output-format", form).out.splitlines()
    assert rows[0].split(separator)[:4] == ["row_id", "id", "text", "prediction"]
    assert len(rows) == 11


def test_standard_output_is_not_the_input(run, new, tmp_path):
    import subprocess

    with new.open("ab") as stream:
        words = [sys.executable, "-m", "nlptl", "predict", str(run), "--input", "new.csv"]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(words, stdout=stream, stderr=subprocess.PIPE, text=True, check=False, env=env)
    assert done.returncode == 2
    assert "standard output is redirected to the input" in done.stderr


# What is said.


def test_loudness_is_one_of_three(said, run, new):
    normal = said("predict", run, "--input", new, "--output", "a.csv").err
    assert normal == "10 predictions in a.csv\n"
    assert said("predict", run, "--input", new, "--output", "b.csv", "--quiet").err == ""
    assert "10 rows done" in said("predict", run, "--input", new, "--output", "c.csv", "--verbose").err
    assert said("predict", run, "--text", "x", "--quiet", "--verbose").status == 2


def test_hostile_texts_reach_no_terminal_and_json_means_the_same(said, run):
    text = "\x1b]0;x\x07good\u202e\x9b film"
    found = said("predict", run, "--text", text)
    assert not {"\x1b", "\u202e", "\x9b", "\x07"} & set(found.out)
    assert json.loads(found.out)["text"] == text


def test_csv_on_a_terminal_is_clean_too(said, run, monkeypatch):
    monkeypatch.setattr(sys.stdout.__class__, "isatty", lambda self: True, raising=False)
    found = said("predict", run, "--text", "\x1b[2Jgood", "--output-format", "csv")
    assert "\x1b" not in found.out
    assert "\\x1b[2Jgood" in found.out
