"""The tables of a suite whose systems stand side by side, written from its records."""

import json
from importlib import import_module

import pytest

HARDWARE = {"cpu": "a processor", "cores": 2, "memory_gib": 16, "bf16": []}
VERSIONS = {"torch": "2", "transformers": "5"}


def record(case, system, accuracy, seed=0, total_s=10.0, **more):
    """Returns what a benchmark says of one run; its macro F1 is a tenth less."""
    about = {"case": case, "system": system, "seed": seed, "status": "ok", "total_s": total_s}
    about |= {"date": "2026-11-25", "commit": "c0ffee", "dirty": False, "cpu": HARDWARE["cpu"]}
    return about | {"metrics": {"accuracy": accuracy, "macro_f1": accuracy - 0.1, **more}}


FAILED = {**record("sst2_300", "setfit", 0), "status": "failed", "error": "SetFit cannot be imported"}
RECORDS = [
    record("imdb_300", "nlptl", 0.7, total_s=20),
    record("imdb_300", "trainer_grid", 0.75, total_s=3, search_s=180),
    record("sst2_300", "nlptl", 0.80),
    record("sst2_300", "nlptl", 0.84, seed=1),
    record("sst2_300", "trainer_grid", 0.78, total_s=3, search_s=90),
    record("sst2_300", "trainer_grid", 0.80, seed=1, total_s=30, search_s=90),
    record("sst2_300", "tfidf", 0.86, total_s=1),
    FAILED,
]


@pytest.fixture
def lines(tmp_path):
    """The lines that the tables' program writes between a page's markers."""
    tables = import_module("tables")
    content = {"suite": "defaults", "scale": "full", "date": "2026-11-25", "hardware": HARDWARE}
    (tmp_path / "defaults.json").write_text(json.dumps({**content, "versions": VERSIONS, "records": RECORDS}))
    page = tmp_path / "page.md"
    page.write_text("# Results\n<!-- results:defaults -->\n<!-- /results:defaults -->\n")
    words = ["--pages", str(page), "--results", str(tmp_path)]
    assert tables.main(words) == 0
    assert tables.main([*words, "--check"]) == 0
    return page.read_text().splitlines()


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def row(lines, *begin):
    """Returns the cells of the one line that begins with these."""
    (found,) = [cells(line) for line in lines if cells(line)[: len(begin)] == list(begin)]
    return found


def test_every_case_is_a_line_and_every_system_a_column(lines):
    header = row(lines, "case", "nlptl")
    own = ["nlptl", "nlptl_auto", "nlptl_lr_auto", "nlptl_hybrid"]
    systems = [*own, "trainer", "trainer_grid", "setfit", "tfidf"]
    assert header == ["case", *systems]
    shown = dict(zip(header, row(lines, "sst2_300", "0.820 / 0.720"), strict=True))
    assert shown["trainer_grid"] == "0.790 / 0.690"
    assert shown["tfidf"] == "0.860 / 0.760 (1)"  # one seed of two
    assert (shown["setfit"], shown["trainer"]) == ("failed", "-")
    first = [cells(line)[0] for line in lines if " / " in line and line.startswith("| ")]
    assert first == ["sst2_300", "imdb_300"]  # the suite's order, and nothing that was not measured


def test_differences_are_means_over_the_cases_that_both_systems_have(lines):
    assert row(lines, "nlptl", "trainer_grid")[2:] == [
        "-0.0100",  # of +0.03 and -0.05
        "-0.0500 (imdb_300)",
        "-0.0100",
        "-0.0500 (imdb_300)",
        "0.11",  # 10 + 20 s beside 90 + 180: what a resumed search still had to do counts for nothing
        "2",
    ]
    assert row(lines, "nlptl", "trainer")[2:] == ["-", "-", "-", "-", "-", "0"]


def test_the_best_of_the_others_is_another_one_in_each_case(lines):
    # TF-IDF for sst2_300, whose only seed is 0: 0.80 - 0.86; the grid for imdb_300: 0.70 - 0.75.
    assert row(lines, "nlptl", "the best of the others")[2:4] == ["-0.0550", "-0.0600 (sst2_300)"]


def test_targets_stand_below(lines):
    assert row(lines, "sst2_300", "accuracy >= sst2_300/trainer_grid -0.03")[-1] == "yes"
    assert row(lines, "imdb_300", "accuracy >= imdb_300/trainer_grid -0.03")[-1] == "**no**"
    assert row(lines, "imdb_1000", "accuracy >= imdb_1000/trainer_grid -0.03")[-1] == "not measured"


def test_a_target_may_be_about_another_system_than_the_plain_one():
    cases, comparing = import_module("cases"), import_module("comparing")
    target = cases.Target("sst2_300", "accuracy", ">=", 0.9, system="tfidf")
    assert str(target) == "accuracy of tfidf >= 0.9"
    assert comparing.compared(target, RECORDS) == [0.86]
