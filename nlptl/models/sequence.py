"""One model as the engine sees it: a batch of flat tokens in, logits out."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from nlptl.core import kinds
from nlptl.core.config import ModelConfig
from nlptl.core.records import Batch
from nlptl.models import fresh, varlen
from nlptl.models.dropout import Draws, place
from nlptl.models.family import Divided, Family, Padded, Scoring, Writing, lacks
from nlptl.models.heads.base import head_of
from nlptl.models.pooled import PooledClassifier, embedding_of, pool

OF_THE_HEAD = ("_name_or_path", "id2label", "label2id", "problem_type")  # these fields decide nothing below it


class SequenceModel(nn.Module):
    """A pretrained net with the way to run it; only `net` has parameters.

    Args:
        net: the transformers model, or a `PooledClassifier`; a method edits it in place.
        family: runs the net's architecture.
        config: resolved; how token states become one vector per sequence, and how texts are written.
        output: the kind of answers that the head gives.
        words: int64 (classes, tokens): the labels' names for a text-to-text model, -100 after each; else None.
    """

    def __init__(
        self,
        net: PreTrainedModel | PooledClassifier,
        family: Family,
        config: ModelConfig,
        output: str,
        words: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        self.net = net
        self.words: torch.Tensor | None
        self.family = family
        self.config = config
        self.kind = kinds.of(output)
        self.register_buffer("words", words, persistent=False)
        self.draws = Draws()

    @property
    def is_likelihood(self) -> bool:
        """Whether the logits are log-likelihoods of output texts."""
        return self.words is not None

    @property
    def backbone(self) -> nn.Module:
        """The encoder under the head."""
        return self.net.backbone if isinstance(self.net, PooledClassifier) else self.net.base_model

    @property
    def classifier(self) -> nn.Linear:
        """The linear head over the encoder."""
        if isinstance(self.net, PooledClassifier):
            return self.net.classifier
        raise TypeError(f"{type(self.net).__name__} has no linear head of nlptl's")

    def read_terms(self, n_terms: int) -> nn.Linear:
        """Makes the linear head read terms beside the encoder's vector; returns their weights, which are zero."""
        if isinstance(self.net, PooledClassifier):
            return self.net.read_terms(n_terms)
        raise TypeError(f"{type(self.net).__name__} has no linear head of nlptl's")

    @property
    def term_weights(self) -> nn.Linear:
        """The weights of the terms that the head reads."""
        if isinstance(self.net, PooledClassifier) and self.net.terms is not None:
            return self.net.terms
        raise TypeError("the head reads no terms")

    @property
    def architecture(self) -> PreTrainedConfig:
        """The net's configuration."""
        return self.net.config

    def save_net(self, folder: Path) -> None:
        """Writes the net as a folder of transformers; a linear head lies beside the encoder."""
        self.net.save_pretrained(folder)

    def recompute(self) -> None:
        """Makes layers keep only their input; the backward pass computes the rest again (Chen et al. 2016)."""
        # transformers' own switch would also make the embeddings' outputs require gradients, frozen or not.
        layers: list[Any] = self.blocks()
        for layer in layers:
            layer.gradient_checkpointing = True
            layer._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False, context_fn=self.draws.again)

    def blocks(self) -> list[nn.Module]:
        """Returns the layers of the encoder, and of the decoder if there is one."""
        return [m for m in self.modules() if isinstance(m, GradientCheckpointingLayer)]

    def draw_anew(self, modules: Iterable[nn.Module]) -> None:
        """Gives modules of the encoder or decoder the weights that pretraining starts with: see `fresh.draw_anew`."""
        fresh.draw_anew(self.backbone, modules)

    def draw_all_anew(self) -> None:
        """Gives everything, the head included, the weights that pretraining starts with."""
        if not isinstance(self.net, PooledClassifier):
            fresh.draw_anew(self.net, [self.net])
            return
        fresh.draw_anew(self.net.backbone, [self.net.backbone])
        nn.init.normal_(self.net.classifier.weight, std=getattr(self.architecture, "initializer_range", 0.02))
        nn.init.zeros_(self.net.classifier.bias)

    def drops(self) -> bool:
        """Returns whether anything that is trained has dropout."""
        in_layers = any(getattr(self.architecture, field, None) or 0 for field in self.family.dropout_fields)
        if in_layers and _trains(self.backbone):
            return True
        return any(isinstance(module, nn.Dropout) and module.p > 0 for module in _in_training(self))

    def packs(self) -> bool:
        """Returns whether batches are computed without padding."""
        return bool(self.family.packs)

    def alone_on(self, device: torch.device, dtype: torch.dtype) -> bool:
        """Returns whether a device computes batches that it has, in a number format, without the host."""
        config = self.architecture
        return self.packs() and varlen.runs(device, dtype, config.hidden_size // config.num_attention_heads)

    def depth(self) -> int:
        """Returns the number of the encoder's layers."""
        return len(self.family.layers(self.backbone))

    def levels(self) -> dict[str, int]:
        """Returns the height of each parameter, by name: see `nlptl.core.protocols.Model`."""
        blocks, backbone = self.blocks(), self.backbone
        top = [module for name, module in backbone.named_modules() if name in self.family.above]
        own = {p: i for i, block in enumerate(blocks, 1) for p in block.parameters()}
        own = {p: len(blocks) + 1 for module in top for p in module.parameters()} | own
        own = dict.fromkeys(self._below_layers(), 0) | own
        return {name: own.get(p, len(blocks) + 1) for name, p in self.named_parameters()}

    def _below_layers(self) -> Iterator[nn.Parameter]:
        """Yields the encoder's parameters, and those of a decoder, but not those of a head over it."""
        over = None if isinstance(self.net, PooledClassifier) else self.net.get_output_embeddings()  # type: ignore[no-untyped-call]
        untied = set() if over is None else set(over.parameters()) - set(self.token_embedding().parameters())
        yield from (p for p in self.backbone.parameters() if p not in untied)

    def width(self) -> int:
        """Returns the hidden size."""
        return int(self.architecture.hidden_size)

    def token_embedding(self) -> nn.Embedding:
        """Returns the embedding of the input tokens."""
        return embedding_of(self.net)

    @property
    def decodes(self) -> bool:
        """Whether the head reads a decoder's states."""
        native = self.config.pooling == "native"
        return native and kinds.WRITER in self.family.heads and not self.kind.by_token  # tokens are the encoder's

    @property
    def has_vectors(self) -> bool:
        """Whether the head reads only the encoder's vectors, so that the encoder below can be frozen and cached."""
        return isinstance(self.net, PooledClassifier) or (self.family.packs and not self.is_likelihood)

    def forward(self, batch: Batch, cut: int = 0) -> torch.Tensor:
        """Returns logits: (n, classes), (n_tokens, classes) of tags and spans, (n, longest, vocabulary) of texts.

        Args:
            batch: the features; if it has `states`, these are the outputs of `prefix(batch, cut)`.
            cut: number of layers below `batch.states`; if all layers are, only the head remains.
        """
        with self.draws.of(batch) if self.training else nullcontext():
            return self._logits(batch, cut)

    def _logits(self, batch: Batch, cut: int) -> torch.Tensor:
        if self.words is not None:
            if not isinstance(self.family, Scoring):
                raise lacks(self.family, "log_likelihoods")
            return self.family.log_likelihoods(self.net, batch, self.words)
        if self.kind.is_written:
            return self._writing().text_logits(self.net, batch)
        if not self.has_vectors:
            if not isinstance(self.family, Padded):
                raise lacks(self.family, "logits")
            return self.family.logits(self.net, batch, self.kind)
        return self.head(self._vectors(batch, cut), batch.terms)

    def answer(self, batch: Batch, cut: int = 0) -> torch.Tensor:
        """Returns what predictions are made of: logits, or the tokens of written texts, int64 (n, longest)."""
        if not self.kind.is_written:
            return self(batch, cut)  # type: ignore[no-any-return]
        options = {"max_new_tokens": self.config.max_written, "n_beams": self.config.n_beams}
        return self._writing().write(self.net, batch, **options)

    def _writing(self) -> Writing:
        if not isinstance(self.family, Writing):
            raise lacks(self.family, "text_logits and write")
        return self.family

    def head(self, vectors: torch.Tensor, terms: torch.Tensor | None = None) -> torch.Tensor:
        """Returns logits.

        Args:
            vectors: pooled vectors (n, hidden), of tags and spans states (n_tokens, hidden).
            terms: sparse (n, terms), if the head reads them.
        """
        if isinstance(self.net, PooledClassifier):
            return self.net.classify(vectors, terms)
        return head_of(self.kind.head).logits(self.family, self.net, vectors)

    def per_token(self, cut: int | None = None) -> bool:
        """Returns whether the prefix's outputs at a cut, or without one the logits, have a row for each token."""
        whole = cut is None or cut == self.depth()
        return self.kind.by_token if whole else True

    def cut(self) -> int:
        """Returns how many layers may be computed once: those below the first trainable parameter; 0 for none.

        The total number of layers means that the whole encoder is frozen.
        """
        if not self.has_vectors or _trains(self.family.embeddings(self.backbone)):
            return 0
        if not _trains(self.backbone):
            return self.depth()
        if not isinstance(self.family, Divided):
            return 0
        layers = self.family.layers(self.backbone)
        highest = self.depth() if self.family.packs else self.depth() - 1  # a norm above the layers may train
        return next((i for i, layer in enumerate(layers) if _trains(layer)), highest)

    @torch.no_grad()
    def prefix(self, batch: Batch, cut: int) -> torch.Tensor:
        """Returns the prefix's outputs: states (n_tokens, hidden), or vectors (n, hidden) of the whole encoder."""
        if cut == self.depth():
            return self._vectors(batch, 0)
        return self._between(batch, 0, cut)

    def _between(self, batch: Batch, start: int, stop: int) -> torch.Tensor:
        if not isinstance(self.family, Divided):
            raise lacks(self.family, "between")
        return self.family.between(self.backbone, batch, start, stop)

    def below(self, cut: int) -> Iterator[tuple[str, torch.Tensor]]:
        """Yields the named values that the prefix's outputs at a cut depend on."""
        above = {id(p) for layer in self.family.layers(self.backbone)[cut:] for p in layer.parameters()}
        yield from ((n, p) for n, p in self.backbone.named_parameters() if not p.requires_grad and id(p) not in above)
        yield from self.backbone.named_buffers()

    def settings(self) -> dict[str, object]:
        """Returns the settings that the outputs of frozen layers depend on: architecture, pooling and code."""
        ignored = {*self.family.dropout_fields, "classifier_dropout", *OF_THE_HEAD}
        return {
            "config": {name: value for name, value in self.architecture.to_dict().items() if name not in ignored},
            "pooling": self.config.pooling,
            "transformers": transformers.__version__,
        }

    def _vectors(self, batch: Batch, cut: int) -> torch.Tensor:
        if batch.states is None:
            states = self.family.states(self.backbone, batch)
        elif cut == self.depth():
            return batch.states
        else:
            states = self._between(batch, cut, self.depth())
        if not self.kind.by_row:
            return states
        return pool(states, batch.boundaries, str(self.config.pooling))

    def train(self, mode: bool = True) -> "SequenceModel":
        """Sets training mode on trained modules; frozen ones stay in eval mode, without dropout."""
        super().train(False)
        if mode:
            for module in _in_training(self):
                module.training = True
            place(self, self.draws)
        return self


def _trains(module: nn.Module) -> bool:
    return any(p.requires_grad for p in module.parameters())


def _in_training(module: nn.Module) -> Iterator[nn.Module]:
    """Yields a module and those below it that are trained; one without parameters (dropout) follows its parent."""
    yield module
    for child in module.children():
        if _trains(child) or next(child.parameters(), None) is None:
            yield from _in_training(child)
