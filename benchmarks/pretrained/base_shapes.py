"""Writes BERT-base or RoBERTa-base with random weights: python -m pretrained.base_shapes bert|roberta OUT full|smoke.

Speed does not depend on what weights say. The tokenizer takes each of `gpu.words` for a token.
"""

import sys
from typing import Any

import torch
import transformers
from gpu import words
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
SPECIAL = {
    "bert": {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    },
    "roberta": {
        "bos_token": "<s>",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
        "cls_token": "<s>",
        "sep_token": "</s>",
    },
}
N_TOKENS = {"bert": 30_522, "roberta": 50_265}  # as published
INPUTS = {"bert": ["input_ids", "token_type_ids", "attention_mask"], "roberta": ["input_ids", "attention_mask"]}


def main(family: str, folder: str, scale: str) -> None:
    """Writes the model and its tokenizer."""
    small = scale == "smoke"
    n_tokens = 1_000 if small else N_TOKENS[family]
    tokenizer(family, n_tokens).save_pretrained(folder)
    torch.manual_seed(0)
    net(family, {"vocab_size": n_tokens, **(TINY if small else {})}).save_pretrained(folder)


def net(family: str, fields: dict[str, Any]) -> Any:
    """Returns the encoder, whose configuration's defaults are the base shape."""
    if family == "bert":
        return transformers.BertModel(transformers.BertConfig(**fields))
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
    return transformers.RobertaModel(transformers.RobertaConfig(**ids, max_position_embeddings=514, **fields))


def tokenizer(family: str, n_tokens: int) -> Any:
    """Returns a tokenizer of n tokens."""
    special = list(dict.fromkeys(SPECIAL[family].values()))
    tokens = [*special, *words.vocabulary(n_tokens - len(special))]
    unknown = SPECIAL[family]["unk_token"]
    core = Tokenizer(models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token=unknown))
    core.normalizer = normalizers.BertNormalizer()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    first, last = SPECIAL[family]["cls_token"], SPECIAL[family]["sep_token"]
    core.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, special.index(first)), (last, special.index(last))]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, model_input_names=INPUTS[family], **SPECIAL[family]
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
