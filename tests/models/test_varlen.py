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


def dropping(*given, scale=None):
    """Stands for the kernel under it, which is told dropout, is_causal and return_debug_mask as well."""
    assert given[7:] == (0.0, False, False)
    return by_sequence(*given[:7], scale=scale), *[None] * 4


def together(query, key, value, *_, scale=None, **__):
    """Attends over all sequences as if they were one."""
    ends = torch.tensor([0, len(query)], dtype=torch.int32)
    return by_sequence(query, key, value, ends, ends, len(query), len(query), scale=scale)


@pytest.fixture
def recent(monkeypatch):
    """Makes a GPU whose kernels are the stand-ins above, on the CPU."""
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda *_: (9, 0))
    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", by_sequence)
    monkeypatch.setattr(torch.ops.aten, "_flash_attention_forward", dropping)
    agrees = varlen._agrees
    monkeypatch.setattr(varlen, "_agrees", lambda device, dtype, width: agrees(torch.device("cpu"), dtype, width))
    varlen.runs.cache_clear()
    yield
    varlen.runs.cache_clear()


@pytest.mark.usefixtures("recent")
@pytest.mark.parametrize("width", [8, 64, 256])
@pytest.mark.parametrize("dtype", varlen.HALF)
def test_kernels_that_give_what_torch_gives_are_used(dtype, width, caplog):
    assert varlen.runs(torch.device("cuda"), dtype, width)
    assert not caplog.records


def moved(*_, **__):
    raise AttributeError("it has moved")


@pytest.mark.usefixtures("recent")
@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("torch.nn.attention.varlen.varlen_attn", moved),
        ("torch.nn.attention.varlen.varlen_attn", together),
        ("torch.ops.aten._flash_attention_forward", moved),
        ("torch.ops.aten._flash_attention_forward", lambda *a, **k: (together(*a, **k), None)),
        ("torch.ops.aten._flash_attention_forward", lambda *a, **k: (dropping(*a, **k)[0] * 2, None)),
    ],
    ids=["gone", "over all", "under it gone", "under it over all", "under it scaled"],
)
def test_where_a_kernel_is_gone_or_gives_other_values_rows_are_used_and_that_is_said_once(
    monkeypatch, caplog, place, found
):
    monkeypatch.setattr(place, found)
    gpu = torch.device("cuda")
    assert not varlen.runs(gpu, torch.bfloat16, 64)
    assert not varlen.runs(gpu, torch.bfloat16, 64)
    (said,) = caplog.messages
    assert f"flash attention over sequences of torch {torch.__version__.split('+')[0]}" in said


def test_the_kernel_gets_sequences_as_it_wants_them_and_gives_what_rows_give(monkeypatch):
    torch.manual_seed(0)
    plan = Packing(tiny.sequences([2, 3, 40, 47, 4]))  # 96 tokens: none are empty, as on a GPU
    q, k, v = torch.randn(3, 1, 4, 96, 8).unbind()
    rows, _ = packing.attention(torch.nn.Identity(), q, k, v, None, packing=plan, scaling=0.3)
    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", by_sequence)
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
    monkeypatch.setattr(varlen, "_agrees", lambda *_: True)
    varlen.runs.cache_clear()
    query = SimpleNamespace(device=torch.device("cuda"), dtype=dtype, shape=shape)
    assert varlen.takes(query) == expected
    assert not varlen.takes(torch.empty(shape, dtype=dtype))
    varlen.runs.cache_clear()


@pytest.mark.usefixtures("recent")
def test_a_model_is_alone_on_a_gpu_where_its_heads_fit_the_kernel(tiny_folders):
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
