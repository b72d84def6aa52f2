"""`nlptl report RUN --explain N`: the words of errors are coloured, from explanations.jsonl, also without the model."""

import json
import shutil
from pathlib import Path

import pytest

from nlptl.core.explanation import Explanation, Word
from nlptl.report.coloured import explained
from nlptl.report.parts import ErrorRow
from tests.cli.conftest import finished, run, said
from tests.faults.conftest import bert
from tests.report.looking import HOSTILE, check
from tests.report.runs import page_of
from tests.report.test_page import of_class, of_tags

__all__ = ["bert", "finished", "run", "said"]
TEXT = f"good {HOSTILE} film"


def explanation(row_id=0, text=TEXT, values=(0.5, -0.2, 1.0), label="good", **more):
    words, end = [], 0
    for part, value in zip(text.split(" "), values, strict=False):
        words.append(Word(part, end, end + len(part), value))
        end += len(part) + 1
    plain = {"value": 2.0, "baseline": 0.5, "error": 0.0, "is_complete": True, "n_steps": 32} | more
    return Explanation(row_id, text, None, label, label, baseline_token="[PAD]", words=tuple(words), **plain)


def test_words_are_marked_by_sign_and_strength():
    row = explained(ErrorRow("test", 0, "bad", "good", "0.9"), explanation(values=(0.5, -0.2, 1.0)))
    marked = [(piece.text, piece.sorts) for piece in row.texts[0] if piece.sorts]
    assert marked == [("good", "for l2"), (HOSTILE, "against l1"), ("film", "for l4")]
    assert row.explained == "logit of good: 2.000, without words 0.500; the strongest word adds or takes 1.000"


def test_what_is_rough_unread_or_left_to_terms_is_said():
    found = explanation(values=(0.0, None, 0.0), label=None, terms=0.25, is_complete=False, error=0.1)
    said = explained(ErrorRow("test", 0, "1", "2", ""), found).explained
    assert said.startswith("number: 2.000, without words 0.500; ")
    for part in ("TF-IDF terms, not coloured, add +0.250", "1 words were not read", "rough: the sum misses by +0.100"):
        assert part in said


def test_an_explanation_is_read_as_it_was_written():
    for found in (explanation(), explanation(label=None, terms=0.5)):
        assert Explanation.from_dict(json.loads(found.to_json())) == found


def with_explanations(folder, *found):
    """Writes a run of which rows are explained; rows 0, 10, 20 ... are errors."""
    run = of_class(folder)
    lines = [json.dumps({"format": 1, "split": "test", **one.to_dict()}) + "\n" for one in found]
    (run / "explanations.jsonl").write_text("".join(lines))
    return run


def test_the_page_shows_the_colours_of_rows_whose_text_is_the_same(tmp_path):
    same = explanation(0, "good film 0 ", (1.0, 0.2, -0.9))
    other = explanation(10, "another text", (1.0, 0.2))
    page = page_of(with_explanations(tmp_path, same, other))
    text = check(page)
    assert '<mark class="for l4">good</mark>' in page
    assert '<mark class="against l4">0</mark>' in page
    assert "Of 1 errors the words are coloured" in text
    assert "another" not in text
    assert "only predicted" not in text


def test_without_the_data_nothing_is_coloured(tmp_path):
    run = with_explanations(tmp_path, explanation(0, "good film 0 ", (1.0, 0.2, -0.9)))
    (tmp_path / "data.jsonl").unlink()
    assert "for l4" not in page_of(run).partition("</style>")[2]


@pytest.mark.parametrize("content", ["{\n", "[]\n", '{"format": 9}\n', '{"format": 1, "split": "test"}\n', "\n"])
def test_a_damaged_file_leaves_the_errors(tmp_path, content):
    run = with_explanations(tmp_path)
    (run / "explanations.jsonl").write_text(content)
    text = check(page_of(run))
    assert "12 of 12 rows with an error" in text
    assert "explanations.jsonl" in text


def test_the_command_explains_the_first_errors_with_the_model(said, run, tmp_path):
    place = shutil.copytree(run, tmp_path / "a")
    answers = place / "predictions" / "test.jsonl"
    rows = [json.loads(line) for line in answers.read_text().splitlines()]
    rows = [row | {"label": "negative"} for row in rows]  # half of its answers are now errors
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = said("report", "a", "--explain", 2)
    assert (found.status, found.err) == (0, "")
    page = (place / "report.html").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in (place / "explanations.jsonl").read_text().splitlines()]
    assert len(lines) == 2
    assert f"Of {len(lines)} errors the words are coloured" in check(page)
    assert lines[0]["words"][0].keys() == {"text", "start", "end", "value", "column"}
    shutil.rmtree(place / "model")
    assert said("report", "a").status == 0
    assert (place / "report.html").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("n", [0, 21, "x"])
def test_a_number_out_of_range_is_refused(said, run, tmp_path, n):
    shutil.copytree(run, tmp_path / "a")
    found = said("report", "a", "--explain", n)
    assert (found.status, "explain" in found.err) == (2, True)


def test_what_cannot_be_explained_is_refused(said, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    of_class(tmp_path / "a")
    found = said("report", "a/run", "--explain", 3)
    assert (found.status, found.out) == (2, "")
    of_tags(tmp_path / "tags")
    assert said("report", "tags/run", "--explain", 3).status == 2
    (tmp_path / "a" / "data.jsonl").unlink()
    found = said("report", "a/run", "--explain", 3)
    assert "their texts are not there" in " ".join(found.err.split())
    shutil.rmtree(Path("a/run/predictions"))
    found = said("report", "a/run", "--explain", 3)
    assert "There are no predictions with labels" in " ".join(found.err.split())
