"""The part of a run's page that shows its search: trials, what was chosen, importance, settings side by side."""

import json
import re

import pytest
import yaml

from tests.report.looking import HOSTILE, check
from tests.report.runs import page_of
from tests.report.test_page import of_class

FIELDS = "train.lr=log(1e-5,1e-2) train.batch_size=[8,16] train.epochs=int(1,5)"


def trial(name, value, *, part=0, updates=20, seconds=1.25):
    found = {"name": name, "part": part, "updates": updates, "value": value, "seconds": seconds}
    return found | {"examples_per_s": 1.0, "answers": []}


def tuned(n=8, values=None):
    """Trials of two rounds; the second setting is train.lr 0.00501, train.batch_size 16, train.epochs 2."""
    rates = [float(f"{10 ** (-2 - 0.3 * i):.3g}") for i in range(n)]
    names = [f"train.lr {r}, train.batch_size {(8, 16)[i % 2]}, train.epochs {1 + i % 5}" for i, r in enumerate(rates)]
    values = values or [0.5 + 0.04 * (i % 5) for i in range(n)]
    first = [trial(f"{name}, first round", value) for name, value in zip(names, values, strict=True)]
    return [*first, *(trial(f"{name}, second round", 0.9, updates=60) for name in names[:3])]


def cells(page):
    """Checks a page and returns its text, with a blank between two cells."""
    check(page)
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def with_search(folder, trials, **recipe):
    """Writes a run of a search, and returns its folder."""
    run = of_class(folder)
    began = {"train.search": None, "train.lr": None, "method.name": "full"} | recipe
    (run / "search.json").write_text(json.dumps({"format": 1, "recipe": began, "trials": trials}))
    return run


def settle(run, part, **values):
    """Writes what the search chose into the run's recipe."""
    path = run / "recipe.yaml"
    stored = yaml.safe_load(path.read_text())
    stored[part] |= values
    path.write_text(yaml.safe_dump(stored))


def test_trials_are_shown_with_the_one_that_was_chosen(tmp_path):
    pytest.importorskip("optuna")
    run = with_search(tmp_path, tuned(), **{"train.search": FIELDS})
    settle(run, "train", lr=0.00501, batch_size=16, epochs=2)
    page = page_of(run)
    text = cells(page)
    assert "11 trials on training rows held out" in text
    assert page.count("chosen</td>") == 1
    assert "0.00501 16 2 0.900 second round 60 1.2 chosen" in text
    assert "How much each field mattered" in text
    assert "Settings and what they reached" in text
    assert ">train.batch_size</text>" in page
    assert page == page_of(run)


def test_importance_is_that_of_the_fields_that_matter(tmp_path):
    pytest.importorskip("optuna")
    values = [0.9 if i % 2 else 0.5 for i in range(12)]
    page = page_of(with_search(tmp_path, tuned(12, values), **{"train.search": FIELDS}))
    own = page[page.index("How much each field mattered") :]
    assert own.index("train.batch_size") < own.index("train.lr")


@pytest.mark.parametrize(
    ("trials", "words"),
    [
        (tuned(3), "needs 4 trials, there are 3"),
        (tuned(6, [0.5] * 6), "all trials reached the same"),
        (tuned(6, [None] * 6), "needs 4 trials, there are 0"),
        (tuned(5, [None, 0.5, 0.6, 0.7, 0.8]), "diverged"),
        ([], "0 trials"),
    ],
)
def test_what_little_a_search_has_is_shown(tmp_path, trials, words):
    text = check(page_of(with_search(tmp_path, trials, **{"train.search": FIELDS})))
    assert words in text
    assert "could not be made" not in text


def test_trials_of_methods_and_learning_rates_are_shown_by_part_and_round(tmp_path):
    trials = [trial("probe", 0.7, part=i, updates=0) for i in range(3)]
    trials += [trial("full, first round", 0.8), trial("full", 0.8), trial("full", 0.8, part=1)]
    trials += [trial("lr 2e-05, second round", 0.8), trial("lr 6e-05, second round", 0.7)]
    run = with_search(tmp_path, trials, **{"method.name": "auto", "train.lr": "auto"})
    settle(run, "train", lr=2e-5)
    page = page_of(run)
    text = cells(page)
    assert "probe 0.700 - 3 solved" in text
    assert page.count("chosen</td>") == 3
    assert "lr 2e-05 0.800 second round 1 20 1.2 chosen" in text


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"format": 7}', '{"recipe": {}, "trials": [{"name": 1}]}'])
def test_a_damaged_search_leaves_the_other_parts(tmp_path, content):
    run = of_class(tmp_path)
    (run / "search.json").write_text(content)
    text = check(page_of(run))
    assert "Transfer helped" in text
    assert "This part could not be made" in text


def test_names_of_trials_stay_text(tmp_path):
    own = f"train.schedule=[linear,{HOSTILE.replace('(1)', '')}]"
    names = ["linear", HOSTILE.replace("(1)", "")]
    trials = [trial(f"train.schedule {names[i % 2]}, first round", 0.1 * i) for i in range(6)]
    page = page_of(with_search(tmp_path, [*trials, trial(HOSTILE, 0.5)], **{"train.search": own}))
    check(page)
    assert "<script" not in page


def test_a_run_without_a_search_has_no_such_part(tmp_path):
    assert 'id="search"' not in page_of(of_class(tmp_path))
