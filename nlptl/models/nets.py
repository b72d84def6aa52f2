"""Reads a model's net from its files, and finds which parameters the files lack."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypedDict

import torch
import transformers
from torch import nn
from transformers import PreTrainedModel

from nlptl.core import kinds
from nlptl.core.errors import InputError
from nlptl.core.records import ModelSource, Pretrained
from nlptl.core.weights import layer_of
from nlptl.models.family import Family
from nlptl.models.plan import Plan
from nlptl.models.pooled import PooledClassifier, embedding_of
from nlptl.models.quiet import quiet
from nlptl.models.sequence import SequenceModel
from nlptl.models.tokenizers import check_tokenizer, label_words

Net = PreTrainedModel | PooledClassifier


class Info(TypedDict):
    """transformers' report on loading."""

    missing_keys: set[str]
    mismatched_keys: set[tuple[str, torch.Size, torch.Size]]
    """Names, with the shapes that the files have and that the model needs."""
    unexpected_keys: set[str]


class Found(NamedTuple):
    """A net with the weights that its files had."""

    net: Net
    head: frozenset[str]
    """Its parameters that are not the pretrained model's own."""
    fresh: frozenset[str]
    """Those of the head that are drawn, if the checkpoint's head is not the one that is wanted."""
    info: Info
    """Of the part that transformers loaded."""


def read(plan: Plan) -> Found:
    """Returns the net that a plan asks for; parameters that the files lack are transformers' own random ones.

    Raises:
        InputError: the files lack layers or embeddings, or have some that the model lacks.
    """
    config, net_config, family, kind = plan.config, plan.net_config, plan.family, plan.wanted.kind
    if config.head == "label_words" or kind.is_written:
        net, info = _from_pretrained(kinds.auto_class(kinds.WRITER), plan)
        return Found(net, _absent(net, info), _absent(net, info), info)  # the layer that writes is pretrained, too
    if config.pooling == "native":
        net, info = _from_pretrained(kind.auto_class, plan)
        head = _absent(net, info) | _outside(net)
        lacks = _outside(net).intersection(info["missing_keys"])
        # Where a part of the head is missing, the rest is no head of other labels: pretraining gave it.
        return Found(net, head, _absent(net, info) if lacks else head, info)
    made = family.backbone_class(net_config.model_type)
    backbone, info = _from_pretrained(made, plan, **family.backbone_options)
    dropout = max(getattr(net_config, field, None) or 0.0 for field in family.dropout_fields)
    pooled = PooledClassifier(backbone, int(net_config.num_labels or 0), dropout)
    head = frozenset({"classifier.weight", "classifier.bias"} | {f"backbone.{n}" for n in _absent(backbone, info)})
    return Found(pooled, head, head, info)


def assembled(plan: Plan, found: Found) -> Pretrained:
    """Returns the model as the other rooms see it.

    Raises:
        InputError: the tokenizer does not belong to the net.
    """
    config, wanted, family = plan.config, plan.wanted, plan.family
    check_tokenizer(plan.tokenizer, embedding_of(found.net).num_embeddings, config, writes=kinds.WRITER in family.heads)
    words = label_words(plan.tokenizer, wanted.labels) if config.head == "label_words" else None
    module = SequenceModel(found.net.float(), family, config, wanted.output, words)
    limit = family.max_length(plan.net_config)
    return Pretrained(
        module, plan.tokenizer, family, plan.source, found.head, config, wanted.labels, wanted.output, limit=limit
    )


def _from_pretrained(made: str | type, plan: Plan, **options: bool) -> tuple[PreTrainedModel, Info]:
    cls: Any = getattr(transformers, made) if isinstance(made, str) else made
    net, info = cls.from_pretrained(
        plan.source.path,
        config=plan.net_config,
        attn_implementation=plan.family.attention,
        use_safetensors=True,
        trust_remote_code=False,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **options,
    )
    _refuse_other_layers(net, info, plan.family, plan.source)
    return net, info


def _absent(net: nn.Module, info: Info) -> frozenset[str]:
    absent = {*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])}
    return frozenset(name for name, _ in net.named_parameters() if name in absent)


def _outside(net: PreTrainedModel) -> frozenset[str]:
    inside = "" if net.base_model is net else f"{net.base_model_prefix}."
    return frozenset(name for name, _ in net.named_parameters() if not name.startswith(inside))


def _refuse_other_layers(net: PreTrainedModel, info: Info, family: Family, source: ModelSource) -> None:
    """Refuses files that lack layers or embeddings, or have others."""
    backbone = net.base_model
    stack = next(name for name, m in backbone.named_modules() if m is family.layers(backbone))
    lost = [key for key in _absent(net, info) if layer_of(key) is not None or _is_embedding(net, key)]
    left_out = [key for key in info["unexpected_keys"] if re.search(rf"(^|\.){re.escape(stack)}\.\d", key)]
    for keys, what in ((lost, "lacks"), (left_out, "also has")):
        if keys:
            raise InputError(
                f"{source.path} {what} {len(keys)} of the model's parameters, such as {sorted(keys)[0]!r}: "
                "its weights and its config.json do not belong together"
            )


def _is_embedding(net: nn.Module, name: str) -> bool:
    return "embeddings" in name or isinstance(net.get_submodule(name.rpartition(".")[0]), nn.Embedding)


@contextmanager
def reading(source: ModelSource, seed: int) -> Iterator[None]:
    """Inside, transformers reports nothing, errors are reworded, and torch's random state is restored on exit.

    Args:
        source: where the files are.
        seed: of draws inside.

    Raises:
        InputError: the model cannot be loaded.
    """
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # transformers draws new heads from the global random state
            yield
    except InputError:
        raise
    except Exception as error:  # safetensors, transformers and torch each have their own
        raise InputError(f"the model in {source.path} cannot be loaded: {type(error).__name__}: {error}") from error
