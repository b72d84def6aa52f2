"""Loads a pretrained model with a head for the task, and finds by difference what the checkpoint did not have."""

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from torch import nn

from nlptl.core import registry
from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError, nearest
from nlptl.core.records import BY_SEQUENCE, LabelSpace, ModelSource, Output, Pretrained
from nlptl.models import sources
from nlptl.models.family import HEADS
from nlptl.models.pooled import HEAD_FILE, PooledClassifier
from nlptl.models.quiet import quiet
from nlptl.models.sequence import SequenceModel
from nlptl.models.tokenizers import check_tokenizer, label_words, load_tokenizer

PROBLEMS = {"class": "single_label_classification", "classes": "multi_label_classification", "number": "regression"}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a task and a method ask of a model."""

    output: Output
    labels: LabelSpace
    """The classes, in the order of the logits."""
    pooling: str = "native"
    """Where the user gives none."""
    max_length: int = 256
    """Where the user gives none."""


class Found(NamedTuple):
    """A net with the weights of a checkpoint."""

    net: nn.Module
    head: frozenset[str]
    """Its parameters that are not the pretrained model's own."""
    fresh: frozenset[str]
    """Those of the head that are drawn, where the checkpoint's head is not the one that is wanted."""


def load(config: ModelConfig, wanted: Wanted, *, seed: int) -> Pretrained:
    """Returns a pretrained model with a head.

    The head is the checkpoint's own where that has exactly these labels in this order, else new, drawn with `seed`.

    Args:
        config: of the model; what it leaves open is resolved.
        wanted: what the head must give.
        seed: of the new head's weights.

    Raises:
        InputError: the model cannot be found or loaded, or does not fit the configuration.
    """
    labels = wanted.labels
    source = sources.find(config)
    raw = sources.read_json(source.path / "config.json")
    family = family_of(raw.get("model_type"))
    tokenizer = load_tokenizer(source.path)
    _check_head(config, wanted, family, raw["model_type"])
    net_config = _net_config(config, source.path, family, wanted)
    config = dataclasses.replace(
        config,
        pooling=_pooling(config, wanted, family),  # type: ignore[arg-type]
        max_length=_max_length(config, wanted.max_length, family.max_length(net_config)),
    )
    if wanted.output == "text":
        _check_written(config, family.max_length(net_config))
    with _loading(source, seed):
        net, head, fresh = _load_net(config, source, net_config, family, wanted.output)
        has_file = (source.path / HEAD_FILE).exists()
        if not _has_head(raw, wanted) or (isinstance(net, PooledClassifier) and not has_file):
            _draw(net, fresh, seed, getattr(net_config, "initializer_range", 0.02))
        elif isinstance(net, PooledClassifier):
            net.load_head(source.path)
    check_tokenizer(tokenizer, net, config, writes="text" in family.native)
    words = label_words(tokenizer, labels) if config.head == "label_words" else None
    module = SequenceModel(net.float(), family, config, wanted.output, words)
    return Pretrained(module, tokenizer, family, source, head, config, labels, wanted.output)


def family_of(model_type: str | None) -> Any:
    """Returns the family that serves a config.json's "model_type".

    Raises:
        InputError: none does.
    """
    known = {
        t: registry.load("family", name)
        for name in registry.names("family")
        for t in registry.load("family", name).model_types
    }
    if model_type not in known:
        hint = nearest(str(model_type), known)
        raise InputError(f"architecture {model_type!r} is not supported{hint}; supported: {', '.join(sorted(known))}")
    return known[model_type]()


def _check_head(config: ModelConfig, wanted: Wanted, family: Any, model_type: str) -> None:
    if wanted.output in family.refused:
        raise InputError(
            f"model {config.name!r} ({model_type}) does not give answers of the kind {wanted.output!r}: "
            f"{family.refused[wanted.output]}"
        )
    if config.head != "label_words":
        return
    if "text" not in family.native:
        raise InputError(
            f"model.head label_words needs a text-to-text model (T5, BART); {config.name} is a {model_type}"
        )
    if wanted.output != "class":
        raise InputError(
            "model.head label_words scores each label's name as output text: it needs a task with one label a row, "
            f"this one asks for {wanted.output!r}"
        )
    if config.pooling not in (None, "native"):
        raise InputError(f"model.pooling {config.pooling} does not go with model.head label_words, which pools nothing")


def _pooling(config: ModelConfig, wanted: Wanted, family: Any) -> str:
    allowed: tuple[str, ...]
    if config.head == "label_words" or wanted.output == "text":
        allowed, default = ("native",), "native"
    elif wanted.output in BY_SEQUENCE:
        allowed, default = ("native", "mean", "cls", "max"), wanted.pooling
    else:
        allowed = ("native", "none") if wanted.output in family.native else ("none",)
        default = allowed[0] if wanted.pooling == "native" else "none"
    if config.pooling is not None and config.pooling not in allowed:
        raise InputError(
            f"model.pooling {config.pooling} does not go with this model and answers of the kind {wanted.output!r}: "
            f"choose {' or '.join(allowed)}"
        )
    return config.pooling or default


def _net_config(config: ModelConfig, path: Path, family: Any, wanted: Wanted) -> Any:
    options: dict[str, Any] = {}
    if config.head == "classifier" and wanted.output != "text":
        options["id2label"] = dict(enumerate(wanted.labels.names))
        options["label2id"] = {name: i for i, name in enumerate(wanted.labels.names)}
        options["problem_type"] = PROBLEMS.get(wanted.output)
    if config.dropout is not None:
        options |= dict.fromkeys([*family.dropout_fields, "classifier_dropout"], config.dropout)
    return transformers.AutoConfig.from_pretrained(path, trust_remote_code=False, **options)


def _max_length(config: ModelConfig, default: int, limit: int | None) -> int:
    if config.max_length is None:
        return min(default, limit or default)
    if limit is not None and config.max_length > limit:
        raise InputError(f"model.max_length is {config.max_length}, but {config.name} takes at most {limit} tokens")
    return config.max_length


def _check_written(config: ModelConfig, limit: int | None) -> None:
    if limit is not None and config.max_written > limit:
        raise InputError(f"model.max_written is {config.max_written}, but {config.name} writes at most {limit} tokens")


def _load_net(config: ModelConfig, source: ModelSource, net_config: Any, family: Any, output: Output) -> Found:
    if config.head == "label_words" or output == "text":
        net, info = _from_pretrained(HEADS["text"], source, net_config, family)
        return Found(net, _absent(net, info), _absent(net, info))  # the layer that writes is pretrained, too
    if config.pooling == "native":
        net, info = _from_pretrained(HEADS[output], source, net_config, family)
        head = _absent(net, info) | _outside(net)
        lacks = _outside(net).intersection(info["missing_keys"])
        # Where a part of the head is missing, the rest is no head of other labels: pretraining gave it.
        return Found(net, head, _absent(net, info) if lacks else head)
    made = family.backbone_class(net_config.model_type)
    backbone, info = _from_pretrained(made, source, net_config, family, **family.backbone_options)
    dropout = max(getattr(net_config, field, None) or 0.0 for field in family.dropout_fields)
    net = PooledClassifier(backbone, net_config.num_labels, dropout)
    head = frozenset({"classifier.weight", "classifier.bias"} | {f"backbone.{n}" for n in _absent(backbone, info)})
    return Found(net, head, head)


def _from_pretrained(
    made: str | type, source: ModelSource, net_config: Any, family: Any, **options: Any
) -> tuple[nn.Module, dict[str, Any]]:
    cls: Any = getattr(transformers, made) if isinstance(made, str) else made
    net, info = cls.from_pretrained(
        source.path,
        config=net_config,
        attn_implementation=family.attention,
        use_safetensors=True,
        trust_remote_code=False,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **options,
    )
    _refuse_other_layers(net, info, family, source)
    return net, info


def _absent(net: nn.Module, info: dict[str, Any]) -> frozenset[str]:
    absent = {*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])}
    return frozenset(name for name, _ in net.named_parameters() if name in absent)


def _outside(net: nn.Module) -> frozenset[str]:
    inside = "" if net.base_model is net else f"{net.base_model_prefix}."
    return frozenset(name for name, _ in net.named_parameters() if not name.startswith(inside))


def _refuse_other_layers(net: nn.Module, info: dict[str, Any], family: Any, source: ModelSource) -> None:
    """Layers and embeddings are never drawn at random, and none is left out."""
    backbone = net.base_model
    stack = next(name for name, m in backbone.named_modules() if m is family.layers(backbone))  # type: ignore[union-attr]
    lost = [key for key in _absent(net, info) if _in_layer(key) or _is_embedding(net, key)]
    left_out = [key for key in info["unexpected_keys"] if re.search(rf"(^|\.){re.escape(stack)}\.\d", key)]
    for keys, what in ((lost, "lacks"), (left_out, "also has")):
        if keys:
            raise InputError(
                f"{source.path} {what} {len(keys)} of the model's parameters, such as {sorted(keys)[0]!r}: "
                "its weights and its config.json do not belong together"
            )


def _in_layer(name: str) -> bool:
    return any(part.isdigit() for part in name.split("."))


def _is_embedding(net: nn.Module, name: str) -> bool:
    return "embeddings" in name or isinstance(net.get_submodule(name.rpartition(".")[0]), nn.Embedding)


def _has_head(raw: dict[str, Any], wanted: Wanted) -> bool:
    """Returns whether the checkpoint's own head, where there is one, is the one that is wanted."""
    if wanted.output == "span" and any(name.endswith("QuestionAnswering") for name in raw.get("architectures") or ()):
        return True  # its labels are mostly not named
    known = {int(i): str(name) for i, name in (raw.get("id2label") or {}).items()}
    return tuple(known[i] for i in sorted(known)) == wanted.labels.names


def _draw(net: nn.Module, head: frozenset[str], seed: int, std: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in net.named_parameters():
        if name not in head:
            continue
        if isinstance(net.get_submodule(name.rpartition(".")[0]), nn.Linear):  # norms begin as they are made
            with torch.no_grad():
                _ = parameter.normal_(0.0, std, generator=generator) if parameter.ndim > 1 else parameter.zero_()


@contextmanager
def _loading(source: ModelSource, seed: int) -> Iterator[None]:
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # transformers draws new heads from the global random state
            yield
    except InputError:
        raise
    except Exception as error:  # safetensors, transformers and torch each have their own
        raise InputError(f"the model in {source.path} cannot be loaded: {type(error).__name__}: {error}") from error
