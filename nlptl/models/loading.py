"""Loads a pretrained model with a head for the task, and finds by difference what the checkpoint did not have."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from nlptl import registry
from nlptl.config import ModelConfig
from nlptl.errors import InputError, nearest
from nlptl.models import sources
from nlptl.models.pooled import HEAD_FILE, PooledClassifier
from nlptl.models.quiet import quiet
from nlptl.models.sequence import SequenceModel
from nlptl.protocols import LabelSpace, ModelSource, Pretrained

DEFAULT_MAX_LENGTH = 256


def load(config: ModelConfig, labels: LabelSpace, *, seed: int) -> Pretrained:
    """Returns a pretrained model with a head for these labels.

    The head is the checkpoint's own where that has exactly these labels in this order, else new, drawn with `seed`.

    Args:
        config: `pooling` must be given; `max_length` may be None.
        labels: the classes, in the order of the logits.
        seed: of the new head's weights.

    Raises:
        InputError: the model cannot be found or loaded, or does not fit the configuration.
    """
    source = sources.find(config)
    raw = sources.read_json(source.path / "config.json")
    family = family_of(raw.get("model_type"))
    tokenizer = load_tokenizer(source.path)
    net_config = _net_config(config, source.path, family, labels)
    config = dataclasses.replace(config, max_length=_max_length(config, net_config, family))
    with _loading(source, seed):
        net, head = _load_net(config, source, net_config, family)
    words = _label_words(tokenizer, labels) if config.head == "label_words" else None
    _check_special_tokens(tokenizer, config)
    keep = _same_labels(raw, labels) or (source.path / HEAD_FILE).exists()
    if not keep:
        _draw(net, head, seed, getattr(net_config, "initializer_range", 0.02))
    module = SequenceModel(net.float(), family, str(config.pooling), words)
    return Pretrained(module, tokenizer, family, source, head, config, labels)


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


def load_tokenizer(folder: Path) -> Any:
    """Returns the fast tokenizer of a folder.

    Raises:
        InputError: there is none.
    """
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{folder} has no tokenizer that can be loaded: {error}") from error
    if not tokenizer.is_fast:
        raise InputError(f"the tokenizer in {folder} has no tokenizer.json: save it with a current transformers")
    return tokenizer


def _net_config(config: ModelConfig, path: Path, family: Any, labels: LabelSpace) -> Any:
    options: dict[str, Any] = {}
    if config.head == "classifier":
        options["id2label"] = dict(enumerate(labels.names))
        options["label2id"] = {name: i for i, name in enumerate(labels.names)}
        options["problem_type"] = "single_label_classification"
    if config.dropout is not None:
        options |= dict.fromkeys(family.dropout_fields, config.dropout)
    return transformers.AutoConfig.from_pretrained(path, trust_remote_code=False, **options)


def _max_length(config: ModelConfig, net_config: Any, family: Any) -> int:
    limit = family.max_length(net_config)
    if config.max_length is None:
        return min(DEFAULT_MAX_LENGTH, limit or DEFAULT_MAX_LENGTH)
    if limit is not None and config.max_length > limit:
        raise InputError(f"model.max_length is {config.max_length}, but {config.name} takes at most {limit} tokens")
    return config.max_length


def _load_net(
    config: ModelConfig, source: ModelSource, net_config: Any, family: Any
) -> tuple[nn.Module, frozenset[str]]:
    if config.head == "label_words":
        if family.text_class is None:
            raise InputError(
                f"model.head label_words needs a text-to-text model (T5); {config.name} is a {net_config.model_type}"
            )
        return _from_pretrained(family.text_class, source, net_config, family)
    if config.pooling == "native":
        return _from_pretrained(family.classifier_class, source, net_config, family)
    class_name = family.backbone_class(net_config.model_type)
    backbone, missing = _from_pretrained(class_name, source, net_config, family, **family.backbone_options)
    dropout = max(getattr(net_config, field) for field in family.dropout_fields)
    net = PooledClassifier(backbone, net_config.num_labels, dropout)
    if (source.path / HEAD_FILE).exists():
        net.load_head(source.path)
    return net, frozenset({"classifier.weight", "classifier.bias"} | {f"backbone.{name}" for name in missing})


def _from_pretrained(
    class_name: str, source: ModelSource, net_config: Any, family: Any, **options: Any
) -> tuple[nn.Module, frozenset[str]]:
    net, info = getattr(transformers, class_name).from_pretrained(
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
    backbone = net.base_model
    inside = "" if backbone is net else f"{net.base_model_prefix}."
    absent = {*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])}
    outside = {name for name, _ in net.named_parameters() if not name.startswith(inside)}
    _refuse_random_layers(absent, backbone, inside, family, source)
    return net, frozenset(name for name, _ in net.named_parameters() if name in absent | outside)


def _refuse_random_layers(absent: set[str], backbone: nn.Module, inside: str, family: Any, source: ModelSource) -> None:
    names = {id(p): inside + name for name, p in backbone.named_parameters()}
    pretrained = [*family.layers(backbone).parameters(), *family.embeddings(backbone).parameters()]
    lost = sorted(names[id(p)] for p in pretrained if names[id(p)] in absent)
    if lost:
        raise InputError(
            f"{source.path} lacks {len(lost)} of the encoder's parameters, such as {lost[0]!r}: "
            "its weights and its config.json do not belong together"
        )


def _same_labels(raw: dict[str, Any], labels: LabelSpace) -> bool:
    known = {int(i): str(name) for i, name in (raw.get("id2label") or {}).items()}
    return tuple(known[i] for i in sorted(known)) == labels.names


def _draw(net: nn.Module, head: frozenset[str], seed: int, std: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in net.named_parameters():
        if name not in head:
            continue
        if isinstance(net.get_submodule(name.rpartition(".")[0]), nn.Linear):  # norms begin as they are made
            with torch.no_grad():
                _ = parameter.normal_(0.0, std, generator=generator) if parameter.ndim > 1 else parameter.zero_()


def _label_words(tokenizer: Any, labels: LabelSpace) -> torch.Tensor:
    ids = tokenizer(list(labels.names))["input_ids"]
    if len({tuple(i) for i in ids}) < len(ids):
        raise InputError(
            f"model.head label_words: the tokenizer gives two of the labels {labels.names} the same tokens"
        )
    longest = max(map(len, ids))
    return torch.tensor([i + [-100] * (longest - len(i)) for i in ids])


def _check_special_tokens(tokenizer: Any, config: ModelConfig) -> None:
    n_special = tokenizer.num_special_tokens_to_add()
    if config.max_length is not None and config.max_length <= n_special:
        raise InputError(f"model.max_length is {config.max_length}, but {n_special} tokens of it are special ones")


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
