"""Several runs of a study at once: the same cells, stopped and killed like single ones."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nlptl
from nlptl import InputError, Plan, Recipe
from nlptl.runs.other_process import OtherProcess
from tests.faults.conftest import bert
from tests.faults.small import reviews, say, write_csv

__all__ = ["bert"]

EVAL = {"n_bootstrap": 100, "baselines": "none"}


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_csv(tmp_path / "rows.csv", reviews(80))
    return tmp_path


def words(bert, *more, epochs=1):
    given = ("sentiment", "rows.csv", "--model.name", bert, "--train.epochs", epochs, "--train.batch_size", 2)
    given += ("--eval.n_bootstrap", 100, "--eval.baselines", "none", "--train.precision", "fp32", "--label_counts", 4)
    return tuple(map(str, ("compare", *given, *more)))


def scores(folder):
    return {c["name"]: c["score"] for c in json.loads(Path(folder, "study.json").read_text())["cells"]}


def test_two_at_once_give_the_same_scores_as_one_after_the_other(bert, work, capsys):
    grid = ("--methods", "tfidf,full", "--seeds", "0,1")
    done = say(capsys, *words(bert, *grid, "--jobs", 2, "-o", "both"))
    assert done.status == 0
    assert say(capsys, *words(bert, *grid, "-o", "one")).status == 0
    assert len(scores("both")) == 4
    assert scores("both") == scores("one")
    assert not list(Path("both").glob("*/report.html"))


def test_what_is_wrong_with_the_data_is_said_once(bert, work, capfd):
    recipe = Recipe("sentiment", "rows.csv", str(bert), train={"epochs": 1, "precision": "fp32"}, eval=EVAL)
    nlptl.study(Plan(recipe, ["tfidf", "probe"], label_counts=[4]), "both", n_jobs=2)
    said = capfd.readouterr()
    assert (said.out + said.err).count("look at macro F1 rather than accuracy") == 1


def test_a_cell_that_fails_stays_with_its_reason(bert, work):
    recipe = Recipe("sentiment", "rows.csv", str(bert), train={"precision": "fp32"}, eval=EVAL)
    deep = {"name": "partial", "layers": "last:9"}
    done = nlptl.study(Plan(recipe, ["tfidf", deep], label_counts=[4]), "both", n_jobs=2)
    assert [cell.status for cell in done.rows] == ["succeeded", "failed"]
    assert "found 'last:9'" in done.rows[1].reason


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_and_the_same_command_goes_on(bert, work, capsys, sent):
    command = words(bert, "--methods", "full", "--seeds", "0,1", "--jobs", "2", "-o", "both", epochs=100)
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen([sys.executable, "-m", "nlptl", *command], text=True, **pipe)
    wait_for(lambda: list(Path("both").glob("*/metrics.jsonl")))
    process.send_signal(sent)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + sent
    assert "the same command goes on" in out
    statuses = [cell["status"] for cell in json.loads(Path("both/study.json").read_text())["cells"]]
    assert "failed" not in statuses
    assert "interrupted" in statuses
    assert (
        say(capsys, *words(bert, "--methods", "full", "--seeds", "0,1", "--jobs", "2", "-o", "both", epochs=100)).status
        == 0
    )


def test_processes_end_when_the_study_is_killed(bert, work):
    command = words(bert, "--methods", "full", "--seeds", "0,1", "--jobs", "2", "-o", "both", epochs=3000)
    process = subprocess.Popen([sys.executable, "-m", "nlptl", *command], stdout=subprocess.DEVNULL)
    wait_for(lambda: list(Path("both").glob("*/metrics.jsonl")))
    process.kill()
    process.wait()
    wait_for(lambda: not workers())


def workers():
    found = subprocess.run(["ps", "-eo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if "nlptl.studies.at_once" in line and " Z" not in line]


def wait_for(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_the_processes_import_what_the_command_line_imports(bert, work, monkeypatch, capsys):
    text = "from nlptl import Callback\n\nclass Noted(Callback):\n    def on_end(self, facts):\n"
    (work / "own_for_study.py").write_text(f"{text}        open('noted.txt', 'a').write('x')\n")
    monkeypatch.syspath_prepend(work)
    own = ("--train.callbacks", "own_for_study.Noted")
    done = say(capsys, *words(bert, "--methods", "full", "--seeds", "0,1", "--jobs", 2, "-o", "both", *own))
    assert done.status == 0
    assert Path("noted.txt").read_text() == "xx"


def test_data_in_memory_is_refused_before_anything_is_trained(bert, work):
    recipe = Recipe("sentiment", [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}] * 20, str(bert), eval=EVAL)
    with pytest.raises(InputError, match=r"data\.train is a list in memory.*n_jobs 1"):
        nlptl.study(Plan(recipe, ["tfidf", "full"]), "both", n_jobs=2)


def test_a_process_that_ends_without_an_answer_is_said_and_started_anew():
    script = "import sys; line = sys.stdin.readline(); print(line) if 'good' in line else sys.exit(3)"
    other = OtherProcess(("-c", script))
    assert other.ask("bad") is None
    assert other.ask("good") == "good\n"
    other.end()


def test_a_number_of_jobs_below_one_is_refused(bert, work, capsys):
    done = say(capsys, *words(bert, "--methods", "tfidf", "--jobs", 0, "-o", "both"))
    assert done.status == 2
    assert "n_jobs must be at least 1" in done.err
