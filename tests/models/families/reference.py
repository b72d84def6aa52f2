"""The rows and models that the tests of the families share, and what transformers itself makes of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.nn import functional

from nlptl.core import kinds
from nlptl.core.config import ModelConfig
from nlptl.core.records import Batch, Example, LabelSpace, Pretrained
from nlptl.methods.full import Full
from nlptl.models import loading
from tests import tiny

ROWS = [row for words in (1, 40, 2, 23, 3, 38, 8, 30) for row in tiny.examples(1, seed=words, longest=words)]
ROWS += tiny.examples(8, longest=40, seed=9)
LABELS = {"span": LabelSpace(("start", "end")), "number": LabelSpace(("number",)), "text": LabelSpace(())}
TARGETS = tiny.examples(len(ROWS), seed=5, longest=6)


def load(folder: Path, output: Any, pooling: Any = "native", **fields: Any) -> Pretrained:
    """Returns a tiny model for an output, all of it trainable."""
    config = ModelConfig(name=str(folder), pooling=pooling, max_written=12, **fields)
    found = loading.load(config, loading.Wanted(output, LABELS.get(output, tiny.THREE)), seed=1)
    Full().prepare(found)
    found.module.eval()
    return found


def rows(pair: bool) -> list[Example]:
    found = [replace(row, label="fine") for row in ROWS]
    return tiny.with_pair(found) if pair else found


def batch(pretrained: Pretrained, *, pair: bool = False) -> Batch:
    """Returns the rows as one flat batch, in no order of their lengths; of texts with targets."""
    found = tiny.batch(replace(pretrained, labels=tiny.THREE), rows(pair))
    if pretrained.output != "text":
        return found
    ids = pretrained.tokenizer([t.text for t in TARGETS])["input_ids"]
    labels = torch.full((len(ids), 3 + max(map(len, ids))), -100)  # others of the data are longer
    for row, own in zip(labels, ids, strict=True):
        row[: len(own)] = torch.tensor(own)
    return replace(found, labels=labels)


def plain(pretrained: Pretrained, folder: Path) -> Any:
    """Returns the same weights in transformers' own class, with its own eager attention."""
    pretrained.module.net.save_pretrained(folder)
    auto = getattr(transformers, pretrained.kind.auto_class)
    return auto.from_pretrained(folder, attn_implementation="eager").eval()


def each_row(pretrained: Pretrained, *, pair: bool) -> list[dict[str, torch.Tensor]]:
    """Returns what transformers' tokenizer makes of each row alone; token types only where the model knows them."""
    kept = ["input_ids", "attention_mask"]
    if hasattr(pretrained.module.net.config, "type_vocab_size"):
        kept.append("token_type_ids")
    found = []
    for row in rows(pair):
        encoded = pretrained.tokenizer(
            row.text, row.text_pair, truncation=True, max_length=pretrained.config.max_length, return_tensors="pt"
        )
        found.append({name: encoded[name] for name in kept})
    return found


def padded(encoded: list[dict[str, torch.Tensor]], filler: int) -> dict[str, torch.Tensor]:
    """Returns rows padded to the longest."""
    longest = max(e["input_ids"].shape[1] for e in encoded)
    fillers = {"input_ids": filler, "attention_mask": 0, "token_type_ids": 0}
    found = {}
    for name in encoded[0]:
        parts = [functional.pad(e[name], (0, longest - e[name].shape[1]), value=fillers[name]) for e in encoded]
        found[name] = torch.cat(parts)
    return found


def flat(found: Any, output: str, mask: torch.Tensor) -> torch.Tensor:
    """Returns the logits of transformers' answer as a model of ours orders them."""
    if kinds.of(output).by_row:
        return found.logits
    logits = torch.stack([found.start_logits, found.end_logits], -1) if output == "span" else found.logits
    return logits[mask.bool()]


def theirs(pretrained: Pretrained, other: Any, *, pair: bool) -> torch.Tensor:
    """Returns transformers' logits; of GPT-2, which has no padding token, row by row."""
    encoded, output = each_row(pretrained, pair=pair), pretrained.output
    if other.config.pad_token_id is None:
        return torch.cat([flat(other(**row), output, row["attention_mask"]) for row in encoded])
    whole = padded(encoded, other.config.pad_token_id)
    return flat(other(**whole), output, whole["attention_mask"])
