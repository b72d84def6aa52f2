"""A transformer sub-layer with bottleneck adapters, wrapped like the layers of PEFT's tuners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from nlptl.core.errors import InputError
from nlptl.methods._peft_type import BaseTunerLayer
from nlptl.methods.parts.linear_layers import is_linear, n_outputs

if TYPE_CHECKING:
    from nlptl.methods._bottleneck import BottleneckConfig

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "gelu_new": partial(functional.gelu, approximate="tanh"),
    "silu": functional.silu,
    "swish": functional.silu,
    "tanh": torch.tanh,
}
"""The non-linearities by name; none has parameters, which would have to be saved too."""

INIT_STD = 0.02
"""Standard deviation of the down-projection at the start, as in BERT's own layers."""


@dataclass(frozen=True)
class Settings:
    """How one adapter of a layer computes, apart from its weights."""

    activation: Callable[[Tensor], Tensor]
    scaling: float
    reads: Literal["input", "output"]
    """What the adapter reads: the sub-layer's input (parallel) or its output (houlsby, pfeiffer)."""


class BottleneckLayer(nn.Module, BaseTunerLayer):
    """A sub-layer (attention or feed-forward) whose output h is changed by its active adapters.

    Each adapter adds s * (f(x W_down + b_down) W_up + b_up) to h. A serial adapter (houlsby, pfeiffer) reads x = h:
    Houlsby et al. 2019, figure 2. A parallel one reads the sub-layer's input: He et al. 2022, table 1.
    Several active adapters work one after the other.

    Two shapes of sub-layer are known, by their structure:

    * BERT's output blocks: dense, dropout, LayerNorm(. + residual). The adapter comes before the residual is added.
    * Everything else (T5's and DistilBERT's attention and feed-forward): the output, or its first item, is h.
    """

    # PEFT strips the adapter's name from a saved key only directly above the parameter: "bottleneck_up.default.weight".
    # Any deeper, and transformers' load_adapter would not find the weights and silently keep the random ones.
    adapter_layer_names = ("bottleneck_down", "bottleneck_up")
    other_param_names = ("bottleneck_settings", "bottleneck_dropout")

    def __init__(self, base_layer: nn.Module, adapter_name: str, config: BottleneckConfig) -> None:
        """Wraps a sub-layer and gives it a first adapter.

        Args:
            base_layer: the sub-layer; its last Linear projects to the model's hidden width.
            adapter_name: PEFT's name of the adapter.
            config: the adapter's variant, size and so on.
        """
        super().__init__()
        self.base_layer = base_layer
        self.bottleneck_down = nn.ModuleDict()
        self.bottleneck_up = nn.ModuleDict()
        self.bottleneck_settings: dict[str, Settings] = {}
        self.bottleneck_dropout = nn.ModuleDict()  # modules, as in LoRA: models replace how they draw
        self.adds_residual = all(hasattr(base_layer, part) for part in ("dense", "dropout", "LayerNorm"))
        self.update_layer(adapter_name, config)
        self.set_adapter(adapter_name)

    def update_layer(self, adapter_name: str, config: BottleneckConfig) -> None:
        """Adds one adapter, which changes nothing until it is trained: its up-projection is zero.

        Args:
            adapter_name: PEFT's name of the adapter.
            config: the adapter's variant, size and so on.
        """
        if config.variant == "parallel" and is_linear(self.base_layer):
            raise InputError(
                "variant parallel reads the input of a whole sub-layer, but this model's sub-layer is no module of its "
                "own, only its last linear layer is: choose houlsby or pfeiffer"
            )
        last = _last_linear(self.base_layer)
        # quantized weights are integers
        dtype = last.weight.dtype if last.weight.is_floating_point() else torch.float32
        make_linear = partial(nn.Linear, device=last.weight.device, dtype=dtype)
        down = make_linear(n_outputs(last), config.bottleneck_dim)
        up = make_linear(config.bottleneck_dim, n_outputs(last))
        nn.init.normal_(down.weight, std=INIT_STD)  # Linear's default leaves many ReLU units dead on small inputs
        for zero in (down.bias, up.weight, up.bias):
            nn.init.zeros_(zero)
        self.bottleneck_down[adapter_name], self.bottleneck_up[adapter_name] = down, up
        self.bottleneck_settings[adapter_name] = Settings(
            activation=ACTIVATIONS[config.non_linearity],
            scaling=config.scaling,
            reads="input" if config.variant == "parallel" else "output",
        )
        p = config.adapter_dropout
        self.bottleneck_dropout[adapter_name] = nn.Dropout(p) if p else nn.Identity()

    def forward(
        self, hidden_states: Tensor, *args: Any, adapter_names: Sequence[str] | None = None, **kwargs: Any
    ) -> Any:
        """Returns what the sub-layer returns, with its hidden states adapted.

        Args:
            hidden_states: (batch, seq, width); (1, total_tokens, width) if sequences are packed.
            *args: passed on to the sub-layer; for BERT's output blocks, the residual.
            adapter_names: the adapter of each row, "__base__" for none; None for the active adapters on all rows.
            **kwargs: passed on to the sub-layer.

        Raises:
            InputError: `adapter_names` does not have one name a row.
        """
        if self.disable_adapters:
            return self.base_layer(hidden_states, *args, **kwargs)
        if adapter_names is None:
            adapt = partial(self._adapt, self.active_adapters)
        else:
            adapt = partial(self._adapt_rows, adapter_names)
        if self.adds_residual:
            return self._forward_before_residual(adapt, hidden_states, *args, **kwargs)
        output = self.base_layer(hidden_states, *args, **kwargs)
        if isinstance(output, tuple):
            return adapt(hidden_states, output[0]), *output[1:]
        return adapt(hidden_states, output)

    def _forward_before_residual(
        self, adapt: Callable[[Tensor, Tensor], Tensor], hidden_states: Tensor, input_tensor: Tensor
    ) -> Tensor:
        """Runs a BERT output block with adapters; `input_tensor` is the residual and the sub-layer's input."""
        block: Any = self.base_layer
        output = block.dropout(block.dense(hidden_states))  # (batch, seq, width)
        return block.LayerNorm(adapt(input_tensor, output) + input_tensor)  # type: ignore[no-any-return]

    def _adapt(self, names: Sequence[str], sub_input: Tensor, sub_output: Tensor) -> Tensor:
        for name in names:
            if name in self.bottleneck_up:  # an adapter may be on some layers only
                sub_output = sub_output + self._delta(name, sub_input, sub_output)
        return sub_output

    def _adapt_rows(self, row_names: Sequence[str], sub_input: Tensor, sub_output: Tensor) -> Tensor:
        if len(row_names) != len(sub_output):
            raise InputError(
                f"adapter_names must have one name a row: got {len(row_names)} names for {len(sub_output)} rows"
                " (beam search repeats the rows and cannot be used with adapter_names)"
            )
        adapted = sub_output.clone()
        for name in set(row_names):
            rows = [i for i, row_name in enumerate(row_names) if row_name == name]
            adapted[rows] = self._adapt([name], sub_input[rows], sub_output[rows])
        return adapted

    def _delta(self, name: str, sub_input: Tensor, sub_output: Tensor) -> Tensor:
        settings, up = self.bottleneck_settings[name], self.bottleneck_up[name]
        down = cast(nn.Linear, self.bottleneck_down[name])
        x = sub_input if settings.reads == "input" else sub_output
        x = self._cast_input_dtype(x, down.weight.dtype)  # PEFT keeps adapters in float32 on a bfloat16 base
        x = settings.activation(down(self.bottleneck_dropout[name](x)))  # (batch, seq, bottleneck_dim)
        return settings.scaling * up(x).to(sub_output.dtype)  # type: ignore[no-any-return]


def _last_linear(sub_layer: nn.Module) -> Any:
    """Returns the Linear that projects back to the hidden width: the last one in all known sub-layers."""
    linears = [module for module in sub_layer.modules() if is_linear(module)]
    if not linears:
        raise InputError(
            f"target_modules must name whole sub-layers (attention or feed-forward blocks), found a"
            f" {type(sub_layer).__name__} without a Linear layer"
        )
    return linears[-1]
