"""Linear layers: torch's, whose weight is (out, in), and transformers' Conv1D of GPT-2, whose weight is (in, out)."""

from torch import nn


def is_transposed(module: nn.Module) -> bool:
    """Returns whether this is a Conv1D; judged by name, because only nlptl/models may import the class."""
    return type(module).__name__ == "Conv1D"


def is_linear(module: nn.Module) -> bool:
    """Returns whether this is a linear layer of either kind."""
    return isinstance(module, nn.Linear) or is_transposed(module)


def n_outputs(module: nn.Module) -> int:
    """Returns the output width of a linear layer."""
    return module.out_features if isinstance(module, nn.Linear) else module.get_parameter("weight").shape[1]
