"""Packed equals padded on the device itself: transformers' own classes on padded rows, in float32 and in bf16."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.nn import functional

from nlptl.core.records import Pretrained
from nlptl.methods.full import Full
from nlptl.models import varlen
from tests import tiny
from tests.gpu import places
from tests.gpu.places import CPU, CUDA, place

ROWS = [row for words in (1, 60, 2, 31, 3, 59, 8, 30) for row in tiny.examples(1, seed=words, longest=words)]
ROWS += tiny.examples(8, longest=55, seed=9)
PACKED = ("bert", "roberta", "distilbert", "electra")
CASES = [place(CPU, "fp32", "bert"), place(CPU, "bf16", "roberta")]
CASES += [place(CUDA, precision, family) for precision in ("fp32", "bf16") for family in PACKED]


def plain(pretrained: Pretrained, folder: Path, attention: str) -> Any:
    """Returns the same weights in transformers' own class."""
    pretrained.module.net.save_pretrained(folder)
    auto = transformers.AutoModelForSequenceClassification
    found = auto.from_pretrained(folder, attn_implementation=attention).eval()
    return found.to(next(pretrained.module.parameters()).device)


def values(logits: torch.Tensor, labels: torch.Tensor, net: torch.nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns logits, and the gradients of the loss as one vector."""
    functional.cross_entropy(logits.float(), labels, reduction="sum").backward()
    return logits.detach(), torch.cat([p.grad.flatten() for _, p in sorted(net.named_parameters())])


@pytest.mark.parametrize(("device", "precision", "family"), CASES)
def test_packed_logits_and_gradients_are_those_of_padded_rows(
    device, precision, family, tiny_folders, tmp_path, monkeypatch
):
    compute, called, kernel = places.compute(precision), [], varlen.attention
    monkeypatch.setattr(varlen, "attention", lambda *a, **k: called.append(1) or kernel(*a, **k))
    pretrained = tiny.prepared(tiny_folders[family], Full())
    pretrained.module.to(device).eval()
    padded = pretrained.tokenizer([row.text for row in ROWS], padding=True, return_tensors="pt").to(device)
    batch = places.batch(pretrained, ROWS, device)
    with compute.autocast():
        found = pretrained.module(batch)
    ours = values(found, batch.labels, pretrained.module.net)
    exact, rounded = (plain(pretrained, tmp_path / name, name) for name in ("eager", "sdpa"))
    expected = values(exact(**padded).logits, batch.labels, exact)
    assert (len(called) > 0) == (device.type == "cuda" and precision == "bf16")
    if precision == "fp32":
        torch.testing.assert_close(ours[0], expected[0], rtol=0, atol=1e-4)
        assert places.error_of(ours[1], expected[1]) < 1e-4
        return
    with compute.autocast():
        logits = rounded(**padded).logits
    for our, their, right in zip(ours, values(logits, batch.labels, rounded), expected, strict=True):
        error = places.error_of(their, right)
        assert 1e-4 < error < 0.1  # it is bf16, and of the same model
        assert places.error_of(our, right) < max(2 * error, 0.05)


@pytest.mark.parametrize(("device", "precision"), places.FORMATS)
def test_a_row_does_not_see_its_neighbours(device, precision, tiny_folders):
    pretrained, compute = tiny.prepared(tiny_folders["bert"], Full()), places.compute(precision)
    pretrained.module.to(device).eval()
    with torch.no_grad(), compute.autocast():
        together = pretrained.module(places.batch(pretrained, ROWS, device)).float()
        alone = torch.cat([pretrained.module(places.batch(pretrained, [row], device)).float() for row in ROWS])
    assert together.std(0).min() > 0.05  # rows differ, so a mix-up would show
    assert places.error_of(together, alone) < (1e-5 if precision == "fp32" else 0.03)
