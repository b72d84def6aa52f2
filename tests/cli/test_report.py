"""`nlptl report`, and the page that a run ends with."""

import shutil
import sys

import pytest

from tests.faults.small import QUICK, reviews, write_csv

WRITE = "nlptl.runs.report.writing.write"
pytestmark = pytest.mark.usefixtures("reports")


@pytest.fixture
def copied(run, tmp_path):
    """A copy of the finished run in the current folder."""
    shutil.copytree(run, tmp_path / "a")
    return "a"


@pytest.fixture
def short(bert, tmp_path, monkeypatch):
    """The words of a run that takes a second."""
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
    monkeypatch.chdir(tmp_path)
    rows = [row | {"shop": f"shop {i % 2}"} for i, row in enumerate(reviews(60))]
    words = ("train", "--data.train", write_csv(tmp_path / "rows.csv", rows), "--model.name", bert)
    return (*words, *QUICK, "--train.epochs", 1, "--output", "run")


def test_a_run_ends_with_a_page_and_its_path(said, short, tmp_path):
    found = said(*short, "--eval.slices", "shop")
    assert (found.status, found.err) == (0, "")
    assert "report  run/report.html" in found.out
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "shop 1" in page
    (tmp_path / "run" / "report.html").unlink()
    assert said("report", "run").status == 0
    assert (tmp_path / "run" / "report.html").read_text(encoding="utf-8") == page


def test_a_column_that_is_not_there_is_refused_before_training(said, short, tmp_path):
    found = said(*short, "--eval.slices", "shp")
    assert found.status == 2
    assert "has no column 'shp' (did you mean 'shop'?), which --eval.slices names" in found.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("error", [RuntimeError("odd"), OSError("full"), ZeroDivisionError()])
def test_a_page_that_fails_loses_no_run(said, short, tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(WRITE, fail)
    found = said(*short)
    assert found.status == 0
    assert f"the report could not be written ({type(error).__name__}" in " ".join(found.out.split())
    assert (tmp_path / "run" / "result.json").exists()


def test_without_the_extra_a_run_says_how_to_get_the_page(said, short, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "nlptl.runs.report.writing", raising=False)
    monkeypatch.delitem(sys.modules, "nlptl.report.page", raising=False)
    monkeypatch.delitem(sys.modules, "nlptl.report.rendering", raising=False)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    found = said(*short)
    assert found.status == 0
    assert "report  pip install 'nlptl[report]', then nlptl report run" in found.out
    assert not (tmp_path / "run" / "report.html").exists()
    found = said("report", "run")
    assert found.status == 2
    assert "pip install 'nlptl[report]'" in found.err


def test_several_runs_are_reported_at_once(said, run, tmp_path, copied):
    shutil.copytree(run, tmp_path / "b")
    found = said("report", "a", "b")
    assert [line.split()[-1] for line in found.out.splitlines()] == ["a/report.html", "b/report.html"]
    assert said("report", "--quiet", "a").out == ""


def test_what_is_no_run_is_refused(said, run, tmp_path, copied):
    assert "nlptl report needs RUN" in said("report").err
    assert "there is no folder 'nowhere' of a run, a comparison or a study" in said("report", "nowhere").err
    (tmp_path / "empty").mkdir()
    assert "empty has no result.json" in said("report", "empty").err
    found = said("report", "a", "--eval.slices", "nosuch")
    assert (found.status, "no column 'nosuch'" in found.err) == (2, True)


@pytest.mark.parametrize("name", ["full", "lora"])
def test_a_run_of_an_older_version_has_a_page(said, tmp_path, monkeypatch, name):
    from tests.test_old_runs import OLD

    monkeypatch.chdir(shutil.copytree(OLD, tmp_path / "old"))
    found = said("report", name)
    assert (found.status, found.err) == (0, "")
    page = (tmp_path / "old" / name / "report.html").read_text(encoding="utf-8")
    for words in ("On test, accuracy is", "test row", "characters", "older"):
        assert words in page
    assert "could not be made" not in page
