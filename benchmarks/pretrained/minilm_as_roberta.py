"""Writes MiniLM's BERT encoder as a RoBERTa model with the same outputs: python -m pretrained.minilm_as_roberta IN OUT.

Both architectures have the same layers; RoBERTa counts positions from pad_token_id + 1, here 1 in place of 0.
"""

import sys
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer, RobertaConfig, RobertaModel

TEXTS = ["a good movie", "the stock market fell sharply today , and nobody knows why"]
TOLERANCE = 1e-4
SAME = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "type_vocab_size",
    "initializer_range",
    "layer_norm_eps",
)
POSITIONS = "embeddings.position_embeddings.weight"


def convert(bert: Any, tokenizer: Any) -> RobertaModel:
    """Returns a RoBERTa model with a BERT model's weights."""
    config = RobertaConfig(
        **{name: getattr(bert.config, name) for name in SAME},
        max_position_embeddings=bert.config.max_position_embeddings + 1,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
    )
    if config.pad_token_id != 0:
        raise ValueError(
            f"expected pad_token_id 0, found {config.pad_token_id}: positions would shift by more than one"
        )
    weights = bert.state_dict()
    unused = torch.zeros_like(weights[POSITIONS][:1])  # the padding's position
    weights[POSITIONS] = torch.cat([unused, weights[POSITIONS]])
    roberta = RobertaModel(config)
    roberta.load_state_dict(weights)
    return roberta


@torch.no_grad()
def difference(one: Any, other: Any, tokenizer: Any) -> float:
    """Returns the largest difference of two models' outputs on real tokens."""
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    gap = one.eval()(**batch).last_hidden_state - other.eval()(**batch).last_hidden_state
    return float(gap[batch["attention_mask"].bool()].abs().max())


def main(source: str, output: str) -> None:
    """Converts a folder and checks the result."""
    bert = AutoModel.from_pretrained(source, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(source)
    roberta = convert(bert, tokenizer)
    found = difference(bert, roberta, tokenizer)
    if not found < TOLERANCE:
        raise ValueError(f"RoBERTa's outputs differ from BERT's by {found:.3g}, expected less than {TOLERANCE}")
    roberta.save_pretrained(output)
    tokenizer.save_pretrained(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
