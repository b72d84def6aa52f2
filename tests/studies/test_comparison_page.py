"""The page of a comparison: whole for every kind of answers, safe, and made again from the files."""

import json
import shutil
from pathlib import Path

import pytest

import nlptl
from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.studies.report.writing import write
from tests.faults.small import say
from tests.report.looking import HOSTILE, check, shown_width
from tests.report.runs import write_run as write_whole_run
from tests.studies.made import answered, write_run
from tests.studies.test_compare import runs

__all__ = ["runs"]

pytestmark = pytest.mark.usefixtures("reports")


def page_of(folder):
    return (Path(folder) / "report.html").read_text(encoding="utf-8")


def test_the_command_writes_a_page_that_says_what_was_found(runs, capsys):
    said = say(capsys, "compare", *runs, "-o", "out")
    assert "report  out/report.html" in said.out
    text = check(page_of("out"))
    for words in (
        "3 runs compared: accuracy on test",
        "nlptl compare runs/a runs/b runs/c --split test --metric accuracy --output out --overwrite",
        "2 of 3 pairs differ by more than chance.",
        "a is better than b; c is better than b; 1 of 3 differences may be chance",
        "the reference",
        "McNemar, corrected",
        "test row",
        "rows are shown by their ids alone",
        "artifact, MiB",
    ):
        assert words in text, words


def test_the_command_on_the_page_makes_the_same_page(runs, capsys):
    more = ("--reference", "best", "--seed", 3, "--n_bootstrap", 200, "--metric", "macro_f1")
    assert say(capsys, "compare", "runs/b", "runs/a", *more, "-o", "a folder").status == 0
    before = page_of("a folder")
    words = "nlptl compare runs/b runs/a --split test --metric macro_f1 --reference best --n_bootstrap 200 --seed 3"
    assert f"{words} --output &#39;a folder&#39; --overwrite" in before
    assert say(capsys, *words.split()[1:], "--output", "a folder", "--overwrite").status == 0
    assert page_of("a folder") == before
    (Path("a folder") / "report.html").unlink()
    assert say(capsys, "report", "a folder").status == 0
    assert page_of("a folder") == before


def test_runs_that_agree_on_every_row_have_a_page(runs, tmp_path):
    shutil.copytree("runs/a", "runs/again")
    nlptl.compare(["runs/a", "runs/again"]).write("out")
    text = check(page_of("out"))
    assert "No run is shown to be better than another." in text
    assert "The runs give the same answer to every row." in text


@pytest.mark.parametrize("content", [None, "", "row_id\n1\n", "row_id,label,a,b\nx,y,z,w\n", "\x00"])
def test_without_the_rows_the_other_parts_stay(runs, content):
    nlptl.compare(runs[:2]).write("out")
    path = Path("out/differences.csv")
    path.unlink() if content is None else path.write_text(content)
    text = check(write(Path("out")).read_text())
    assert "McNemar" in text
    assert "compare the runs again" in text or "test row" not in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 9}', "has format 9"),
        ("{}", "comparison.json has no task"),
        (lambda values: values | {"pairs": [1]}, "pairs is 1"),
    ],
)
def test_a_damaged_record_is_named(runs, capsys, content, message):
    nlptl.compare(runs[:2]).write("out")
    path = Path("out/comparison.json")
    path.write_text(json.dumps(content(json.loads(path.read_text()))) if callable(content) else content)
    said = say(capsys, "report", "out")
    assert (said.status, message in said.err) == (2, True), said.err


def test_a_page_replaces_none_of_a_run_or_a_study_and_none_unasked(runs, capsys):
    said = say(capsys, "compare", *runs, "-o", "runs/a", "--overwrite")
    assert "holds a run, which has a report.html of its own" in " ".join(said.err.split())
    Path("other").mkdir()
    Path("other/report.html").write_text("mine")
    with pytest.raises(InputError, match=r"holds report\.html: nothing is replaced"):
        nlptl.compare(runs).write("other")
    nlptl.compare(runs).write("out")
    said = say(capsys, "report", "out", "--eval.slices", "x")
    assert (said.status, "--eval.slices is for runs" in said.err) == (2, True)


def hostile_runs(folder):
    """Two runs of three rows whose texts, labels and folders hold a script."""
    names = (HOSTILE, "<img src=x onerror=y>")
    rows = [{"text": f"{HOSTILE} {i}", "label": names[i % 2]} for i in range(40)]
    for name, share in (("<b>x", 3), (HOSTILE.replace("/", ""), 5)):
        answers = [names[(i + (i % share == 0)) % 2] for i in range(40)]
        yield write_whole_run(folder / name, "classification", rows, answers)


def test_texts_labels_and_folders_stay_text(tmp_path):
    nlptl.compare(list(hostile_runs(tmp_path))).write(tmp_path / "<i>out")
    page = page_of(tmp_path / "<i>out")
    text = check(page)
    assert "<script" not in page
    assert f"{HOSTILE} 3" in text
    assert "<img src=x onerror=y> right" in text


def test_long_written_texts_and_many_runs_fit(tmp_path):
    for i in range(8):
        answers = [f"word {(i + j) % 3}" for j in range(4)]
        write_run(tmp_path / f"r{i}", ["a b"] * 4, answered(answers), task="text2text", labels=LabelSpace(()))
    nlptl.compare([tmp_path / f"r{i}" for i in range(8)]).write(tmp_path / "out")
    rows = tmp_path / "out" / "differences.csv"
    rows.write_text(rows.read_text().replace("word 0", "word " * 40_000))
    text = check(write(tmp_path / "out").read_text())
    assert "8 more pairs" in text
    assert "All 4 rows" in text


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_a_complaint_and_without_scrolling_sideways(runs, tmp_path, width):
    shutil.copytree("runs/a", "runs/a-run-with-a-rather-long-name-and_no_blanks_at_all_in_its_last_part")
    nlptl.compare([*runs, "runs/a-run-with-a-rather-long-name-and_no_blanks_at_all_in_its_last_part"]).write("out")
    assert shown_width(Path("out/report.html"), tmp_path, width) <= width
