"""Single labels of any names with transformers' Trainer: what the programs that differ in their settings share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, set_seed

from peers import common
from peers.trainer import TrainerSettings, timed


@dataclass(frozen=True)
class Classifier:
    """A trained model with what it takes to apply it."""

    model: Any
    tokenizer: Any
    names: list[str]
    max_length: int
    train_s: float
    loss: float
    """Mean training loss."""

    def scores(self, rows: common.Labelled) -> dict[str, float]:
        """Returns accuracy and macro F1 on some rows."""
        encoded = common.rows_of(self.tokenizer(rows.texts, truncation=True, max_length=self.max_length))
        best = [
            ids.tolist() for o in common.outputs(self.model, self.tokenizer, encoded) for ids in o.logits.argmax(-1)
        ]
        return common.scores(rows.labels, [self.names[i] for i in best])


def fit(settings: TrainerSettings) -> Classifier:
    """Returns the model, trained on the training rows; no other rows are read."""
    set_seed(settings.seed)
    rows = common.labelled(settings.train)
    names = sorted(set(rows.labels))
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    model = AutoModelForSequenceClassification.from_pretrained(
        settings.model, num_labels=len(names), dtype=torch.float32
    )
    encoded = tokenizer(rows.texts, truncation=True, max_length=settings.max_length)
    dataset = Dataset.from_dict({**encoded, "labels": [names.index(label) for label in rows.labels]})
    train_s, loss = timed(model, dataset, DataCollatorWithPadding(tokenizer), settings)
    return Classifier(model, tokenizer, names, settings.max_length, train_s, loss)


def outcome(found: Classifier, metrics: dict[str, float], n_examples: int) -> common.Outcome:
    """Returns what a program found.

    Args:
        found: the trained model.
        metrics: its scores.
        n_examples: training examples, each epoch counted.
    """
    return common.trained(found.model, {**metrics, "train_loss": found.loss}, found.train_s, n_examples)


def n_rows(settings: TrainerSettings) -> dict[str, int]:
    """Returns how many rows each file has."""
    files = {"train": settings.train, "validation": settings.validation, "scored": common.scored(settings)}
    return {name: len(common.records(path)) for name, path in files.items()}
