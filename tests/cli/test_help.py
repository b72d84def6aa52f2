"""What help shows: the usual flags in 80 columns, all of them when asked, and of a task or method its own."""

import re

import pytest

from nlptl.core import registry
from tests.faults.small import say


@pytest.fixture
def shown(capsys, monkeypatch):
    """Returns what a command line prints when it asks for help, on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            say(capsys, *words)
        assert ended.value.code == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return call


HELPS = ["train --help", "train --help all", "train text2text -m adapter -h all", "evaluate -h", "predict --help all"]


@pytest.mark.parametrize("words", [*HELPS, "train --resume x --help", "complete --help", "compare --help", "push -h"])
def test_help_fits_80_columns_and_every_flag_says_what_it_does(shown, words):
    out = shown(*words.split())
    assert max(map(len, out.splitlines())) <= 80
    assert "None" not in out
    assert "Literal" not in out
    assert "==SUPPRESS==" not in out
    assert ".." not in out
    assert out.count("\n\n") < 20


@pytest.mark.parametrize(
    "words", ["evaluate -h", "predict -h", "compare -h", "train --resume x -h", "complete -h", "push -h"]
)
def test_what_a_flag_does_begins_with_a_capital_and_ends_with_a_full_stop(shown, words):
    flags = re.split(r"\n(?=  \S)", shown(*words.split()).split("\n\narguments:")[-1].split("\n\nnlptl")[0])[1:]
    meanings = [re.split(r" {2,}|\n +", flag.strip(), maxsplit=1)[1].partition("\n\n")[0] for flag in flags]
    assert len(meanings) > 1
    assert [text for text in meanings if not (text[0].isupper() and text.strip().endswith("."))] == []


def test_nlptl_alone_fits_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, say(capsys).out.splitlines())) <= 80


def test_help_shows_the_dozen_usual_flags_first(shown):
    out = shown("train", "--help")
    flags = [line.split()[0] for line in out.splitlines() if line.startswith("  -")]
    assert flags[:4] == ["--data.train", "--data.test", "--data.text", "--data.label"]
    assert {"-m,", "-o,", "--train.lr", "--train.epochs", "--config"} <= set(flags)
    assert len(flags) <= 18
    assert len(out.splitlines()) <= 50
    assert "--help all" in out


def test_help_all_shows_every_flag(shown):
    out = shown("train", "--help", "all")
    for part in ("data.audit", "model.pooling", "train.cache_gib", "eval.n_bootstrap", "task.scale", "train.lr"):
        assert f"--{part} " in out
    assert "more flags" not in out


@pytest.mark.parametrize(
    ("words", "own"),
    [
        ("help lora", ["--method.rank", "Rank of the update"]),
        ("help train -m lora", ["--method.rank"]),
        ("train sentiment --method lora --help", ["--method.rank", "--task.scale"]),
        ("help classification", ["--task.labels"]),
        ("help train", ["nlptl train TASK [DATA]", "nlptl train --resume"]),
        ("help train all", ["--train.warmup"]),
        ("--help predict", ["--text", "--input"]),
        ("help evaluate", ["-o, --output"]),
    ],
)
def test_help_explains_a_command_a_task_or_a_method(shown, words, own):
    out = shown(*words.split())
    assert [word for word in own if word not in out] == []


@pytest.mark.parametrize("words", [("help",), ("help", "all"), ("--help",), ()])
def test_help_alone_says_what_there_is(capsys, words):
    said = say(capsys, *words)
    assert (said.status, said.err) == (0, "")
    names = (*registry.names("task"), *registry.names("method"))
    assert [name for name in ("train", "evaluate", "predict", "help", *names) if name not in said.out] == []


def test_help_of_a_script_shows_its_own_defaults(capsys, monkeypatch):
    from nlptl import Recipe
    from nlptl.cli import main

    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(Recipe(train={"epochs": 12}), ["--help"])
    assert "here: 12." in capsys.readouterr().out
