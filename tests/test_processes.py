"""Runs on two processes, by every launcher: the run of one process, and no hang when one of them fails."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.small import read_lines, reviews, write_csv

SCRIPT = """
import sys
from nlptl.cli import main
from nlptl import Recipe, Sentiment

if __name__ == "__main__":
    raise SystemExit(main(Recipe(task=Sentiment()), sys.argv[1:]))
"""
IN_PROCESS = """
import sys
from accelerate import notebook_launcher
from nlptl.cli import main
from nlptl import Recipe, Sentiment

def run(words):
    status = main(Recipe(task=Sentiment()), words)
    assert status == 0, status

if __name__ == "__main__":
    notebook_launcher(run, (sys.argv[1:],), num_processes=2, use_port=PORT)
"""
FAILING = """
import os, sys, time
from pathlib import Path
from nlptl.cli import main
from nlptl import Recipe, Sentiment
from nlptl.engine import loop

after = loop._Loop._after_update

def fail(self):
    if os.environ["RANK"] == sys.argv[1] and self.progress.update == 3:
        Path(sys.argv[2]).write_text(str(time.time()))
        raise RuntimeError("this worker broke")
    after(self)

loop._Loop._after_update = fail
raise SystemExit(main(Recipe(task=Sentiment()), sys.argv[3:]))
"""
N_TEST, SECONDS = 21, 30


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a train, a validation and a test file."""
    for name, n in (("train", 48), ("validation", 16), ("test", N_TEST)):
        write_csv(tmp_path / f"{name}.csv", reviews(n))
    return tmp_path


def launch(work: Path, script: str, *launcher: object, words: tuple[object, ...] = (), **variables: str):
    """Returns a finished process that a launcher started with a script."""
    path = work / "script.py"
    path.write_text(script.replace("PORT", str(free_port())))
    command = [sys.executable, *launcher, path, *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | variables
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=environment | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def flags(work: Path, bert: Path, output: str, *more: object) -> tuple[object, ...]:
    own = ("--model.dropout", 0, "--train.precision", "fp32", "--train.epochs", 2, "--train.batch_size", 8)
    quick = ("--train.lr", "1e-3", "--train.log_every", 1, "--eval.baselines", "none", "--eval.n_bootstrap", 100)
    return "--data.train", work, "--model.name", bert, *own, *quick, "--output", work / output, *more


TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", 2)
ACCELERATE = ("-m", "accelerate.commands.launch", "--mixed_precision", "no", "--dynamo_backend", "no")
LAUNCHERS = {
    "torchrun": (SCRIPT, TORCHRUN),
    "accelerate launch": (SCRIPT, (*ACCELERATE, "--multi_gpu", "--num_processes", 2, "--num_machines", 1)),
    "in-process": (IN_PROCESS, ()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAUNCHERS)
def test_two_processes_give_the_losses_metrics_and_predictions_of_one(work, tiny_folders, name):
    script, launcher = LAUNCHERS[name]
    port = ("--main_process_port", free_port()) if name == "accelerate launch" else ()
    for output, done in (
        ("one", launch(work, SCRIPT, words=flags(work, tiny_folders["bert"], "one"))),
        ("two", launch(work, script, *launcher, *port, words=flags(work, tiny_folders["bert"], "two"))),
    ):
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stdout.count("reload") == 1, output  # the main process alone prints
    one, two = (read_lines(work / output / "metrics.jsonl") for output in ("one", "two"))
    losses = [[line["loss"] for line in lines if "loss" in line] for lines in (one, two)]
    assert len(losses[0]) == 12
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
    one, two = (read_lines(work / output / "predictions" / "test.jsonl") for output in ("one", "two"))
    assert [line["row_id"] for line in two] == list(range(N_TEST))
    for ours, theirs in zip(one, two, strict=True):
        assert ours["prediction"] == theirs["prediction"]
        assert ours["scores"] == pytest.approx(theirs["scores"], abs=1e-4)
    one, two = (json.loads((work / output / "result.json").read_text()) for output in ("one", "two"))
    assert one["metrics"] == two["metrics"]


@pytest.mark.parametrize("method", ["probe", pytest.param("partial", marks=pytest.mark.slow)])
def test_methods_with_frozen_layers_give_on_two_processes_what_they_give_on_one(work, tiny_folders, method):
    more = (
        "--method",
        method,
        *(("--method.layers", "last:1") if method == "partial" else ("--model.pooling", "mean")),
    )
    found = []
    for output, launcher in (("one", ()), ("two", TORCHRUN)):
        cache = ("--train.cache_dir", work / f"cache-{output}")
        words = flags(work, tiny_folders["bert"], output, *more, *cache)
        done = launch(work, SCRIPT, *launcher, words=words)
        assert done.returncode == 0, done.stderr[-3000:]
        lines = read_lines(work / output / "predictions" / "test.jsonl")
        assert [line["row_id"] for line in lines] == list(range(N_TEST))
        found.append([value for line in lines for value in line["scores"].values()])
    assert found[1] == pytest.approx(found[0], abs=1e-4)


def test_a_launch_that_silently_starts_one_process_is_refused(work, tiny_folders):
    words = flags(work, tiny_folders["bert"], "run")
    done = launch(work, SCRIPT, *ACCELERATE, "--cpu", "--num_processes", 2, words=words)
    assert done.returncode == 1
    assert "error: accelerate launch was asked for several processes and started a single one" in done.stderr
    assert "torchrun --nproc_per_node N" in done.stderr
    assert not (work / "run").exists()


def test_one_process_by_accelerate_launch_is_fine(work, tiny_folders):
    words = flags(work, tiny_folders["bert"], "run", "--train.epochs", 1)
    done = launch(work, SCRIPT, *ACCELERATE, "--cpu", "--num_processes", 1, "--num_machines", 1, words=words)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("rank", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_failing_process_ends_all_with_its_traceback(work, tiny_folders, rank):
    failed_at = work / "failed"
    words = (rank, failed_at, *flags(work, tiny_folders["bert"], "run"))
    done = launch(work, FAILING, *TORCHRUN, words=words)
    assert time.time() - float(failed_at.read_text()) < SECONDS
    assert done.returncode != 0
    assert "RuntimeError: this worker broke" in done.stderr
    assert json.loads((work / "run" / "result.json").read_text())["status"] == "failed"


@pytest.mark.slow
def test_a_run_of_two_processes_goes_on_with_one_and_back(work, tiny_folders):
    """A checkpoint does not depend on the number of processes."""
    words = flags(work, tiny_folders["bert"], "whole")
    assert launch(work, SCRIPT, words=words).returncode == 0
    # Each stops after a few updates, as on SIGTERM, and the next goes on.
    stopping = SCRIPT.replace("import sys\n", STOPPING, 1)
    first = launch(work, stopping, *TORCHRUN, words=flags(work, tiny_folders["bert"], "run"), STOP_AT="4")
    assert "Signal" in first.stderr or first.returncode != 0
    second = launch(work, stopping, words=("--resume", work / "run"), STOP_AT="7")
    assert second.returncode == 143, second.stderr[-2000:]
    third = launch(work, SCRIPT, *TORCHRUN, words=("--resume", work / "run"))
    assert third.returncode == 0, third.stderr[-3000:]
    whole, run = (read_lines(work / output / "metrics.jsonl") for output in ("whole", "run"))
    losses = [[line["loss"] for line in lines if "loss" in line] for lines in (whole, run)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


STOPPING = """
import os, signal, sys
from nlptl.engine import loop

after = loop._Loop._after_update

def stop(self):
    if self.progress.update == int(os.environ["STOP_AT"]) and self.compute.is_main:
        signal.raise_signal(signal.SIGTERM)
    after(self)

loop._Loop._after_update = stop
"""
