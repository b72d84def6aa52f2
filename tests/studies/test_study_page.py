"""The page of a study: with whatever there is, and what is missing said; safe, and made again from study.json."""

import dataclasses
import json
import math
import shutil
from pathlib import Path

import pytest

import nlptl
from nlptl import Plan, Recipe
from nlptl.core.records import Interval
from nlptl.core.study import CellDone, StudyRecord
from nlptl.studies.report.writing import write
from nlptl.studies.summary import groups, growth
from tests.faults.conftest import bert, stop, unchecked
from tests.faults.small import reviews, say, write_csv
from tests.report.looking import HOSTILE, check, shown_width
from tests.studies.test_study import make_plan, words

__all__ = ["bert", "unchecked"]
pytestmark = pytest.mark.usefixtures("reports")


def cell(method, seed=0, *, count=None, score=None, model="bert", status="succeeded", reason=None, trained=10):
    own = None if score is None else Interval(score, score - 0.05, score + 0.05)
    name = f"{method}-{count}-seed{seed}"
    if own is None:
        return CellDone(name, method, model, count, seed, status, reason)
    return CellDone(name, method, model, count, seed, status, reason, own, trained, 1.5, 300.0, 2**20)


def write_study(folder, cells, *, recipe=None, greater_is_better=True):
    """Writes study.json of cells that were run by nobody, and returns its page."""
    seen = [dict.fromkeys(getattr(one, name) for one in cells) for name in ("method", "model", "seed", "label_count")]
    plan = (recipe or Recipe("sentiment", "rows.csv")).to_dict() | {
        "methods": {name: {"name": name} for name in seen[0]},
        "models": list(seen[1]),
        "seeds": list(seen[2]),
        "label_counts": list(seen[3]),
    }
    plan.pop("method")
    own = {"greater_is_better": greater_is_better}
    record = StudyRecord(
        plan, {}, "sentiment", "test", "accuracy", True, tuple(cells), groups(cells, **own), growth(cells, **own)
    )
    record.write(folder / "study.json")
    return write(folder).read_text(encoding="utf-8")


def grid(n_seeds=3, counts=(8, 64, 512)):
    """Cells of three methods whose scores follow a law."""
    for count in counts:
        for place, method in enumerate(("tfidf", "probe", "lora")):
            for seed in range(n_seeds):
                score = 0.9 - (0.5 + place / 10) * count**-0.4 + 0.003 * seed
                yield cell(method, seed, count=count, score=score, trained=10 ** (2 * place + 1))


def test_a_whole_study_shows_groups_curves_fronts_and_runs(tmp_path):
    text = check(write_study(tmp_path, list(grid())))
    for part in (
        "Study of 3 methods: sentiment, accuracy",
        "All 27 runs finished.",
        "The best accuracy with 512 training rows of each class: tfidf, 0.8",
        "on the Pareto front",
        "1,024 in place of 512",
        "training rows of each class",
        "trained parameters",
        "peak memory in MiB",
        "artifact in MiB",
        "training time in s",
        "27 finished",
        "data.train",
    ):
        assert part in text, part


def test_failed_missing_and_interrupted_runs_are_counted_with_their_reasons(tmp_path):
    cells = [
        cell("probe", 0, score=0.8),
        cell("probe", 1, status="failed", reason="no <b>room</b> left"),
        cell("lora", 0, status="interrupted", reason="SIGINT"),
        cell("lora", 1, status="missing"),
    ]
    text = check(write_study(tmp_path, cells))
    for part in (
        "1 of 4 runs finished.",
        "1 of 4 runs failed; the reasons are under Runs.",
        "2 of 4 runs are missing or were interrupted: the same command goes on.",
        "no <b>room</b> left",
        "SIGINT",
        "1 (1 failed)",
        "Score and cost are drawn for two finished groups or more.",
    ):
        assert part in text, part


FEW = {
    "only_failed": ([cell("probe", s, status="failed", reason="why") for s in (0, 1)], "No run has finished."),
    "single": ([cell("probe", 0, score=0.75)], "The only run finished."),
    "two_seeds": ([cell("probe", s, score=0.75) for s in (0, 1)], "Two seeds give no interval"),
    "two_counts": (list(grid(1, (8, 64))), "accuracy by labels"),
    "one_seed": (list(grid(1)), "(no interval)"),
    "falling": ([cell("probe", 0, count=n, score=1 / n) for n in (2, 4, 8)], "no law could be fitted"),
    "equal": ([cell(m, s, score=0.5) for m in ("a", "b") for s in (0, 1, 2)], "All 6 runs finished."),
    "nothing_trained": ([cell(m, 0, score=0.5, trained=t) for m, t in (("a", 0), ("b", 10**6))], "All 2 runs"),
    "nan": ([cell("a", 0, score=0.5), cell("b", 0, score=math.nan)], "All 2 runs"),
}


@pytest.mark.parametrize("name", FEW)
def test_a_study_with_little_in_it_has_a_page(tmp_path, name):
    cells, said = FEW[name]
    assert said in check(write_study(tmp_path, cells))


def test_smaller_may_be_better(tmp_path):
    cells = [cell("a", 0, score=0.2), cell("b", 0, score=0.6)]
    record = write_study(tmp_path, cells, greater_is_better=False)
    StudyRecord.read(tmp_path / "study.json")
    values = json.loads((tmp_path / "study.json").read_text()) | {"greater_is_better": False, "metric": "mae"}
    (tmp_path / "study.json").write_text(json.dumps(values))
    text = check(write(tmp_path).read_text())
    assert "The best mae: a, 0.200" in text
    assert record


def test_names_of_methods_models_and_settings_stay_text(tmp_path):
    recipe = Recipe({"name": "classification"}, f"{HOSTILE}.csv")
    cells = [
        cell(f"{HOSTILE} rank={i}", 0, count=n, score=0.1 * n, model=f"x/{HOSTILE}") for n in (1, 2) for i in (1, 2)
    ]
    page = write_study(tmp_path, cells, recipe=recipe)
    text = check(page)
    assert "<script" not in page
    assert HOSTILE in text


def test_many_methods_are_drawn_six_in_a_figure(tmp_path):
    cells = [cell(f"method {m}", 0, count=n, score=0.5 + n / 100 + m / 999) for m in range(14) for n in (4, 8, 16)]
    page = write_study(tmp_path, sorted(cells, key=lambda c: c.label_count))
    check(page)
    assert page.count("accuracy by labels") == 3
    assert "2 more groups" in page


DAMAGES = [
    ("{", "study.json is damaged"),
    ("[]", "study.json is damaged"),
    ('{"format": 2}', "a newer nlptl wrote it"),
    (lambda values: {name: v for name, v in values.items() if name != "cells"}, "has no cells"),
    (lambda values: values | {"cells": [values["cells"][0] | {"status": "odd"}]}, "status is 'odd'"),
    (lambda values: values | {"groups": "x"}, "groups is 'x'"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_a_damaged_record_is_named(tmp_path, capsys, damage, message):
    write_study(tmp_path, [cell("probe", 0, score=0.5)])
    path = tmp_path / "study.json"
    path.write_text(json.dumps(damage(json.loads(path.read_text()))) if callable(damage) else damage)
    said = say(capsys, "report", tmp_path)
    assert (said.status, message in said.err) == (2, True), said.err


@pytest.mark.parametrize("plan", [{}, {"methods": 3, "data": 4, "task": 5}, {"task": {"name": "no.such"}}])
def test_an_odd_plan_leaves_the_rest(tmp_path, plan):
    write_study(tmp_path, list(grid()))
    values = json.loads((tmp_path / "study.json").read_text()) | {"plan": plan}
    (tmp_path / "study.json").write_text(json.dumps(values))
    text = check(write(tmp_path).read_text())
    assert "All 27 runs finished." in text
    assert "nlptl compare" not in text


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "rows.csv", reviews(80))
    return tmp_path


@pytest.mark.usefixtures("unchecked")
def test_a_study_ends_with_its_page_and_study_json_is_its_plan(bert, work, capsys):
    Path("plan.yaml").write_text("methods: [tfidf, {name: hybrid, balances: [1.0]}]\nseeds: [0, 1]\n")
    said = say(capsys, *words(bert, "--plan", "plan.yaml", "-o", "study"))
    assert said.status == 0, said.err
    assert "report  study/report.html" in said.out
    page = Path("study/report.html").read_text()
    text = check(page)
    assert "All 4 runs finished." in text
    command = "nlptl compare --plan study/study.json --output study"
    assert command in text
    before = Path("study/study.json").read_text()
    said = say(capsys, *command.split()[1:])
    assert said.status == 0, said.err
    assert "1 of 4" not in said.out  # nothing is left to do
    assert Path("study/study.json").read_text() == before
    assert Path("study/report.html").read_text() == page
    assert say(capsys, "compare", "--plan", "none/study.json", "-o", "x").status == 2


@pytest.mark.usefixtures("unchecked")
def test_an_interrupted_study_has_a_page(bert, work):
    with pytest.MonkeyPatch.context() as patch:
        stop(patch, 2)
        nlptl.study(make_plan(bert, methods=["tfidf", "full"], label_counts=[8]), "study")
    text = check(Path("study/report.html").read_text())
    assert "2 of 4 runs finished." in text
    assert "interrupted" in text


def test_a_study_of_data_in_memory_says_that_no_command_makes_it_again(tmp_path):
    write_study(tmp_path, [cell("probe", 0, score=0.5)])
    values = json.loads((tmp_path / "study.json").read_text())
    values["plan"]["data"]["train"] = "in-memory:DataFrame"
    (tmp_path / "study.json").write_text(json.dumps(values))
    assert "because its data was in memory" in check(write(tmp_path).read_text())


def test_methods_with_fields_are_read_from_a_stored_plan():
    from nlptl.studies import planned

    plan = Plan(Recipe("sentiment", "rows.csv"), ["tfidf", {"name": "lora", "rank": 16}])
    again = Plan.from_dict(planned.values(plan.to_dict()))
    assert again.to_dict() == plan.to_dict()
    assert planned.can_be_made_again(plan.to_dict())
    made = dataclasses.replace(plan.methods["tfidf"], balances=(3.0,))
    assert not planned.can_be_made_again(Plan(Recipe("sentiment", "rows.csv"), [made]).to_dict())


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_a_complaint_and_without_scrolling_sideways(tmp_path, width):
    failed = cell("a-method-with-a-long-name_" * 3, 0, count=8, status="failed", reason="no such file: " + "x" * 200)
    write_study(tmp_path, [*grid(), failed])
    assert shown_width(tmp_path / "report.html", tmp_path, width) <= width
