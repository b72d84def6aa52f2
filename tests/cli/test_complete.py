"""What a shell is told when it asks how a line may go on."""

import subprocess
import sys

import pytest

from tests.faults.small import say

pytest.importorskip("argcomplete")


@pytest.fixture
def after(tmp_path):
    """Returns what may follow a line, as a shell asks: in a process of its own, by environment variables."""

    def call(line):
        answers = tmp_path / "answers"
        answers.write_text("")
        asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": str(answers)}
        environment = {"COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9", **asked}
        program = f"import os, sys; os.environ |= {environment!r}; from nlptl.cli import command; command([])"
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert "Traceback" not in done.stderr, done.stderr
        return [word.strip() for word in answers.read_text().split("\n") if word]

    return call


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nlptl tr", ["train"]),
        ("nlptl train senti", ["sentiment"]),
        ("nlptl help lo", ["lora"]),
        ("nlptl train sentiment --train.ep", ["--train.epochs"]),
        ("nlptl train sentiment -m lora --method.ra", ["--method.rank"]),
        ("nlptl train sentiment -m pro", ["probe"]),
        ("nlptl train --method ", ["adapter", "auto", "full", "hybrid", "lora", "partial", "probe"]),
        ("nlptl train --train.keep ", ["best", "last"]),
        ("nlptl predict --ques", ["--question"]),
        ("nlptl complete ", ["bash", "zsh", "fish"]),
        ("nlptl train --bogus 3 --train.ep", ["--train.epochs"]),
        ("nlptl train --method bogus --train.ep", []),
        ("nlptl xyz ", []),
    ],
)
def test_words_flags_and_values_are_completed(after, line, words):
    assert [word for word in after(line) if not word.startswith("-h") and word != "--help"] == words


def test_files_are_completed_where_a_file_is_expected(after, tmp_path):
    (tmp_path / "reviews.csv").write_text("")
    assert after("nlptl train sentiment --data.train rev") == ["reviews.csv"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shells_script_is_printed(capsys, shell):
    said = say(capsys, "complete", shell)
    assert said.status == 0
    assert "nlptl" in said.out


def test_bash_completes_after_the_script_was_read(tmp_path):
    script = subprocess.run(
        [sys.executable, "-m", "nlptl", "complete", "bash"], capture_output=True, text=True, check=True
    )
    (tmp_path / "nlptl").write_text(f'#!/bin/sh\nexec {sys.executable} -m nlptl "$@"\n')
    (tmp_path / "nlptl").chmod(0o755)
    lines = [
        f"PATH={tmp_path}:$PATH",
        script.stdout,
        'COMP_LINE="nlptl train sentiment --train.ep" COMP_POINT=32 COMP_WORDS=(nlptl train sentiment --train.ep)',
        "COMP_CWORD=3 COMP_TYPE=9 _python_argcomplete nlptl 2>/dev/null",
        'echo "${COMPREPLY[@]}"',
    ]
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "--train.epochs"
