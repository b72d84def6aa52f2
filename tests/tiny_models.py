"""Makers of tiny pretrained models: two layers with random weights, and a tokenizer of ten sentences' words."""

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OTHERS = ("distilbert", "electra", "deberta_v2", "modernbert", "bart", "gpt2")
"""Those with tests of their own, in tests/models/families."""
SENTENCES = (
    "the film is good and the end is great",
    "a bad film with a bad end",
    "it was fine but a little long",
    "what a great story and what a good actor",
    "the worst hour of my life",
    "not bad at all it made me laugh",
    "i would not see it again",
    "the music is lovely and the light is warm",
    "boring slow and far too long",
    "go and see it you will like it",
)
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
ENDINGS = ("##at", "##ar", "##in", "##ong", "##st", "##ery", "##ke", "##ow", "##sic", "##ght")
SIZES = {"vocab_size": 200, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES |= {"intermediate_size": 48, "max_position_embeddings": 64, "initializer_range": 0.2}


def write(family: str, folder: Path) -> Path:
    """Writes a pretrained model with random weights and its tokenizer, without a head for classes."""
    tokenizer = TOKENIZERS[family]()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    make_net(family).save_pretrained(folder)
    return folder


def make_net(family: str, **fields: Any) -> Any:
    """Returns the family's net as it is published: encoder with pooler, or the whole T5."""
    return NETS[family](fields)


def _bert(fields: dict[str, Any]) -> Any:
    return transformers.BertModel(transformers.BertConfig(**SIZES | {"pad_token_id": 0} | fields))


def _roberta(fields: dict[str, Any]) -> Any:
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
    return transformers.RobertaModel(transformers.RobertaConfig(**SIZES | ids | fields))


def _t5(fields: dict[str, Any]) -> Any:
    sizes = {"vocab_size": 200, "d_model": 32, "d_kv": 8, "num_heads": 4, "d_ff": 48, "num_layers": 2}
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    return transformers.T5ForConditionalGeneration(transformers.T5Config(**sizes | ids | fields))


def _distilbert(fields: dict[str, Any]) -> Any:
    sizes = {"vocab_size": 200, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48}
    sizes |= {"max_position_embeddings": 64, "initializer_range": 0.2}
    return transformers.DistilBertModel(transformers.DistilBertConfig(**sizes | fields))


def _electra(fields: dict[str, Any]) -> Any:
    return transformers.ElectraModel(transformers.ElectraConfig(**SIZES | {"embedding_size": 16} | fields))


def _deberta_v2(fields: dict[str, Any]) -> Any:
    as_v3 = {"relative_attention": True, "position_buckets": 8, "pos_att_type": ["p2c", "c2p"], "share_att_key": True}
    as_v3 |= {"norm_rel_ebd": "layer_norm", "position_biased_input": False, "type_vocab_size": 2}
    return transformers.DebertaV2Model(transformers.DebertaV2Config(**SIZES | as_v3 | fields))


def _modernbert(fields: dict[str, Any]) -> Any:
    ids = {"pad_token_id": 0, "cls_token_id": 2, "bos_token_id": 2, "sep_token_id": 3, "eos_token_id": 3}
    windows = {"local_attention": 8, "layer_types": ["full_attention", "sliding_attention"]}
    return transformers.ModernBertModel(transformers.ModernBertConfig(**SIZES | ids | windows | fields))


def _bart(fields: dict[str, Any]) -> Any:
    sizes = {"vocab_size": 200, "d_model": 32, "max_position_embeddings": 64, "init_std": 0.2, "initializer_range": 0.2}
    for part in ("encoder", "decoder"):
        sizes |= {f"{part}_layers": 2, f"{part}_attention_heads": 4, f"{part}_ffn_dim": 48}
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2}
    return transformers.BartForConditionalGeneration(transformers.BartConfig(**sizes | ids | fields))


def _gpt2(fields: dict[str, Any]) -> Any:
    sizes = {"vocab_size": 200, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "initializer_range": 0.2}
    ids = {"bos_token_id": 0, "eos_token_id": 0}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes | ids | fields))


def _bert_tokenizer() -> Any:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    # By hand: the order of a trained vocabulary changes from process to process, and with it what a word means.
    letters = sorted({letter for word in WORDS for letter in word})
    text = " ".join(SENTENCES).split()
    whole = [word for i, word in enumerate(WORDS) if text.count(word) > 1 or i % 12]
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *ENDINGS, *whole]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    core = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return _fast(core, ["input_ids", "token_type_ids", "attention_mask"], **names, mask_token="[MASK]")


def _roberta_tokenizer() -> Any:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    core = Tokenizer(models.BPE(unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=200, special_tokens=special))
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>"}
    return _fast(core, ["input_ids", "attention_mask"], **names, unk_token="<unk>", mask_token="<mask>")


def _t5_tokenizer() -> Any:
    special = ["<pad>", "</s>", "<unk>"]
    core = Tokenizer(models.Unigram())
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=100, special_tokens=special, unk_token="<unk>")
    core.train_from_iterator(SENTENCES, trainer)
    core.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return _fast(core, ["input_ids", "attention_mask"], **names)


def _fast(core: Tokenizer, inputs: list[str], **names: str) -> Any:
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, model_input_names=inputs, **names)


def _gpt2_tokenizer() -> Any:
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=200, special_tokens=["<|endoftext|>"])
    core.train_from_iterator(SENTENCES, trainer)
    core.post_processor = processors.ByteLevel(trim_offsets=False)
    return _fast(core, ["input_ids", "attention_mask"], bos_token="<|endoftext|>", eos_token="<|endoftext|>")


TOKENIZERS = {
    "bert": _bert_tokenizer,
    "roberta": _roberta_tokenizer,
    "t5": _t5_tokenizer,
    "distilbert": _bert_tokenizer,
    "electra": _bert_tokenizer,
    "deberta_v2": _bert_tokenizer,
    "modernbert": _bert_tokenizer,
    "bart": _roberta_tokenizer,
    "gpt2": _gpt2_tokenizer,
}
NETS = {
    "bert": _bert,
    "roberta": _roberta,
    "t5": _t5,
    "distilbert": _distilbert,
    "electra": _electra,
    "deberta_v2": _deberta_v2,
    "modernbert": _modernbert,
    "bart": _bart,
    "gpt2": _gpt2,
}
