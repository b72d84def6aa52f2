"""Runs that do not end well: a loss that is not finite, Ctrl-C, kill -9, a full disk; and how they go on."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
from safetensors.torch import load_file, save_file

from nlptl.engine import planning
from nlptl.runs.folder import Folder
from nlptl.runs.run import Run
from tests.faults.small import QUICK, make_bert, read_lines, reviews, say, snapshot, write_csv

LONG = (*QUICK, "--train.epochs", "40", "--train.batch_size", "8", "--train.log_every", "1", "--train.lr", "1e-3")
N_UPDATES = 240
PATIENCE_S = 120


@pytest.fixture
def stopped(capsys, monkeypatch, train, work, stop_after):
    """A run that was interrupted after five updates."""
    with monkeypatch.context():
        stop_after(5)
        said = say(capsys, *train, "--train.batch_size", 8, "--train.log_every", 1, "--output", "run")
    monkeypatch.undo()
    monkeypatch.chdir(work)
    assert said.status == 130, said
    return work / "run"


def spoilt(bert, folder):
    """Returns a copy of a model with an infinite weight in its last layer."""
    weights = load_file(shutil.copytree(bert, folder) / "model.safetensors")
    weights["encoder.layer.1.output.dense.weight"][0, 0] = float("inf")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def begin(*words):
    """Starts a command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "nlptl", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1"},
    )


def after(script, *words):
    """Returns a finished command line that ran in a process of its own, after a script."""
    run = f"{script}\nimport sys; from nlptl.cli import command; sys.exit(command(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", run, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1"},
    )


def wait_for(process, happened):
    """Waits until something has happened in a process that is still running."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.005)


def result(run):
    return json.loads((run / "result.json").read_text())


@pytest.mark.parametrize("method", ["full", "lora", "adapter"])
def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_state_before_it(capsys, work, bert, train, method):
    model = spoilt(bert, work / "spoilt")
    said = say(capsys, *train, "--model.name", model, "--method", method, "--output", "run")
    assert said.status == 1
    assert said.err.startswith("error: update 3: loss nan, gradient norm nan: not finite, 3 times in a row")
    assert "train.lr" in said.err
    assert "Traceback" not in said.err
    found = result(work / "run")
    assert found["status"] == "failed"
    assert found["error"].startswith("update 3: loss nan")
    kept = work / "run" / "checkpoints" / "update-00000003"
    assert json.loads((kept / "progress.json").read_text())["n_skipped"] == 3
    assert load_file(kept / "trained.safetensors")
    assert not (work / "run" / "model").exists()


@pytest.fixture
def bad_at(monkeypatch):
    """Makes the loss of some updates not a number."""
    from nlptl.tasks.sentiment import Sentiment

    losses, calls = Sentiment.losses, []

    def call(*updates):
        def bad(self, logits, labels, **options):
            calls.append(1)
            return losses(self, logits, labels, **options) * (float("nan") if len(calls) in updates else 1)

        monkeypatch.setattr(Sentiment, "losses", bad)
        monkeypatch.setattr(planning, "kept", lambda *_: 0)  # it measures a step, whose loss is no update's

    return call


def test_a_loss_that_turns_bad_later_keeps_finite_weights_of_the_updates_before(capsys, bad_at, work, train):
    bad_at(2, 4, 5, 6)
    said = say(capsys, *train, "--train.batch_size", 8, "--output", "run")
    assert said.status == 1
    assert said.err.startswith("error: update 6: loss nan, gradient norm nan: not finite, 3 times in a row")
    kept = work / "run" / "checkpoints" / "update-00000006"
    assert all(tensor.isfinite().all() for tensor in load_file(kept / "trained.safetensors").values())
    progress = json.loads((kept / "progress.json").read_text())
    assert (progress["n_skipped"], progress["n_skipped_in_a_row"]) == (4, 3)


def test_a_bad_update_is_left_out_counted_and_its_rows_are_listed(capsys, bad_at, work, train, unchecked):
    bad_at(4)
    said = say(capsys, *train, "--train.epochs", 5, "--train.batch_size", 8, "--train.log_every", 1, "--output", "run")
    assert said.status == 0
    assert "1 of 25 updates left out, their loss or gradient was not finite: rows in metrics.jsonl" in said.out
    assert result(work / "run")["training"]["skipped"] == 1
    lines = {line["update"]: line for line in read_lines(work / "run" / "metrics.jsonl") if "validation" not in line}
    assert [update for update, line in lines.items() if "skipped" in line] == [4]
    assert lines[4]["skipped"] == "loss nan, gradient norm nan"
    assert len(set(lines[4]["row_ids"])) == 8
    assert lines[5]["loss"] > 0


def test_so_many_bad_updates_in_a_row_as_are_asked_for_stop_the_run(capsys, bad_at, work, train):
    bad_at(4)
    said = say(capsys, *train, "--train.batch_size", 8, "--train.max_skipped", 1, "--output", "run")
    assert said.status == 1
    assert said.err.startswith("error: update 4: loss nan, gradient norm nan: not finite; ")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_probe_on_vectors_that_are_not_finite_says_so(capsys, work, bert, train):
    model = spoilt(bert, work / "spoilt")
    said = say(capsys, *train, "--model.name", model, "--method", "probe", "--output", "run")
    assert said.status == 1
    assert "not finite" in said.err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_its_status_and_a_checkpoint_from_which_the_same_run_comes(
    capsys, work, train, unchecked, number, status
):
    run = work / "run"
    process = begin(*train, *LONG, "--output", run)
    log = run / "metrics.jsonl"
    wait_for(process, lambda: log.exists() and log.read_text().count("\n") >= 2)
    process.send_signal(number)
    out = process.communicate(timeout=PATIENCE_S)[0]
    assert process.returncode == status, out
    assert "Traceback" not in out
    assert "nlptl train --resume" in out
    assert result(run)["status"] == "interrupted"
    n_updates = result(run)["training"]["updates"]
    assert 2 <= n_updates < 240
    assert [p.name for p in (run / "checkpoints").iterdir()] == [f"update-{n_updates:08d}"]

    refused = say(capsys, "predict", run, "--text", "x")
    assert refused.status == 2
    assert "is not finished" in refused.err
    assert "nlptl train --resume" in refused.err

    assert say(capsys, "train", "--resume", run).status == 0
    assert result(run)["status"] == "succeeded"
    assert result(run)["training"]["stopped_by"] is None
    assert not list((run / "checkpoints").iterdir())
    other = work / "uninterrupted"
    assert say(capsys, "train", "--config", run / "recipe.yaml", "--output", other).status == 0
    assert_same_run(run, other)


def weights_of(run):
    (path,) = (run / "model").glob("*.safetensors")
    return path


def assert_same_run(run, other):
    assert result(run)["metrics"] == result(other)["metrics"]
    assert lines_of(run) == lines_of(other)
    ours, theirs = (load_file(weights_of(folder)) for folder in (run, other))
    assert ours.keys() == theirs.keys()
    assert all(bool((ours[name] == theirs[name]).all()) for name in ours)


def kill_at(words, happened, later_s):
    """Runs a command line and kills it some time after something has happened; fails if it had ended by then."""
    process = begin(*words)
    wait_for(process, happened)
    time.sleep(later_s)
    ended = process.poll() is not None
    process.kill()
    out = process.communicate(timeout=PATIENCE_S)[0]
    assert not ended, out


@pytest.mark.parametrize(
    ("method", "n_kills"),
    [("full", 1), *(pytest.param(name, 4, marks=pytest.mark.slow) for name in ("full", "lora", "adapter", "probe"))],
)
def test_a_run_killed_at_random_moments_ends_as_one_that_was_not(capsys, work, train, unchecked, method, n_kills):
    """Updates come in seconds that depend on the machine; so a moment is an update and a little more, both drawn.

    A probe has no updates: its moments are between its beginning and the end of its reload check, seconds later.
    """
    run, draw = work / "run", random.Random(f"{method} {n_kills}")
    log, words = run / "metrics.jsonl", [*train, *LONG, "--method", method, "--train.checkpoint_every", 3]
    words = [*words, "--output", run]
    for number in range(n_kills):
        first, last = (N_UPDATES * n // n_kills for n in (number, number + 1))
        update = draw.randint(first + 1, last - N_UPDATES // 8)
        moment = (run / "recipe.yaml").exists if method == "probe" else partial(has_lines, log, update)
        kill_at(words, moment, draw.uniform(0, 1 if method == "probe" else 0.1))
        assert not (run / "result.json").exists()
        words = ["train", "--resume", run]
    assert say(capsys, *words).status == 0
    other = work / "uninterrupted"
    assert say(capsys, "train", "--config", run / "recipe.yaml", "--output", other).status == 0
    assert_same_run(run, other)


def has_lines(path, n):
    return path.exists() and path.read_text().count("\n") >= n


def test_a_damaged_newest_checkpoint_is_said_and_the_one_before_goes_on_to_the_same_result(
    capsys, work, train, unchecked, stop_after
):
    words = (*train, "--train.batch_size", 8, "--train.epochs", 2, "--train.log_every", 1)
    stop_after(5)
    assert say(capsys, *words, "--train.checkpoint_every", 2, "--output", "run").status == 130
    newest = work / "run" / "checkpoints" / "update-00000005" / "trained.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    stop_after(1000)
    said = say(capsys, "train", "--resume", "run")
    assert said.status == 0
    assert "update-00000005 is damaged (trained.safetensors is not what was written)" in said.out
    assert say(capsys, *words, "--output", "other").status == 0
    assert lines_of(work / "run") == lines_of(work / "other")


def test_a_run_is_resumed_from_python(capsys, work, train, unchecked, stop_after):
    stop_after(3)
    assert say(capsys, *train, "--train.batch_size", 8, "--output", "run").status == 130
    stop_after(1000)
    run = Run(work / "run")
    assert run.result.status == "interrupted"
    assert run.resume().result.status == "succeeded"


def test_a_run_in_progress_is_neither_resumed_nor_written_over(capsys, work, train, refused, says, unchecked):
    run = work / "run"
    process = begin(*train, *LONG, "--output", run)
    log = run / "metrics.jsonl"
    wait_for(process, lambda: log.exists() and log.read_text().count("\n") >= 2)
    process.send_signal(signal.SIGSTOP)  # so that nothing changes meanwhile
    says(refused("train", "--resume", run), f"{str(run)!r} is in use: another run is writing to it")
    says(refused(*train, "--output", run), "already holds a run")
    process.kill()
    process.communicate(timeout=PATIENCE_S)


def test_of_two_runs_that_begin_at_once_in_one_folder_the_second_is_refused(capsys, work, train):
    with Folder(work / "run").held():
        said = say(capsys, *train, "--output", "run")
    assert said.status == 2
    assert "'run' is in use: another run is writing to it" in said.err
    assert not list((work / "run").iterdir())


def test_a_folder_of_a_run_that_was_killed_before_it_began_can_be_used(capsys, work, train, unchecked):
    (work / "run" / "checkpoints").mkdir(parents=True)
    (work / "run" / "audit.json.partial").write_text("{")
    (work / "run" / "inputs.json").write_text("{}")
    assert say(capsys, *train, "--train.epochs", 1, "--output", "run").status == 0


@pytest.mark.parametrize("method", ["lora", "adapter"])
def test_an_interrupted_run_of_any_method_goes_on_to_the_same_result(
    capsys, work, train, unchecked, stop_after, method
):
    words = (*train, "--method", method, "--train.batch_size", 8, "--train.epochs", 2, "--train.log_every", 1)
    stop_after(5)
    assert say(capsys, *words, "--output", "run").status == 130
    stop_after(1000)
    assert say(capsys, "train", "--resume", "run").status == 0
    assert say(capsys, *words, "--output", "other").status == 0
    assert lines_of(work / "run") == lines_of(work / "other")


@pytest.mark.parametrize("method", ["full", "lora", "adapter"])
def test_a_recipe_run_twice_gives_the_same_run_whatever_was_drawn_before(capsys, work, train, unchecked, method):
    words = (*train, "--method", method, "--train.epochs", 1, "--train.log_every", 1)
    for output in ("one", "two"):
        assert say(capsys, *words, "--output", output).status == 0
        torch.rand(3)
    assert lines_of(work / "one") == lines_of(work / "two")


@pytest.mark.parametrize("method", ["lora", "adapter"])
def test_new_weights_of_a_method_depend_on_the_seed(capsys, work, train, unchecked, monkeypatch, method):
    begun = []

    def keep(job, *_):
        begun.append({name: p.detach().clone() for name, p in job.model.named_parameters() if p.requires_grad})
        raise KeyboardInterrupt

    monkeypatch.setattr("nlptl.engine.loop.train", keep)
    for seed in (0, 1):
        torch.manual_seed(0)
        assert say(capsys, *train, "--method", method, "--train.seed", seed, "--output", f"run{seed}").status == 130
    own = [name for name in begun[0] if "classifier" not in name and begun[0][name].any()]
    assert own
    assert not any(torch.equal(begun[0][name], begun[1][name]) for name in own)


def lines_of(run):
    names = ("metrics.jsonl", "predictions/validation.jsonl", "predictions/test.jsonl")
    return {name: read_lines(run / name) for name in names}


def test_ctrl_c_before_training_leaves_no_folder(capsys, monkeypatch, work, train):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("nlptl.runs.training.prepare", interrupt)
    said = say(capsys, *train, "--output", "run")
    assert said == (130, "", "interrupted by SIGINT\n")
    assert not (work / "run").exists()


def test_a_finished_run_is_not_resumed(capsys, work, train, unchecked):
    assert say(capsys, *train, "--train.epochs", 1, "--output", "run").status == 0
    before = snapshot(work)
    said = say(capsys, "train", "--resume", "run")
    assert said.status == 2
    assert "run is finished: nothing to resume" in said.err
    assert snapshot(work) == before


def test_a_run_whose_data_changed_is_not_resumed(refused, says, work, stopped):
    rows = reviews(48)
    rows[7]["text"] += " indeed"
    write_csv(work / "train.csv", rows)
    says(refused("train", "--resume", "run"), "run cannot be resumed", "changed", "data.train")


def test_a_run_whose_recipe_was_edited_is_not_resumed(refused, says, work, stopped):
    path = stopped / "recipe.yaml"
    path.write_text(path.read_text().replace("epochs: 20", "epochs: 6"))
    message = refused("train", "--resume", "run")
    says(message, "run cannot be resumed", "changed since it began: train.epochs (was 20, is 6)")


def test_a_run_whose_data_moved_is_resumed_where_the_recipe_names_the_new_place(capsys, work, stopped, unchecked):
    (work / "train.csv").rename(work / "moved.csv")
    path = stopped / "recipe.yaml"
    path.write_text(path.read_text().replace("train.csv", "moved.csv"))
    assert say(capsys, "train", "--resume", "run").status == 0


def test_a_run_whose_model_changed_is_not_resumed(refused, says, capsys, work, bert, stop_after):
    model = shutil.copytree(bert, work / "bert")
    stop_after(3)
    words = ("train", "--data.train", "train.csv", "--model.name", "bert", *QUICK, "--output", "run")
    assert say(capsys, *words).status == 130
    weights = load_file(model / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][7] += 1
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    message = refused("train", "--resume", "run")
    says(message, "run cannot be resumed", "changed since it began: model")


def test_a_run_whose_data_is_gone_is_not_resumed(refused, says, work, stopped):
    (work / "train.csv").rename(work / "moved.csv")
    says(refused("train", "--resume", "run"), "train.csv is not an existing file")


def test_a_stopped_run_can_be_resumed_from_another_folder(capsys, monkeypatch, tmp_path_factory, stopped, unchecked):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert say(capsys, "train", "--resume", stopped).status == 0
    assert result(stopped)["status"] == "succeeded"


def test_a_killed_run_is_said_to_be_unfinished(refused, says, stopped):
    (stopped / "result.json").unlink()
    says(refused("predict", stopped, "--text", "x"), "nlptl train --resume")


def test_tokens_of_the_user_do_not_reach_the_files_of_a_run(capsys, monkeypatch, work, train, unchecked):
    secret = "hf_" + "s3cretT0ken" * 3
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "WANDB_API_KEY"):
        monkeypatch.setenv(name, secret)
    assert say(capsys, *train, "--train.epochs", 1, "--output", "run").status == 0
    files = [path for path in (work / "run").rglob("*") if path.is_file()]
    assert len(files) > 8
    assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_a_clock_that_goes_backwards_changes_nothing(capsys, monkeypatch, work, train, unchecked):
    words = (*train, "--train.epochs", 1, "--train.log_every", 1)
    assert say(capsys, *words, "--output", "whole").status == 0
    now = [1e9]

    def backwards():
        now[0] -= 3600
        return now[0]

    monkeypatch.setattr(time, "time", backwards)
    assert say(capsys, *words, "--output", "run").status == 0
    assert lines_of(work / "run") == lines_of(work / "whole")
    timing = result(work / "run")["timing"]
    assert all(0 <= s < 3600 for name, s in timing.items() if name.endswith("_s") and not name.endswith("_per_s"))


def test_a_run_killed_while_it_delivers_still_has_its_checkpoints(capsys, work, train, unchecked):
    script = "import os, nlptl.runs.delivery; nlptl.runs.delivery._baselines = lambda *_: os._exit(9)"
    words = (*train, "--train.checkpoint_every", 1, "--eval.baselines", "simple", "--output", work / "run")
    assert after(script, *words).returncode == 9
    assert (work / "run" / "model").exists()
    assert len(list((work / "run" / "checkpoints").iterdir())) == 2
    assert say(capsys, "train", "--resume", "run").status == 0
    assert not list((work / "run" / "checkpoints").iterdir())


def test_a_reload_check_that_fails_makes_the_run_fail(capsys, monkeypatch, work, train):
    from nlptl.core.errors import TrainingError

    def differs(*_):
        raise TrainingError("logits differ by 0.5 after reloading")

    monkeypatch.setattr("nlptl.runs.reload_check.run", differs)
    said = say(capsys, *train, "--train.epochs", 1, "--output", "run")
    assert said.status == 1
    assert said.err == "error: logits differ by 0.5 after reloading\n"
    assert result(work / "run")["status"] == "failed"


def test_the_reload_check_finds_a_model_that_was_not_saved_as_trained(capsys, monkeypatch, work, train):
    from nlptl.methods.full import Full

    save = Full.save

    def damaged(self, pretrained, folder):
        save(self, pretrained, folder)
        weights = load_file(folder / "model.safetensors")
        weights["classifier.bias"] += 1.0
        weights["classifier.bias"][0] -= 0.5
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    monkeypatch.setattr(Full, "save", damaged)
    said = say(capsys, *train, "--train.epochs", 1, "--output", "run")
    assert said.status == 1
    assert "is not the one trained: logits differ by 1" in said.err
    assert result(work / "run")["status"] == "failed"


def test_a_run_on_a_new_model_leaves_the_model_as_it_was(capsys, work, train, unchecked, tmp_path_factory):
    model = make_bert(tmp_path_factory.mktemp("own") / "bert")
    before = snapshot(model)
    assert say(capsys, *train, "--model.name", model, "--train.epochs", 1, "--output", "run").status == 0
    assert snapshot(model) == before
    assert read_lines(work / "run" / "predictions" / "test.jsonl")
