"""Gradients of large embeddings, kept in one place and changed only where a batch has tokens.

Autograd makes a new gradient as large as the vocabulary in every step, although a batch of reviews touches some hundred
rows: a fifth of a step on MiniLM goes into mapping and clearing that memory. The values are the same.
"""

import torch
from torch import nn

from nlptl.protocols import Model

MIN_ROWS = 4096  # smaller ones are cheap as they are


class EmbeddingGradients:
    """While entered, large trainable embeddings of a model give sparse gradients, which `densify` makes dense again.

    Args:
        model: in a single process; the exchange between processes wants dense gradients.
    """

    def __init__(self, model: Model) -> None:
        self._embeddings = [m for m in model.modules() if isinstance(m, nn.Embedding) and _is_large(m)]
        self._buffers: dict[torch.Tensor, torch.Tensor] = {}
        self._touched: dict[torch.Tensor, torch.Tensor] = {}

    def __enter__(self) -> "EmbeddingGradients":
        """Turns sparse gradients on."""
        for embedding in self._embeddings:
            embedding.sparse = True
        return self

    def __exit__(self, *_: object) -> None:
        """Turns them off."""
        for embedding in self._embeddings:
            embedding.sparse = False

    def densify(self) -> None:
        """Replaces each sparse gradient by the dense one of the same values, (vocabulary, hidden)."""
        for embedding in self._embeddings:
            weight = embedding.weight
            if weight.grad is None or not weight.grad.is_sparse:  # tied to an output layer: dense already
                continue
            rows, values = weight.grad._indices()[0], weight.grad._values()
            if weight not in self._buffers:
                self._buffers[weight] = torch.zeros_like(weight)
            else:
                self._buffers[weight].index_fill_(0, self._touched[weight], 0.0)
            self._touched[weight] = rows
            weight.grad = self._buffers[weight].index_add_(0, rows, values.to(weight.dtype))


def _is_large(embedding: nn.Embedding) -> bool:
    return embedding.weight.requires_grad and embedding.num_embeddings >= MIN_ROWS
