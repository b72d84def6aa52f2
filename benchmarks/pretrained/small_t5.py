"""Writes a small T5 with random weights and a given tokenizer: python -m pretrained.small_t5 TOKENIZER OUT."""

import sys

import torch
from transformers import AutoTokenizer, T5Config, T5ForConditionalGeneration

SEED = 0


def main(source: str, output: str) -> None:
    """Writes the folder."""
    tokenizer = AutoTokenizer.from_pretrained(source)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=64,
        d_kv=16,
        d_ff=256,
        num_layers=2,
        num_decoder_layers=2,
        num_heads=4,
        decoder_start_token_id=tokenizer.pad_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(SEED)
    T5ForConditionalGeneration(config).save_pretrained(output)
    tokenizer.save_pretrained(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
