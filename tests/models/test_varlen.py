"""Attention in one kernel over sequences of different lengths: what it is given, as no GPU is needed to see."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

from nlptl.methods.full import Full
from nlptl.models import packing, varlen
from nlptl.models.packing import Packing
from tests import tiny, tiny_gpu


def by_sequence(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale=None):
    """Stands for torch's kernel: sequence by sequence, (n_tokens, heads, width)."""
    assert torch.equal(cu_seq_q, cu_seq_k)
    lengths = cu_seq_q.diff().tolist()
    assert max(lengths) <= max_q == max_k
    assert cu_seq_q.dtype == torch.int32
    parts = zip(*(x.split(lengths) for x in (query, key, value)), strict=True)
    each = [functional.scaled_dot_product_attention(*(x.transpose(0, 1) for x in part), scale=scale) for part in parts]
    return torch.cat([x.transpose(0, 1) for x in each])


def test_the_kernel_gets_sequences_as_it_wants_them_and_gives_what_rows_give(monkeypatch):
    torch.manual_seed(0)
    plan = Packing(tiny.sequences([2, 3, 40, 47, 4]))  # 96 tokens: none are empty, as on a GPU
    q, k, v = torch.randn(3, 1, 4, 96, 8).unbind()
    rows, _ = packing.attention(torch.nn.Identity(), q, k, v, None, packing=plan, scaling=0.3)
    monkeypatch.setattr(varlen, "varlen_attn", by_sequence)
    monkeypatch.setattr(varlen, "takes", lambda query: True)
    kernel, _ = packing.attention(torch.nn.Identity(), q, k, v, None, packing=plan, scaling=0.3)
    torch.testing.assert_close(kernel, rows, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "dtype", "capability", "expected"),
    [
        ((1, 12, 96, 64), torch.bfloat16, (9, 0), True),
        ((1, 12, 96, 64), torch.float32, (9, 0), False),
        ((1, 12, 96, 20), torch.bfloat16, (9, 0), False),
        ((1, 12, 96, 512), torch.bfloat16, (9, 0), False),
        ((1, 12, 96, 64), torch.bfloat16, (7, 5), False),
    ],
)
def test_the_kernel_takes_half_precision_and_narrow_heads_on_recent_gpus(
    monkeypatch, shape, dtype, capability, expected
):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda *_: capability)
    query = SimpleNamespace(device=torch.device("cuda"), dtype=dtype, shape=shape)
    assert varlen.takes(query) == expected
    assert not varlen.takes(torch.empty(shape, dtype=dtype))


def test_a_model_is_alone_on_a_gpu_where_its_heads_fit_the_kernel(tiny_folders, monkeypatch):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda *_: (9, 0))
    gpu = torch.device("cuda")
    for family, alone in (("bert", True), ("distilbert", True), ("t5", False)):
        model = tiny.load(tiny_folders[family]).module
        assert model.alone_on(gpu, torch.bfloat16) == alone
        assert not model.alone_on(gpu, torch.float32)
        assert not model.alone_on(torch.device("cpu"), torch.bfloat16)
    model = tiny.load(tiny_folders["bert"]).module
    model.backbone.config.num_attention_heads = 8  # heads of 4
    assert not model.alone_on(gpu, torch.bfloat16)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "electra"])
def test_a_gpu_runs_the_kernel_forward_and_backward(tiny_folders, monkeypatch, family, dropout):
    pretrained = tiny.prepared(tiny_folders[family], Full(), dropout=dropout)
    given, called, plain = tiny.batch(pretrained), [], varlen.attention
    monkeypatch.setattr(varlen, "attention", lambda *a, **k: called.append(k["dropout"]) or plain(*a, **k))
    model, batch = pretrained.module.to("meta").train(), tiny_gpu.batch(given)
    with tiny_gpu.gpu():
        logits = model(batch)
        logits.sum().backward()
    assert logits.shape == (len(given.lengths), 2)
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert {g.device.type for g in gradients} == {"meta"}
    assert set(called) == {dropout}
    assert len(called) == model.depth()


def test_the_kernel_under_varlen_attn_takes_what_it_is_given():
    """With dropout torch has no public function, and the meta device says nothing of what an argument means."""
    names = [a.name for a in torch.ops.aten._flash_attention_forward.default._schema.arguments]
    assert names[:10] == [
        *("query", "key", "value", "cum_seq_q", "cum_seq_k", "max_q", "max_k"),
        *("dropout_p", "is_causal", "return_debug_mask"),
    ]
    assert "scale" in names
