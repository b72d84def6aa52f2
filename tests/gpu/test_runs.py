"""Whole runs on a GPU, through what users call: train, stop, resume, reload check, predict."""

import signal

import pytest
import torch

import nlptl
from nlptl.core.config import DataConfig, EvalConfig, ModelConfig, TrainConfig
from nlptl.core.protocols import Method
from nlptl.methods.full import Full
from nlptl.methods.probe import Probe
from tests import tiny

pytestmark = pytest.mark.gpu
METHODS: dict[str, Method] = {"full": Full(), "probe": Probe()}


@pytest.mark.parametrize("method", METHODS)
def test_a_run_trains_checks_and_predicts_on_the_gpu(method, tiny_folders, tmp_path):
    rows = [{"text": e.text, "label": str(e.label)} for e in tiny.examples(96)]
    recipe = nlptl.Recipe(
        data=DataConfig(train=rows[:48], validation=rows[48:72], test=rows[72:]),
        model=ModelConfig(name=str(tiny_folders["bert"])),
        method=METHODS[method],
        train=TrainConfig(epochs=2, batch_size=8, lr=1e-3),
        eval=EvalConfig(n_bootstrap=100, baselines="none"),
    )
    torch.cuda.reset_peak_memory_stats()
    run = recipe.run(output=tmp_path / "run")
    assert torch.cuda.max_memory_allocated() > 0
    assert run.result.status == "succeeded"
    assert run.result.reload_check.max_abs_diff <= 1e-4
    texts = [row["text"] for row in rows[72:]]
    first, again = (opened.predict(texts) for opened in (run, nlptl.load(tmp_path / "run")))
    assert [p.prediction for p in first] == [p.prediction for p in again]
    assert next(run.pretrained.module.parameters()).device.type == "cuda"


def test_a_stopped_run_is_resumed_to_the_same_bits(tiny_folders, tmp_path, monkeypatch):
    def recipe():
        data = DataConfig(train=str(source), validation=str(source))
        train = TrainConfig(epochs=2, batch_size=8, lr=1e-3)
        evaluated = EvalConfig(n_bootstrap=100, baselines="none")
        return nlptl.Recipe(data=data, model=ModelConfig(name=str(tiny_folders["bert"])), train=train, eval=evaluated)

    source = tmp_path / "rows.csv"
    rows = [f"{e.text},{e.label}" for e in tiny.examples(48)]
    source.write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    whole = recipe().run(output=tmp_path / "whole")
    seed, n_seen = torch.manual_seed, []

    def stop(value):  # each update begins with its seed
        n_seen.append(value)
        if len(n_seen) == 8:
            signal.raise_signal(signal.SIGINT)
        return seed(value)

    monkeypatch.setattr(torch, "manual_seed", stop)
    stopped = recipe().run(output=tmp_path / "stopped")
    monkeypatch.setattr(torch, "manual_seed", seed)
    assert stopped.result.status != "succeeded"
    resumed = stopped.resume()
    ours, theirs = (tiny.state(run.pretrained.module) for run in (resumed, whole))
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
