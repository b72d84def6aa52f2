"""Checks before any weight is read whether a model fits the task, the method and the settings."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import transformers
from transformers import PreTrainedConfig

from nlptl.core import kinds, registry
from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError, nearest
from nlptl.core.parts import Tokenizer
from nlptl.core.records import LabelSpace, ModelSource
from nlptl.models import declared, sources
from nlptl.models.family import Family
from nlptl.models.tokenizers import load_tokenizer


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Requirements of a task and a method."""

    output: str
    labels: LabelSpace
    """The classes, in the order of the logits."""
    pooling: str = "native"
    """Default if neither the user nor the checkpoint names one."""
    max_length: int = 256
    """Where the user gives none."""

    @property
    def kind(self) -> kinds.Kind:
        """What follows from the kind of answers."""
        return kinds.of(self.output)


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a model will be read."""

    config: ModelConfig
    """Resolved."""
    wanted: Wanted
    source: ModelSource
    raw: Mapping[str, Any]
    """The checkpoint's config.json."""
    net_config: PreTrainedConfig
    """transformers' configuration of the net with the head that is wanted."""
    family: Family
    tokenizer: Tokenizer


def plan(config: ModelConfig, wanted: Wanted, source: ModelSource) -> Plan:
    """Returns how a model will be read.

    Args:
        config: of the model; open settings are resolved.
        wanted: what the head must give.
        source: where the weights are.

    Raises:
        InputError: the model does not fit the configuration.
    """
    raw = sources.read_json(source.path / "config.json")
    family = family_of(raw.get("model_type"))
    tokenizer = load_tokenizer(source.path)
    _check_head(config, wanted, family, raw["model_type"])
    net_config = _net_config(config, source.path, family, wanted)
    config = dataclasses.replace(
        config,
        pooling=_pooling(config, wanted, family, declared.pooling(source.path)),  # type: ignore[arg-type]
        max_length=_max_length(config, wanted.max_length, family.max_length(net_config)),
    )
    if wanted.kind.is_written:
        _check_written(config, family.max_length(net_config))
    return Plan(config, wanted, source, raw, net_config, family, tokenizer)


def family_of(model_type: str | None) -> Family:
    """Returns the family that serves a config.json's "model_type".

    Raises:
        InputError: none does.
    """
    own = _by_model_type(registry.own_names("family"))
    known = own if model_type in own else _by_model_type(registry.names("family"))
    if model_type not in known:
        hint = nearest(str(model_type), known)
        raise InputError(f"architecture {model_type!r} is not supported{hint}; supported: {', '.join(sorted(known))}")
    family: Family = known[model_type]()
    return family


def _by_model_type(names: Sequence[str]) -> dict[str, type[Any]]:
    families = [registry.load("family", name) for name in names]
    return {model_type: family for family in families for model_type in family.model_types}


def _check_head(config: ModelConfig, wanted: Wanted, family: Family, model_type: str) -> None:
    if wanted.kind.head in family.refused:
        raise InputError(
            f"model {config.name!r} ({model_type}) does not give answers of the kind {wanted.output!r}: "
            f"{family.refused[wanted.kind.head]}"
        )
    if config.head != "label_words":
        return
    if kinds.WRITER not in family.heads:
        raise InputError(
            f"model.head label_words needs a text-to-text model (T5, BART); {config.name} is a {model_type}"
        )
    if not wanted.kind.one_name:
        raise InputError(
            "model.head label_words scores each label's name as output text: it needs a task with one label a row, "
            f"this one asks for {wanted.output!r}"
        )
    if config.pooling not in (None, "native"):
        raise InputError(f"model.pooling {config.pooling} does not go with model.head label_words, which pools nothing")


def _pooling(config: ModelConfig, wanted: Wanted, family: Family, declared: str | None) -> str:
    allowed: tuple[str, ...]
    if config.head == "label_words" or wanted.kind.is_written:
        allowed, default = ("native",), "native"
    elif wanted.kind.by_row:
        allowed, default = ("native", "mean", "cls", "max"), declared or wanted.pooling
    else:
        allowed = ("native", "none") if wanted.kind.head in family.heads else ("none",)
        default = allowed[0] if wanted.pooling == "native" else "none"
    if config.pooling is not None and config.pooling not in allowed:
        raise InputError(
            f"model.pooling {config.pooling} does not go with this model and answers of the kind {wanted.output!r}: "
            f"choose {' or '.join(allowed)}"
        )
    return config.pooling or default


def _net_config(config: ModelConfig, path: Path, family: Family, wanted: Wanted) -> PreTrainedConfig:
    options: dict[str, object] = {}
    if config.head == "classifier" and not wanted.kind.is_written:
        options["id2label"] = dict(enumerate(wanted.labels.names))
        options["label2id"] = wanted.labels.ids
        options["problem_type"] = wanted.kind.problem_type
    if config.dropout is not None:
        options |= dict.fromkeys([*family.dropout_fields, "classifier_dropout"], config.dropout)
    try:
        found: PreTrainedConfig = transformers.AutoConfig.from_pretrained(path, trust_remote_code=False, **options)
    except Exception as error:  # each architecture checks its configuration in its own way
        raise InputError(f"{path / 'config.json'} cannot be used: {type(error).__name__}: {error}") from error
    return found


def _max_length(config: ModelConfig, default: int, limit: int | None) -> int:
    if config.max_length is None:
        return min(default, limit or default)
    if limit is not None and config.max_length > limit:
        raise InputError(f"model.max_length is {config.max_length}, but {config.name} takes at most {limit} tokens")
    return config.max_length


def _check_written(config: ModelConfig, limit: int | None) -> None:
    if limit is not None and config.max_written > limit:
        raise InputError(f"model.max_written is {config.max_written}, but {config.name} writes at most {limit} tokens")
