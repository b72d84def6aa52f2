"""Every family x method once on the device: it trains, what is frozen stays, and it answers there as on a CPU."""

import pytest
import torch

from nlptl.core import registry
from nlptl.core.protocols import Method
from nlptl.core.recipe import Recipe
from nlptl.engine import inference
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from nlptl.methods.probe import Probe
from nlptl.runs import artifact
from tests import tiny
from tests.gpu import places
from tests.gpu.places import CPU, CUDA, place

METHODS: dict[str, Method] = {
    "full": Full(),
    "probe": Probe(),
    "partial": Partial(layers="last:1"),
    "lora": LoRA(rank=2, dropout=0.0),
    "adapter": Adapter(bottleneck=4),
}
CASES = [place(CPU, "roberta", "adapter"), place(CPU, "t5", "partial")]
CASES += [place(CUDA, family, method) for family in sorted(registry.names("family")) for method in METHODS]


def on_a_cpu(monkeypatch, pretrained):
    """Returns the answers that the processor gives."""
    here = places.compute("fp32")
    monkeypatch.setattr(type(here), "device", CPU)
    return inference.answers(pretrained.module.to(CPU), tiny.features(pretrained), here)


@pytest.mark.parametrize(("device", "family", "method"), CASES)
def test_it_trains_and_answers_as_on_a_cpu(device, family, method, tiny_folders, tmp_path, monkeypatch):
    pooling = "mean" if method in ("probe", "partial") else "native"
    compute = places.compute("bf16" if device.type == "cuda" else "fp32")
    pretrained = tiny.prepared(tiny_folders[family], METHODS[method], pooling)
    module = pretrained.module.to(device)
    before = tiny.state(module)
    job, _ = tiny.job(pretrained, tmp_path / "checkpoints", tiny.train_config(weight_decay=0.0))
    progress = places.loop.train(job, compute)
    after, names = tiny.state(module), tiny.trainable(module)
    assert (progress.update, progress.n_skipped) == (3, 0)
    assert {name for name in after if not torch.equal(before[name], after[name])} == names
    assert {weight.device.type for weight in after.values()} == {device.type}
    assert all(weight.isfinite().all() for weight in after.values())
    there = torch.from_numpy(inference.answers(module, tiny.features(pretrained), compute.exact()))
    rounded = torch.from_numpy(inference.answers(module, tiny.features(pretrained), compute))
    assert places.error_of(rounded, there) < 0.1
    artifact.save(tmp_path / "model", pretrained, Recipe(method=METHODS[method]), {"text": "text"})
    loaded = artifact.load(tmp_path / "model")[0]
    torch.testing.assert_close(torch.from_numpy(on_a_cpu(monkeypatch, loaded)), there, rtol=1e-3, atol=1e-3)
