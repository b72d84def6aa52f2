"""Protocols of the parts of a pretrained model that methods, tasks and runs use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, ValuesView
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol, overload

from nlptl.core.protocols import Model

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn


class Architecture(Protocol):
    """The configuration of a net, as transformers has it."""

    architectures: list[str] | None
    """Class names of the net."""
    id2label: dict[int, str] | dict[str, str] | None
    """The labels, by class id."""

    def save_pretrained(self, save_directory: str | Path) -> object:
        """Writes config.json into a folder."""


class Adaptable(Model, Protocol):
    """A model that methods edit and runs move and save; implemented by `nlptl.models.sequence.SequenceModel`."""

    @property
    def net(self) -> nn.Module:
        """The transformers model, or an encoder with a linear head over it; a method edits it in place."""

    @property
    def backbone(self) -> nn.Module:
        """The encoder under the head."""

    @property
    def classifier(self) -> nn.Linear:
        """The linear head over the encoder."""

    def read_terms(self, n_terms: int) -> nn.Linear:
        """Makes the linear head read terms beside the encoder's vector; returns their weights, which are zero."""

    @property
    def term_weights(self) -> nn.Linear:
        """The weights that `read_terms` has made."""

    @property
    def architecture(self) -> Architecture:
        """The net's configuration."""

    @property
    def is_likelihood(self) -> bool:
        """Whether the logits are log-likelihoods of output texts."""

    @property
    def decodes(self) -> bool:
        """Whether the head reads a decoder's states."""

    def to(self, device: torch.device) -> Adaptable:
        """Moves the model to a device and returns it."""

    def save_net(self, folder: Path) -> None:
        """Writes the net as a transformers folder, with a linear head in a file of its own."""

    def draw_anew(self, modules: Iterable[nn.Module]) -> None:
        """Gives modules of the encoder or decoder the weights that pretraining starts with, from torch's generator.

        Raises:
            InputError: the architecture does not initialise one of their parameters.
        """

    def draw_all_anew(self) -> None:
        """Gives everything, the head included, the weights that pretraining starts with, as `draw_anew`."""


class Layered(Protocol):
    """Where an architecture has its layers."""

    above: ClassVar[tuple[str, ...]]
    """The encoder's modules above its layers, such as a last norm: they train whenever a layer does."""

    def layers(self, backbone: nn.Module) -> nn.ModuleList:
        """Returns the encoder's layers, first to last."""


class SubLayers(NamedTuple):
    """Regular expressions on module names that find a family's layers and, inside a layer, its two sub-layers."""

    stack: str
    """The list of layers, as in `encoder.layer.3`."""
    attention: str
    feed_forward: str


class Encoded(Protocol):
    """Tokenized texts: by name, one list per text or window."""

    @overload
    def __getitem__(self, name: Literal["input_ids", "token_type_ids"]) -> list[list[int]]: ...
    @overload
    def __getitem__(self, name: Literal["offset_mapping"]) -> list[list[tuple[int, int]]]: ...
    @overload
    def __getitem__(self, name: Literal["overflow_to_sample_mapping"]) -> list[int]: ...

    def get(self, key: Literal["token_type_ids"]) -> list[list[int]] | None:
        """Returns for each token its text of the pair, 0 or 1; None if the model does not use it."""

    def values(self) -> ValuesView[list[list[int]]]:
        """Returns the lists."""

    def sequence_ids(self, batch_index: int) -> list[int | None]:
        """Returns for each token its text of the pair, 0 or 1; None for special tokens."""


class Tokenizer(Protocol):
    """transformers' fast tokenizer."""

    bos_token_id: int | None
    eos_token_id: int | None
    unk_token_id: int | None
    pad_token_id: int | None
    padding_side: str
    """left or right."""
    eos_token: str | None

    def __call__(
        self, text: Sequence[str] | None = None, text_pair: Sequence[str] | None = None, **options: object
    ) -> Encoded:
        """Returns the tokens of texts, or of pairs of texts."""

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """Returns the number of special tokens added to a text or a pair."""

    def batch_decode(self, sequences: np.ndarray, skip_special_tokens: bool = False) -> list[str]:
        """Returns the texts for token ids, (n, longest)."""

    def get_vocab(self) -> dict[str, int]:
        """Returns the id of each token."""

    def save_pretrained(self, save_directory: str | Path) -> object:
        """Writes the tokenizer's files into a folder."""
