"""One sub-layer with adapters: the formula, its start, packed sequences, dropout."""

import inspect

import pytest
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers import BertConfig, BertModel, T5Config, T5EncoderModel

from nlptl.core.errors import InputError
from nlptl.methods._bottleneck import BottleneckConfig
from nlptl.methods._bottleneck_layer import INIT_STD, BottleneckLayer

matrix = pytest.mark.parametrize("variant", ["houlsby", "pfeiffer", "parallel"])


def bert_layer() -> nn.Module:
    config = BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24)
    return BertModel(config).eval().encoder.layer[0]


def t5_layer() -> nn.Module:
    config = T5Config(vocab_size=40, d_model=16, d_kv=4, num_heads=2, d_ff=24, num_layers=1)
    return T5EncoderModel(config).eval().encoder.block[0].layer


BLOCKS = {
    "bert attention": (lambda: bert_layer().attention.output, (16, 16)),
    "bert feed-forward": (lambda: bert_layer().output, (24, 16)),
    "t5 feed-forward": (lambda: t5_layer()[1].DenseReluDense, (16,)),
}
"""A sub-layer, and the widths of its inputs; the second input is the residual."""

blocks = pytest.mark.parametrize("block", BLOCKS)


def wrapped(block: nn.Module, variant: str = "pfeiffer", **fields) -> BottleneckLayer:
    """Returns a sub-layer with an adapter whose parameters are as large as after training."""
    config = BottleneckConfig(variant=variant, bottleneck_dim=4, scaling=2.0, **fields)
    layer = BottleneckLayer(block, "default", config).eval()
    for part in (*layer.bottleneck_down.parameters(), *layer.bottleneck_up.parameters()):
        nn.init.normal_(part, std=0.5)
    return layer


def adapted(layer: BottleneckLayer, read: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    down, up = layer.bottleneck_down["default"], layer.bottleneck_up["default"]
    return output + 2.0 * ((read @ down.weight.T + down.bias).relu() @ up.weight.T + up.bias)


@matrix
@blocks
@torch.no_grad()
def test_the_adapter_computes_its_formula(block, variant):
    make, widths = BLOCKS[block]
    base = make()
    hidden, *residual = (torch.randn(2, 5, width) for width in widths)
    output = base.dense(hidden) if residual else base(hidden)
    read = [hidden, *residual][-1] if variant == "parallel" else output
    layer = wrapped(base, variant)
    expected = adapted(layer, read, output)
    expected = base.LayerNorm(expected + residual[0]) if residual else expected
    torch.testing.assert_close(layer(hidden, *residual), expected)


@matrix
@torch.no_grad()
def test_of_a_tuple_only_the_hidden_states_are_adapted(variant):
    base, hidden = t5_layer()[0].SelfAttention, torch.randn(2, 5, 16)
    output, *rest = base(hidden)
    layer = wrapped(base, variant)
    found, *found_rest = layer(hidden)
    torch.testing.assert_close(found, adapted(layer, hidden if variant == "parallel" else output, output))
    torch.testing.assert_close(found_rest, rest)


@matrix
@blocks
@torch.no_grad()
def test_packed_sequences_give_what_rows_give(block, variant):
    make, widths = BLOCKS[block]
    layer, inputs = wrapped(make(), variant), [torch.randn(2, 5, width) for width in widths]
    packed = layer(*[x.reshape(1, 10, -1) for x in inputs])  # (1, total_tokens, width)
    assert packed.shape == (1, 10, 16)
    torch.testing.assert_close(packed.reshape(2, 5, 16), layer(*inputs))


@torch.no_grad()
def test_several_active_adapters_work_one_after_the_other():
    layer, hidden = wrapped(t5_layer()[1].DenseReluDense), torch.randn(2, 5, 16)
    first = layer(hidden)
    layer.update_layer("second", BottleneckConfig(bottleneck_dim=3))
    nn.init.normal_(layer.bottleneck_up["second"].weight)
    layer.set_adapter(["default", "second"])
    down, up = layer.bottleneck_down["second"], layer.bottleneck_up["second"]
    torch.testing.assert_close(layer(hidden), first + up(down(first).relu()))


def test_an_adapter_starts_with_a_small_down_projection_and_zeros():
    torch.manual_seed(0)
    layer = BottleneckLayer(bert_layer().output, "default", BottleneckConfig(bottleneck_dim=128))
    down, up = layer.bottleneck_down["default"], layer.bottleneck_up["default"]
    assert down.weight.std().item() == pytest.approx(INIT_STD, rel=0.1)
    assert not any(zero.any() for zero in (down.bias, up.weight, up.bias))


def test_adapter_dropout_works_in_training_only():
    layer, hidden = wrapped(t5_layer()[1].DenseReluDense, adapter_dropout=0.5), torch.randn(2, 5, 16)
    assert torch.equal(layer(hidden), layer(hidden))
    layer.train()
    layer.base_layer.eval()
    assert not torch.equal(layer(hidden), layer(hidden))


def test_a_block_without_a_linear_layer_is_refused():
    with pytest.raises(InputError, match=r"whole sub-layers .* found a LayerNorm without a Linear"):
        wrapped(nn.LayerNorm(16))


def test_peft_s_layers_have_what_ours_take_from_them():
    """Guards what CONTRIBUTING.md lists of PEFT's insides for methods/_bottleneck_layer.py."""
    changed = "peft's BaseTunerLayer no longer has {}, which methods/_bottleneck_layer.py uses: adapters cannot run"
    for name in ("disable_adapters", "active_adapters"):
        assert isinstance(inspect.getattr_static(BaseTunerLayer, name, None), property), changed.format(name)
    cast = getattr(BaseTunerLayer, "_cast_input_dtype", None)
    assert cast, changed.format("_cast_input_dtype")
    layer = BottleneckLayer(nn.Linear(4, 4), "default", BottleneckConfig(variant="pfeiffer", bottleneck_dim=2))
    assert layer.active_adapters == ["default"], changed.format("active_adapters as a list of names")
    x = torch.ones(1, 4, dtype=torch.bfloat16)
    assert cast(layer, x, torch.float32).dtype == torch.float32, changed.format("a _cast_input_dtype that casts")
    layer.enable_adapters(False)
    assert layer.disable_adapters, changed.format("an enable_adapters that sets disable_adapters")
