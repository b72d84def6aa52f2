"""What a study and a comparison show: only the columns that differ, marks of the front, and what is not known."""

import math

from nlptl.core.comparison import Compared, Comparison, Pair
from nlptl.core.records import Interval
from nlptl.core.study import Group, Growth, StudyRecord
from nlptl.report import console

SCORE, TWO_SEEDS = Interval(0.75, 0.5, 1.0), Interval(0.5, math.nan, math.nan)


def group(method, *, model="bert", count=8, score=SCORE, front=()):
    return Group(method, model, count, 1, 0, score, 10.0, 1.5, None, 2**20, front)


def studied(capsys, *groups, growth=()):
    console.studied(StudyRecord({}, {}, "sentiment", "test", "accuracy", True, (), groups, growth))
    return capsys.readouterr().out


def test_models_and_numbers_of_labels_are_columns_only_if_they_differ(capsys):
    alike = studied(capsys, group("probe"), group("full"))
    assert "model" not in alike
    assert "labels" not in alike
    differ = studied(capsys, group("probe", model="a/roberta"), group("full", count=None))
    assert all(text in differ for text in ("model", "no other with as many labels", "roberta", "all"))
    assert "a/roberta" not in differ


def test_costs_on_the_front_are_marked_and_unknown_ones_are_dashes(capsys):
    said = studied(capsys, group("probe", front=("trained",)), group("full", score=TWO_SEEDS))
    assert said.count("10*") == 1
    assert "1.5*" not in said
    assert "nan" not in said
    assert " - " in said


def test_what_more_labels_would_bring_is_said_or_why_it_is_not_known(capsys):
    known = Growth("probe", "bert", 0.9, 0.6, 0.5, 64, Interval(0.02, 0.01, 0.03))
    alone = Growth("full", "bert", 0.2, -0.6, 0.5, 64, Interval(-0.02, -0.02, -0.02))
    unknown = Growth("lora", "bert", reason="the scores do not rise")
    said = studied(capsys, group("probe"), growth=(known, alone, unknown))
    assert "probe: 128 labels in place of 64: +0.0200 (+0.0100 to +0.0300), by 0.9000 - 0.6000 n^-0.50" in said
    assert "-0.0200 (one seed, no interval), by 0.2000 + 0.6000 n^-0.50" in said
    assert "lora: no learning curve could be fitted: the scores do not rise" in said


def compared(n, p=0.2):
    names = [f"run{i}" for i in range(n)]
    runs = tuple(Compared(name, name, "full", "bert", 0, SCORE, None, None, None, None, 0) for name in names)
    pairs = tuple(
        Pair(a, b, Interval(0.1, 0, 0.2), p, p, 3, (1, 2, 3)) for i, a in enumerate(names) for b in names[i + 1 :]
    )
    return Comparison("sentiment", "test", "mae", False, 9, 100, 100, 0, "run0", runs, pairs)


def test_many_pairs_are_shown_only_if_verbose(capsys):
    console.compared(compared(6))
    assert "pairs   15, too many to show here" in capsys.readouterr().out
    with console.speaking("verbose"):
        console.compared(compared(6))
    assert "run4 - run5" in capsys.readouterr().out


def test_the_sentence_names_the_better_run_also_if_smaller_is_better(capsys):
    console.compared(compared(2, p=0.01))
    assert "run1 is better than run0 (permutation test at 5 %" in capsys.readouterr().out
    console.compared(compared(2))
    assert "the difference may be chance" in capsys.readouterr().out
