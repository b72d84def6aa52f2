"""The layer over a decoder that writes texts."""

from nlptl.models.heads.base import AnyHead


class Writer(AnyHead):
    """Seq2SeqLM: its family runs it, with `text_logits` and `write`."""


HEAD = Writer()
