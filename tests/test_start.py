"""A run that starts from what another run trained: --model.name runs/a."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from nlptl import DataConfig, EvalConfig, InputError, ModelConfig, Recipe, Run, TrainConfig
from nlptl.engine import device
from nlptl.models import loading
from nlptl.runs import start
from tests.faults.small import make_bert, say, write_splits
from tests.tiny import logits

METHODS = ("full", "partial", "lora", "probe", "adapter")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A finished run of each method, and the tiny model that they began with."""
    place = tmp_path_factory.mktemp("place")
    make_bert(place / "bert")
    write_splits(place / "data")
    for method in METHODS:
        recipe(place, place / "bert", method).run(place / method)
    return place


def recipe(place, model, method="full", **fields):
    return Recipe(
        data=DataConfig(train=str(place / "data")),
        model=ModelConfig(name=str(model), **fields),
        method=method,
        train=TrainConfig(epochs=2, batch_size=8, precision="fp32"),
        eval=EvalConfig(n_bootstrap=100, baselines="none"),
    )


def started(place, run):
    return Path(start.resolved(recipe(place, run), device.start("fp32")).model.name)


def opened(folder, run):
    """Returns the plain weights of a folder, with the labels and pooling of a run."""
    trained = run.pretrained
    config = ModelConfig(name=str(folder), pooling=trained.config.pooling)
    return loading.load(config, loading.Wanted("class", trained.labels), seed=5)


@pytest.mark.parametrize("method", ["full", "partial", "lora"])
@pytest.mark.parametrize("inside", ["", "model"])
def test_plain_weights_give_what_the_run_gives(place, method, inside):
    run = Run(place / method)
    plain = opened(started(place, place / method / inside), run)
    assert torch.allclose(logits(plain), logits(run.pretrained), atol=1e-5)
    base = opened(place / "bert", run)
    assert not torch.allclose(logits(plain), logits(base), atol=1e-3)
    assert plain.adapted is None


def test_dora_and_another_pooling_are_merged_too(place):
    dora = {"name": "lora", "decomposition": "dora", "rank": 4}
    run = recipe(place, place / "bert", dora, pooling="mean").run(place / "dora")
    plain = opened(started(place, place / "dora"), run)
    assert torch.allclose(logits(plain), logits(run.pretrained), atol=1e-5)


def test_a_head_alone_leaves_the_pretrained_weights(place):
    assert started(place, place / "probe") == place / "bert"


def test_what_is_no_run_stays(place):
    assert started(place, place / "bert") == place / "bert"


def test_merging_is_done_once_and_again_for_another_model(place):
    shutil.copytree(place / "lora", place / "copy")
    merged = started(place, place / "copy")
    before = (merged / "model.safetensors").stat().st_mtime_ns
    assert started(place, place / "copy") == merged
    assert (merged / "model.safetensors").stat().st_mtime_ns == before
    shutil.rmtree(place / "copy" / "model")
    shutil.copytree(place / "dora" / "model", place / "copy" / "model")
    assert (started(place, place / "copy") / "model.safetensors").stat().st_mtime_ns != before


def test_something_else_of_that_name_is_not_overwritten(place):
    shutil.copytree(place / "lora", place / "mine")
    shutil.rmtree(place / "mine" / "merged", ignore_errors=True)
    (place / "mine" / "merged").mkdir()
    with pytest.raises(InputError, match="holds something else than merged weights"):
        started(place, place / "mine")


def test_adapters_cannot_be_merged_and_the_message_says_what_can(place):
    with pytest.raises(InputError, match=r"adapter added cannot be merged.*full, partial or lora"):
        started(place, place / "adapter")


def test_an_unfinished_run_and_a_changed_model_are_refused(place):
    shutil.copytree(place / "full", place / "half")
    weights = next((place / "half" / "model").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(InputError, match=r"model\.safetensors has changed"):
        started(place, place / "half")
    shutil.rmtree(place / "half" / "model")
    with pytest.raises(InputError, match=r"not finished.*--resume"):
        started(place, place / "half")


def test_a_second_run_trains_on_and_opens_alone(place, capsys):
    data = ("--data.train", place / "data", "--model.name", place / "lora", "--train.epochs", 1)
    flags = ("--train.precision", "fp32", "--eval.baselines", "none", "--eval.n_bootstrap", 100)
    done = say(capsys, "train", "sentiment", *data, *flags, "--output", place / "second")
    assert done.status == 0
    assert "starts from its weights with LoRA's updates added" in done.out
    stored = json.loads((place / "second" / "result.json").read_text())
    assert stored["model"]["name"] == str(place / "lora" / "merged")
    assert Run(place / "second").predict(["a good film"])[0].prediction in ("negative", "positive")
