"""Makers of tiny things: pretrained models of two layers, their tokenizers, examples, and a training job on them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from nlptl.config import ModelConfig, TrainConfig
from nlptl.engine import batching, device, inference, loop
from nlptl.engine.device import Compute
from nlptl.models import loading
from nlptl.models.tokenization import tokenize
from nlptl.protocols import Method
from nlptl.records import Batch, Example, Features, LabelSpace, Pretrained
from nlptl.tasks.sentiment import Sentiment

FAMILIES = ("bert", "roberta", "t5")
LABELS = LabelSpace(("bad", "good"))
THREE = LabelSpace(("bad", "fine", "good"))
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
    if family == "bert":
        return transformers.BertModel(transformers.BertConfig(**SIZES | {"pad_token_id": 0} | fields))
    if family == "roberta":
        ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
        return transformers.RobertaModel(transformers.RobertaConfig(**SIZES | ids | fields))
    sizes = {"vocab_size": 200, "d_model": 32, "d_kv": 8, "num_heads": 4, "d_ff": 48, "num_layers": 2}
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    return transformers.T5ForConditionalGeneration(transformers.T5Config(**sizes | ids | fields))


def _bert_tokenizer() -> Any:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    core = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece()
    core.train_from_iterator(SENTENCES, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special))
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


TOKENIZERS = {"bert": _bert_tokenizer, "roberta": _roberta_tokenizer, "t5": _t5_tokenizer}


def examples(n: int = 24, labels: LabelSpace = LABELS, seed: int = 0, longest: int = 20) -> list[Example]:
    """Returns rows of very different lengths whose labels are even."""
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, size=random.integers(1, longest + 1))) for _ in range(n)]
    return [Example(i, text, label=labels.names[i % len(labels.names)]) for i, text in enumerate(texts)]


def load(
    folder: Path, pooling: str = "native", labels: LabelSpace = LABELS, seed: int = 1, **fields: Any
) -> Pretrained:
    """Returns a tiny pretrained model with a head; pooling "label_words" asks for T5's likelihoods of the names."""
    if pooling == "label_words":
        fields, pooling = fields | {"head": "label_words"}, "native"
    return loading.load(ModelConfig(name=str(folder), pooling=pooling, **fields), labels, seed=seed)  # type: ignore[arg-type]


def features(pretrained: Pretrained, rows: list[Example] | None = None) -> Features:
    """Returns the features of some rows, by default those of `examples()`."""
    rows = examples(labels=pretrained.labels) if rows is None else rows
    return tokenize(rows, pretrained.tokenizer, int(pretrained.config.max_length or 0), pretrained.labels)


def batch(pretrained: Pretrained, rows: list[Example] | None = None, order: Any = None) -> Batch:
    """Returns some rows as one flat batch, in their own or a given order."""
    found = features(pretrained, rows)
    return batching.collate(found, np.arange(len(found)) if order is None else np.asarray(order), torch.device("cpu"))


def fp32() -> Compute:
    """Returns the CPU in float32."""
    return device.start("fp32")


def logits(pretrained: Pretrained, rows: list[Example] | None = None) -> torch.Tensor:
    """Returns the logits of some rows, in eval mode and float32."""
    return torch.from_numpy(inference.logits(pretrained.module, features(pretrained, rows), fp32()))


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Returns a copy of all parameters."""
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def trainable(module: torch.nn.Module) -> set[str]:
    """Returns the names of the parameters that are trained."""
    return {name for name, p in module.named_parameters() if p.requires_grad}


@dataclass
class Record:
    """What a training job said while it ran."""

    losses: list[float]
    lines: list[dict[str, Any]]


def train_config(**fields: Any) -> TrainConfig:
    """Returns settings for three updates an epoch of `examples()`."""
    return TrainConfig(**{"epochs": 1, "batch_size": 8, "warmup": 0, "schedule": "constant", "log_every": 1} | fields)


def job(
    pretrained: Pretrained,
    folder: Path,
    config: TrainConfig | None = None,
    rows: list[Example] | None = None,
    lr: float = 1e-2,
    evaluate: Callable[[], dict[str, float]] = dict,
    show: Callable[[int, float, int], None] | None = None,
    class_weights: str = "none",
) -> tuple[loop.Job, Record]:
    """Returns a training job on a prepared model, and the record that it fills."""
    config, record, task = config or train_config(), Record([], []), Sentiment()
    found = features(pretrained, rows)

    def shown(update: int, loss: float, n: int) -> None:
        record.losses.append(loss)
        if show is not None:
            show(update, loss, n)

    losses = partial(task.losses, smoothing=config.label_smoothing, likelihood=pretrained.module.is_likelihood)
    made = loop.Job(
        model=pretrained.module,
        features=found,
        weights=task.weights(found, pretrained.labels, class_weights),
        losses=losses,
        evaluate=evaluate,
        metric="accuracy",
        greater_is_better=True,
        config=config,
        lr=lr,
        folder=folder,
        log=record.lines.append,
        show=shown,
    )
    return made, record


def prepared(folder: Path, method: Method, pooling: str = "native", **fields: Any) -> Pretrained:
    """Returns a tiny model that a method has edited."""
    pretrained = load(folder, pooling, **fields)
    torch.manual_seed(2)
    method.prepare(pretrained)
    return pretrained


def with_pair(rows: list[Example], text: str = "a good end") -> list[Example]:
    """Returns the rows with a second text each."""
    return [replace(row, text_pair=text) for row in rows]
