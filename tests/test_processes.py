"""Runs on two processes, by every launcher: the run of one process, and no hang when one of them fails."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from nlptl import Classification, Recipe, Sentiment
from nlptl.cli import main
from tests.faults.small import read_lines, reviews, write_csv
from tests.test_every_task import rows

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
CALLED = """
import dataclasses
from nlptl.core.callbacks import Callback
from nlptl.engine import loop

train = loop.train

def call(callback, change=lambda job: job):
    loop.train = lambda job, *more: train(
        dataclasses.replace(change(job), callbacks=[*job.callbacks, callback]), *more
    )
"""
FAILING = (
    CALLED
    + """
import os, sys, time
from pathlib import Path
from nlptl.cli import main
from nlptl import Recipe, Sentiment

class Fail(Callback):
    def on_update(self, facts):
        if os.environ["RANK"] == sys.argv[1] and facts.update == 3:
            Path(sys.argv[2]).write_text(str(time.time()))
            raise RuntimeError("this worker broke")

call(Fail())
raise SystemExit(main(Recipe(task=Sentiment()), sys.argv[3:]))
"""
)
UNCHECKED = """
from nlptl.runs import reload_check

reload_check.run = lambda *_: {"max_abs_diff": 0.0, "n_examples": 0}
"""
ROWS_OF_SMALL_VOCABULARIES = """
from nlptl.engine import used_rows

used_rows.MIN_ROWS = 1
"""
N_TEST, SECONDS = 21, 30


def write_data(folder: Path) -> Path:
    """Returns a folder with a train, a validation and a test file."""
    for name, n in (("train", 48), ("validation", 16), ("test", N_TEST)):
        write_csv(folder / f"{name}.csv", reviews(n))
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a train, a validation and a test file."""
    return write_data(tmp_path)


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
    own = ("--model.dropout", 0.2, "--train.precision", "fp32", "--train.epochs", 2, "--train.batch_size", 8)
    quick = ("--train.lr", "1e-3", "--train.log_every", 1, "--eval.baselines", "none", "--eval.n_bootstrap", 100)
    return "--data.train", work, "--model.name", bert, *own, *quick, "--output", work / output, *more


TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", 2)
ACCELERATE = ("-m", "accelerate.commands.launch", "--mixed_precision", "no", "--dynamo_backend", "no")
LAUNCHERS = {
    "torchrun": (SCRIPT, TORCHRUN),
    "accelerate launch": (SCRIPT, (*ACCELERATE, "--multi_gpu", "--num_processes", 2, "--num_machines", 1)),
    "in-process": (IN_PROCESS, ()),
}
READY = Path(__file__).parents[1] / "recipes" / "accelerate"
STAGE_3 = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
STAGE_2 = {**STAGE_3, "FSDP_RESHARD_AFTER_FORWARD": "false"}


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
    for split, metrics in one["metrics"].items():
        for metric, interval in metrics.items():  # those of scores differ as the scores do
            assert two["metrics"][split][metric] == pytest.approx(interval, abs=1e-6), metric


@pytest.fixture(scope="module")
def together(tiny_folders, tmp_path_factory) -> Path:
    """A folder with what two processes of one launch did, run by run, and the same runs by this process alone."""
    place = write_data(tmp_path_factory.mktemp("together"))
    bert, place_of = tiny_folders["bert"], {n: place / n for n in ("one", "two")}
    for split, n, start in (("train", 48, 0), ("validation", 16, 100), ("test", N_TEST, 200)):
        lines = [json.dumps(r) + "\n" for r in rows("windows", n, start)]
        (place / "windows").mkdir(exist_ok=True)
        (place / "windows" / f"{split}.jsonl").write_text("".join(lines))
    once = ("--train.epochs", 1)
    runs = {
        "probe": ("checked", "--method", "probe", "--model.pooling", "mean"),
        "forward": ("out_of_memory", *once, "--train.micro_batch_tokens", 256),
        "backward": ("out_of_memory", *once, "--train.micro_batch_tokens", 256),
        "windows": ("windows", "--data.train", place / "windows", "--model.max_length", 16, "--model.dropout", 0),
        "sharded": ("sharded", "--train.micro_batch_tokens", 40),  # so that one process has more micro-batches
        "r_drop": ("train", "--train.r_drop", 1, "--train.average", "epochs", "--method.reinit_layers", 1),
        "method": ("train", "--method", "auto", "--method.tried", "tfidf,probe,full"),
        "rate": ("train", "--train.epochs", 20, "--train.lr", "auto", "--train.search_share", 0.7),
        "seeds": ("train", "--train.seeds", 2, "--train.epochs", 1),
        "tune": ("train", "--train.search", "train.lr=log(1e-4,1e-2)", "--train.n_trials", 3),
        "sharded_r_drop": ("sharded", "--train.r_drop", 1, "--train.average", "exponential"),
    }
    jobs: list[tuple[str, list[str]]] = [("parts", [str(bert), str(place)])]
    for name, (does, *more) in runs.items():
        for output, folder in place_of.items():
            words = [*flags(place, bert, f"{output}/{name}", *more), "--train.cache_dir", folder / f"cache-{name}"]
            if output == "two":
                jobs.append((does, [str(w) for w in ([name, *words] if does == "out_of_memory" else words)]))
            else:
                alone(*words, task=Classification(long="window", overlap=2) if name == "windows" else Sentiment())
    (place / "jobs.json").write_text(json.dumps(jobs))
    done = launch(
        place, (Path(__file__).parent / "two_processes.py").read_text(), *TORCHRUN, words=(place / "jobs.json",)
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return place


def alone(*words: object, task: Any = None) -> None:
    """Runs a recipe in this process, without its reload check."""
    with mock.patch("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0}):
        assert main(Recipe(task=task or Sentiment()), [str(word) for word in words]) == 0


def numbers(run: Path) -> tuple[list[float], list[float]]:
    """Returns the losses of a run and the scores of its test rows, which are all there and in their order."""
    losses = [line["loss"] for line in read_lines(run / "metrics.jsonl") if "loss" in line]
    lines = read_lines(run / "predictions" / "test.jsonl")
    assert [line["row_id"] for line in lines] == list(range(N_TEST))
    return losses, [value for line in lines for value in line["scores"].values()]


def assert_same(two: Path, one: Path, n_losses: int, abs_: float = 1e-4) -> None:
    (losses, scores), (found, answers) = numbers(one), numbers(two)
    assert len(losses) == n_losses
    assert found == pytest.approx(losses, abs=abs_)
    assert answers == pytest.approx(scores, abs=abs_)


def test_a_probe_on_two_processes_is_that_on_one_and_passes_its_reload_check(together):
    assert_same(together / "two" / "probe", together / "one" / "probe", 0)
    result = json.loads((together / "two" / "probe" / "result.json").read_text())
    assert result["reload_check"]["n_examples"] > 0


def test_windows_of_long_texts_are_divided_over_two_processes(together):
    one, two = (read_lines(together / n / "windows" / "predictions" / "test.jsonl") for n in ("one", "two"))
    assert [line["prediction"] for line in two] == [line["prediction"] for line in one]
    assert_same(together / "two" / "windows", together / "one" / "windows", 12, 1e-3)


@pytest.mark.parametrize("name", ["method", "rate", "tune"])
def test_a_search_finds_on_two_processes_what_it_finds_on_one(together, name):
    one, two = (together / n / name for n in ("one", "two"))
    tried = [json.loads((run / "search.json").read_text())["trials"] for run in (one, two)]
    facts = [[(trial["name"], trial["part"], trial["updates"]) for trial in trials] for trials in tried]
    assert facts[0] == facts[1]
    assert [t["value"] for t in tried[1]] == pytest.approx([t["value"] for t in tried[0]], abs=1e-6)
    chosen = [json.loads((run / "result.json").read_text())["method"] for run in (one, two)]
    assert chosen[0] == chosen[1]
    rates = [yaml.safe_load((run / "recipe.yaml").read_text())["train"]["lr"] for run in (one, two)]
    assert rates[0] == rates[1]


def test_the_best_of_two_seeds_is_on_two_processes_that_on_one(together):
    one, two = (together / n / "seeds" for n in ("one", "two"))
    assert_same(two, one, 12)
    seeds = [json.loads((run / "result.json").read_text())["training"]["seeds"] for run in (one, two)]
    assert [s["chosen"] for s in seeds[0]] == [s["chosen"] for s in seeds[1]]


@pytest.mark.slow
def test_frozen_layers_give_on_two_processes_what_they_give_on_one(work, tiny_folders):
    more = ("--method", "partial", "--method.layers", "last:1")
    for output, launcher in (("one", ()), ("two", TORCHRUN)):
        cache = ("--train.cache_dir", work / f"cache-{output}")
        words = flags(work, tiny_folders["bert"], output, *more, *cache)
        done = launch(work, SCRIPT, *launcher, words=words)
        assert done.returncode == 0, done.stderr[-3000:]
    assert_same(work / "two", work / "one", 12)


def test_sharded_training_gives_the_losses_and_predictions_of_one_process(together):
    assert_same(together / "two" / "sharded", together / "one" / "sharded", 12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "stage", "more"),
    [
        ("bert", STAGE_2, ()),
        ("t5", STAGE_3, ("--model.head", "label_words")),
        ("deberta_v2", STAGE_3, ("--train.gradient_checkpointing", "true", "--model.dropout", 0)),
        ("roberta", STAGE_3, ("--method", "lora", "--method.dropout", 0.2)),
        ("bert", STAGE_3, ("--method", "adapter")),
        ("bert", STAGE_3, ("--method", "partial", "--method.layers", "last:1")),
        ("bert", STAGE_3, ("--method.unfreeze", "gradual", "--train.layer_decay", 0.9)),
    ],
)
def test_sharded_training_of_other_models_and_methods(work, tiny_folders, family, stage, more):
    for output, launcher, variables in (("one", (), {}), ("sharded", TORCHRUN, stage)):
        words = flags(work, tiny_folders[family], output, *more)
        done = launch(work, ROWS_OF_SMALL_VOCABULARIES + SCRIPT, *launcher, words=words, **variables)
        assert done.returncode == 0, done.stderr[-3000:]
    assert_same(work / "sharded", work / "one", 12)


@pytest.mark.parametrize("name", ["r_drop", "sharded_r_drop"])
def test_two_passes_and_the_mean_of_states_are_those_of_one_process(together, name):
    assert_same(together / "two" / name, together / "one" / name, 12)


def test_each_process_holds_its_part_of_what_is_trained(together):
    held = [json.loads((together / f"{rank}.json").read_text()) for rank in (0, 1)]
    for h in held:
        assert h["before"] == h["after"]
        assert h["whole"] == 0
        assert 0.4 * h["before"] < h["part"] < 0.6 * h["before"]
        assert h["state"] == 2 * h["part"]  # AdamW's two averages
        assert h["gradients"] == h["part"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["multi_gpu", "fsdp2", "fsdp2_zero2"])
def test_the_ready_files_work(work, tiny_folders, name):
    launcher = ("-m", "accelerate.commands.launch", "--config_file", READY / f"{name}.yaml")
    words = flags(work, tiny_folders["bert"], "run", "--train.epochs", 1)
    done = launch(work, SCRIPT, *launcher, "--main_process_port", free_port(), words=words)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [line["row_id"] for line in read_lines(work / "run" / "predictions" / "test.jsonl")] == list(range(N_TEST))


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_where_one_process_runs_out_of_memory_all_go_on_with_less(together, where):
    whole, run = (read_lines(together / n / where / "metrics.jsonl") for n in ("one", "two"))
    assert [line for line in run if "out_of_memory" in line] == [
        {"update": 3, "out_of_memory": True, "micro_batch_tokens": 128}
    ]
    losses = [[line["loss"] for line in lines if "loss" in line] for lines in (whole, run)]
    assert len(losses[0]) == 6
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


def test_a_launch_that_silently_starts_one_process_is_refused(work, tiny_folders):
    words = flags(work, tiny_folders["bert"], "run")
    done = launch(work, SCRIPT, *ACCELERATE, "--cpu", "--num_processes", 2, words=words)
    assert done.returncode == 1
    assert "error: accelerate launch was asked for several processes and started a single one" in done.stderr
    assert "torchrun --nproc_per_node N" in done.stderr
    assert not (work / "run").exists()


def test_one_process_by_accelerate_launch_is_fine(work, tiny_folders):
    words = flags(work, tiny_folders["bert"], "run", "--train.epochs", 1)
    script = UNCHECKED + SCRIPT
    done = launch(work, script, *ACCELERATE, "--cpu", "--num_processes", 1, "--num_machines", 1, words=words)
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
@pytest.mark.parametrize("unfreeze", ["at_once", "gradual"])  # the second phase begins after update 6
@pytest.mark.parametrize("sharded", [{}, STAGE_3])
def test_a_run_of_two_processes_goes_on_with_one_and_back(work, tiny_folders, sharded, unfreeze):
    """A checkpoint does not depend on the number of processes, nor on how they divide the weights."""
    method = ("--method.unfreeze", unfreeze)
    words = flags(work, tiny_folders["bert"], "whole", *method)
    script = ROWS_OF_SMALL_VOCABULARIES + SCRIPT
    assert launch(work, script, words=words).returncode == 0
    # Each stops after a few updates, as on SIGTERM, and the next goes on.
    stopping = STOPPING + script
    words = flags(work, tiny_folders["bert"], "run", *method)
    first = launch(work, stopping, *TORCHRUN, words=words, STOP_AT="4", **sharded)
    assert "Signal" in first.stderr or first.returncode != 0
    second = launch(work, stopping, words=("--resume", work / "run"), STOP_AT="7")
    assert second.returncode == 143, second.stderr[-2000:]
    third = launch(work, script, *TORCHRUN, words=("--resume", work / "run"), **sharded)
    assert third.returncode == 0, third.stderr[-3000:]
    whole, run = (read_lines(work / output / "metrics.jsonl") for output in ("whole", "run"))
    losses = [[line["loss"] for line in lines if "loss" in line] for lines in (whole, run)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("sharded", [{}, STAGE_3])
def test_a_mean_of_states_goes_on_with_another_number_of_processes(work, tiny_folders, sharded):
    more = ("--train.average", "exponential", "--train.average_decay", 0.8, "--train.keep", "last", "--train.r_drop", 1)
    script = ROWS_OF_SMALL_VOCABULARIES + SCRIPT
    words = flags(work, tiny_folders["bert"], "whole", *more)
    assert launch(work, script, words=words).returncode == 0
    words = flags(work, tiny_folders["bert"], "run", *more)
    launch(work, STOPPING + script, *TORCHRUN, words=words, STOP_AT="4", **sharded)
    second = launch(work, STOPPING + script, words=("--resume", work / "run"), STOP_AT="7")
    assert second.returncode == 143, second.stderr[-2000:]
    third = launch(work, script, *TORCHRUN, words=("--resume", work / "run"), **sharded)
    assert third.returncode == 0, third.stderr[-3000:]
    assert_same(work / "run", work / "whole", 12)


STOPPING = (
    CALLED
    + """
import os, signal

class Stop(Callback):
    def on_update(self, facts):
        if facts.update == int(os.environ["STOP_AT"]) and os.environ.get("RANK", "0") == "0":
            signal.raise_signal(signal.SIGTERM)
        if facts.update == int(os.environ.get("KILL_AT", "-1")):
            os.kill(os.getpid(), signal.SIGKILL)

call(Stop())
"""
)


@pytest.mark.slow
def test_a_callback_of_any_process_stops_all(work, tiny_folders):
    script = CALLED + ASKING + SCRIPT
    done = launch(work, script, *TORCHRUN, words=flags(work, tiny_folders["bert"], "run"))
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads((work / "run" / "result.json").read_text())
    assert (result["status"], result["training"]["updates"]) == ("succeeded", 3)
    assert result["training"]["stopped_by"] == "a callback of another process"


ASKING = """
import os

class Ask(Callback):
    def on_update(self, facts):
        return "enough" if facts.update == 3 and os.environ["RANK"] == "1" else None

call(Ask())
"""


ALONE = ("unshare", "--mount", "--propagation", "private")
"""Gives a process mounts of its own."""


def may_unshare() -> bool:
    return shutil.which("unshare") is not None and subprocess.run([*ALONE, "true"], check=False).returncode == 0


def on_two_machines(work: Path, words: tuple[object, ...], **variables: str) -> list[tuple[int, str]]:
    """Returns exit status and errors of a script on two machines; the second sees an empty disk for work/runs."""
    (work / "runs").mkdir(exist_ok=True)
    (work / "script.py").write_text(STOPPING + SCRIPT)
    shared = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "STOP_AT": "-1", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), **variables}
    shared["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    command = [str(word) for word in (sys.executable, work / "script.py", *words)]
    empty = f'mount -t tmpfs tmpfs {work / "runs"} && exec "$@"'
    machines = [
        subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=os.environ | shared | {"RANK": str(rank)})
        for rank, words in enumerate((command, [*ALONE, "sh", "-c", empty, "sh", *command]))
    ]
    told = [machine.communicate(timeout=240)[1] for machine in machines]
    return [(machine.returncode, text) for machine, text in zip(machines, told, strict=True)]


@pytest.mark.slow
@pytest.mark.skipif(not may_unshare(), reason="needs the right to mount (root)")
def test_machines_without_a_shared_disk_train_and_resume(work, tiny_folders):
    words = flags(work, tiny_folders["bert"], "whole", "--train.epochs", 1)
    assert launch(work, SCRIPT, words=words).returncode == 0
    words = flags(work, tiny_folders["bert"], "runs/run", "--train.epochs", 1, "--train.checkpoint_every", 1)
    assert all(status for status, _ in on_two_machines(work, words, KILL_AT="4"))
    assert len(list((work / "runs" / "run" / "checkpoints").glob("update-*"))) == 2
    for status, told in on_two_machines(work, ("--resume", work / "runs" / "run")):
        assert status == 0, told[-3000:]
    whole, run = (read_lines(work / output / "metrics.jsonl") for output in ("whole", "runs/run"))
    losses = [[line["loss"] for line in lines if "loss" in line] for lines in (whole, run)]
    assert len(losses[0]) == 6
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
    assert json.loads((work / "runs" / "run" / "result.json").read_text())["status"] == "succeeded"
