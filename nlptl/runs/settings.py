"""Settings that follow from the checkpoint and the data, each with its reason; what the user gives stays.

Pooling and the learning rate at width 384 were measured on rows held out of training (benchmarks/RESULTS.md: settings);
the other numbers follow what is cited beside them, and were not searched for.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from nlptl.core import registry
from nlptl.core.checks import known
from nlptl.core.config import ModelConfig, TrainConfig
from nlptl.core.protocols import ByWidth, Method, Task
from nlptl.core.recipe import Recipe
from nlptl.core.records import Example, Features, Pretrained
from nlptl.models import declared
from nlptl.runs.encoding import encode

LEAST_UPDATES = 500
"""Few rows are trained longer than five epochs (Mosbach et al. 2021, section 5; Zhang et al. 2021, section 6)."""
LEAST_EPOCHS, MOST_EPOCHS = 5, 20
BATCH_SIZE, SMALL_BATCH_SIZE, FEW_ROWS = 32, 16, 500
WARMUP_SHARE, ONE_CYCLE_SHARE = 0.06, 0.3
"""Of the updates: RoBERTa's (Liu et al. 2019, table 10), and one-cycle's."""
MOST_EVALUATING = 2
"""Validation takes at most this multiple of the time of training, if nobody said how often; a row that is trained on
takes three times as long as one that is predicted."""
LONGEST, STEP, CUT_SHARE = 512, 64, 0.1
"""Of model.max_length, in tokens; up to this share of the training texts may be cut."""

Reasons = dict[str, str]
"""Why a setting has its value, by name: {"train.lr": "full at width 384"}."""


def encoded(
    task: Task, examples: Sequence[Example], pretrained: Pretrained, *, fixed: bool
) -> tuple[Features, Reasons]:
    """Returns the features of the training examples, with `model.max_length` raised if too many would be cut.

    Args:
        task: makes the features.
        examples: the training rows.
        pretrained: its `config` gets the new length.
        fixed: whether the user gave the length.
    """
    features = encode(task, examples, pretrained)
    length = int(pretrained.config.max_length or 0)
    most = max(length, min(LONGEST, pretrained.limit or LONGEST))
    if fixed:
        return features, {}
    if np.mean(features.full_lengths > length) > CUT_SHARE and length < most:
        wanted = float(np.quantile(features.full_lengths, 1 - CUT_SHARE))
        length = min(most, math.ceil(wanted / STEP) * STEP)
        pretrained.config = dataclasses.replace(pretrained.config, max_length=length)
        features = encode(task, examples, pretrained)
    cut = 100 * np.mean(features.full_lengths > length)
    return features, {"model.max_length": f"{cut:.0f} % of the training texts are cut"}


def pooling(given: ModelConfig, pretrained: Pretrained, method: Method) -> Reasons:
    """Returns why the pooling is what it is, and what the model then loads with; nothing if the user chose it."""
    if given.pooling is not None or not pretrained.kind.by_row:
        return {}
    if declared.pooling(pretrained.source.path) != pretrained.config.pooling:
        return {"model.pooling": "the checkpoint declares none"}
    why = "as the checkpoint declares"
    if method.default_pooling == "native":
        if method.self_contained:
            why += "; the model loads with sentence-transformers, with --model.pooling native with transformers"
        else:
            why += "; --model.pooling native is transformers' own head"
    return {"model.pooling": why}


def resolved(recipe: Recipe, pretrained: Pretrained, n_rows: int, n_validation: int) -> tuple[Recipe, Reasons]:
    """Returns the recipe without open settings, and why each of these has its value.

    Args:
        recipe: as the user gave it.
        pretrained: the model; its `config` is resolved.
        n_rows: number of training rows.
        n_validation: of validation rows.
    """
    train, reasons = sized(recipe.train, n_rows)
    if recipe.train.warmup is None:  # a stored recipe, which has one, evaluates as it did
        train, often = _evaluating(train, n_rows, n_validation)
        reasons |= often
    if not isinstance(train.lr, float | int):
        width = pretrained.module.width()
        train = dataclasses.replace(train, lr=learning_rate(recipe.method, width))
        name = registry.name_of("method", type(recipe.method))
        reasons["train.lr"] = f"{name} at the model's width, {width}"
    return dataclasses.replace(recipe, model=pretrained.config, train=train), reasons


def sized(train: TrainConfig, n_rows: int) -> tuple[TrainConfig, Reasons]:
    """Returns the settings with the batch size, epochs and warm-up that follow from the number of rows, and why."""
    reasons: Reasons = {}
    if train.batch_size is None:
        few = n_rows < FEW_ROWS
        train = dataclasses.replace(train, batch_size=SMALL_BATCH_SIZE if few else BATCH_SIZE)
        reasons["train.batch_size"] = f"{n_rows:,} training rows are {'fewer than' if few else 'at least'} {FEW_ROWS}"
    per_epoch = math.ceil(n_rows / known("train.batch_size", train.batch_size))
    if train.epochs is None:
        epochs = min(MOST_EPOCHS, max(LEAST_EPOCHS, math.ceil(LEAST_UPDATES / per_epoch)))
        train = dataclasses.replace(train, epochs=epochs)
        reasons["train.epochs"] = f"{per_epoch * epochs:,} updates, {per_epoch:,} an epoch"
    if train.warmup is None:
        n_updates = per_epoch * known("train.epochs", train.epochs)
        train = dataclasses.replace(train, warmup=warmup(train, n_updates))
        reasons["train.warmup"] = f"{100 * warmup_share(train):.0f} % of {n_updates:,} updates"
    return train, reasons


def _evaluating(train: TrainConfig, n_rows: int, n_validation: int) -> tuple[TrainConfig, Reasons]:
    """Returns the settings with fewer evaluations than one an epoch, if these would take most of the time, and why."""
    n_epochs = min(known("train.epochs", train.epochs), math.ceil(n_validation / (3 * MOST_EVALUATING * n_rows)))
    if train.evaluate_every is not None or train.early_stopping is not None or n_epochs <= 1:
        return train, {}
    per_epoch = math.ceil(n_rows / known("train.batch_size", train.batch_size))
    why = f"every {n_epochs} epochs, because {n_validation:,} validation rows take longer than {n_rows:,} training rows"
    return dataclasses.replace(train, evaluate_every=n_epochs * per_epoch), {"train.evaluate_every": why}


def n_updates(train: TrainConfig, n_rows: int) -> int:
    """Returns the number of updates of a run."""
    batch_size, epochs = known("train.batch_size", train.batch_size), known("train.epochs", train.epochs)
    return math.ceil(n_rows / batch_size) * epochs


def warmup(train: TrainConfig, n_updates: int) -> int:
    """Returns the warm-up of so many updates."""
    return math.ceil(warmup_share(train) * n_updates)


def warmup_share(train: TrainConfig) -> float:
    """Returns the warm-up as a share of the updates."""
    return ONE_CYCLE_SHARE if train.schedule == "one_cycle" else WARMUP_SHARE


def learning_rate(method: Method, width: int) -> float:
    """Returns a method's default for a hidden size: between two that it knows, on the line through their logarithms."""
    if not isinstance(method, ByWidth):
        return method.default_lr
    widths = sorted(method.lr_by_width)
    rates = [math.log(method.lr_by_width[w]) for w in widths]
    rate = math.exp(float(np.interp(math.log(width), np.log(widths), rates)))
    return float(f"{rate:.2g}")
