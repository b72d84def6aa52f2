"""What encoder-decoders share that write texts."""

from typing import Any

import torch
from torch import nn

from nlptl.core.kinds import Kind
from nlptl.core.records import Batch
from nlptl.models.families.parts.padded import Padded, last

PLAIN: dict[str, Any] = {"min_length": 0, "no_repeat_ngram_size": 0, "length_penalty": 1.0, "early_stopping": False}
"""Rules of writing that checkpoints bring along: a summarizer's "at least 56 tokens" is not true of other texts."""


class Writer(Padded):
    """An encoder-decoder; a subclass names its model types and says where its layers are."""

    def shifted(self, net: nn.Module, targets: torch.Tensor) -> torch.Tensor:
        """Returns the decoder's inputs for targets, int64 (n, longest), -100 after each."""
        raise NotImplementedError

    def logits(self, net: nn.Module, batch: Batch, kind: Kind) -> torch.Tensor:
        """Returns the logits of transformers' own head: (n, classes), of tags (n_tokens, classes)."""
        if not kind.by_row:
            return super().logits(net, batch, kind)
        given = self.inputs(net.config, batch)
        states = net.base_model(  # type: ignore[operator]
            **given, decoder_input_ids=self.shifted(net, given["input_ids"]), use_cache=False
        ).last_hidden_state  # (n, longest, hidden)
        # The net itself looks for the end token, and fails if a text contains one.
        logits: torch.Tensor = net.classification_head(last(states, batch))  # type: ignore[operator]
        return logits

    def text_logits(self, net: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns logits of the target's tokens, (n, longest target, vocabulary), each given the tokens before it."""
        longest = int((batch.labels >= 0).sum(1).max())  # of these rows: others of the data may be longer
        decoder_input_ids = self.shifted(net, batch.labels[:, :longest])
        logits: torch.Tensor = net(
            **self.inputs(net.config, batch), decoder_input_ids=decoder_input_ids, use_cache=False
        ).logits
        return logits

    @torch.no_grad()
    def write(self, net: nn.Module, batch: Batch, *, max_new_tokens: int, n_beams: int) -> torch.Tensor:
        """Returns the tokens of the written texts, int64 (n, max_new_tokens), filled up with the padding id."""
        options: dict[str, Any] = {"max_new_tokens": max_new_tokens, "num_beams": n_beams, "do_sample": False, **PLAIN}
        written = net.generate(**self.inputs(net.config, batch), **options)[:, 1:]  # type: ignore[operator]
        room = max_new_tokens - written.shape[1]
        pad_id: int = net.config.pad_token_id  # type: ignore[union-attr, assignment]
        return nn.functional.pad(written, (0, room), value=pad_id)

    def log_likelihoods(self, net: nn.Module, batch: Batch, words: torch.Tensor) -> torch.Tensor:
        """Returns the log-likelihood of each label's name as output text, (n, classes).

        Args:
            net: a model that writes texts.
            batch: the features.
            words: int64 (classes, longest name): each name's tokens and end token, -100 after it.
        """
        given = self.inputs(net.config, batch)
        states = net.get_encoder()(**given).last_hidden_state  # type: ignore[operator]
        n, classes = len(batch.lengths), len(words)
        targets = words.repeat(n, 1)  # (n * classes, longest name)
        logits = net(
            encoder_outputs=(states.repeat_interleave(classes, dim=0),),
            attention_mask=given["attention_mask"].repeat_interleave(classes, dim=0),
            decoder_input_ids=self.shifted(net, targets),
        ).logits  # (n * classes, longest name, vocabulary)
        token = nn.functional.cross_entropy(
            logits.float().transpose(1, 2), targets, reduction="none", ignore_index=-100
        )
        return -token.sum(1).view(n, classes)
