"""A linear head over the encoder's vectors: for probes, and for poolings that transformers' heads lack."""

from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from nlptl.core import weights


class PooledClassifier(nn.Module):
    """An encoder with dropout and a linear layer over one vector per sequence or per token.

    Args:
        backbone: a transformers encoder.
        n_classes: rows of logits.
        dropout: probability, before the linear layer.
    """

    def __init__(self, backbone: PreTrainedModel, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.backbone = backbone
        self.config: PreTrainedConfig = backbone.config
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(self.config.hidden_size, n_classes)
        self.terms: nn.Linear | None = None

    def get_input_embeddings(self) -> nn.Embedding:
        """Returns the encoder's token embeddings, as every transformers model does."""
        return embedding_of(self.backbone)

    def read_terms(self, n_terms: int) -> nn.Linear:
        """Adds weights for terms beside the vector, and returns them; they are zero at first."""
        self.terms = nn.Linear(n_terms, self.classifier.out_features, bias=False)
        nn.init.zeros_(self.terms.weight)
        return self.terms

    def classify(self, vectors: torch.Tensor, terms: torch.Tensor | None = None) -> torch.Tensor:
        """Returns logits (n, classes).

        Args:
            vectors: (n, hidden).
            terms: sparse (n, terms), if the head reads terms.
        """
        logits: torch.Tensor = self.classifier(self.dropout(vectors))
        if self.terms is None or terms is None:
            return logits
        beside: torch.Tensor = torch.sparse.mm(terms, self.terms.weight.t())
        return logits + beside

    def save_pretrained(self, folder: Path) -> None:
        """Writes the encoder as a transformers folder and the head beside it."""
        self.backbone.save_pretrained(folder)
        weights.save_head(self.classifier, folder)

    def load_head(self, folder: Path) -> None:
        """Reads the head that `save_pretrained` wrote, or the one of a folder for sentence-transformers.

        Raises:
            InputError: it is missing, damaged or of another shape.
        """
        weights.load_head(self.classifier, folder, weights.head_file(folder) or weights.HEAD_FILE)


def embedding_of(net: PreTrainedModel | PooledClassifier) -> nn.Embedding:
    """Returns the embedding of the input tokens."""
    embedding = net.get_input_embeddings()
    assert isinstance(embedding, nn.Embedding), embedding
    return embedding


def pool(states: torch.Tensor, boundaries: torch.Tensor, pooling: str) -> torch.Tensor:
    """Returns one vector per sequence, (n, hidden), in float32 for "mean".

    Args:
        states: (n_tokens, hidden), the sequences one after the other.
        boundaries: int32 (n + 1,): where each begins, and the end.
        pooling: "mean" or "max" over all tokens, "cls" or "native" for the first token.
    """
    if pooling in ("native", "cls"):
        return states[boundaries[:-1]]
    counts = boundaries.diff()
    n, n_tokens = len(counts), len(states)
    sequence = torch.arange(n, device=states.device).repeat_interleave(counts, output_size=n_tokens)
    if pooling == "mean":
        sums = states.new_zeros(n, states.shape[1], dtype=torch.float32).index_add(0, sequence, states.float())
        return sums / counts[:, None]
    lowest = states.new_full((n, states.shape[1]), -torch.inf)
    return lowest.scatter_reduce(0, sequence[:, None].expand_as(states), states, "amax")
