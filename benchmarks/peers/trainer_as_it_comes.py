"""transformers' Trainer with the settings that it has if nobody gives any: those of TrainingArguments."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from transformers import TrainingArguments

from peers import classifier, common
from peers.trainer import TrainerSettings


def as_it_comes(settings: TrainerSettings) -> TrainerSettings:
    """Returns the settings with TrainingArguments' defaults for all that is about training."""
    own: dict[str, Any] = {field.name: field.default for field in fields(TrainingArguments)}
    return replace(
        settings,
        epochs=int(own["num_train_epochs"]),
        lr=own["learning_rate"],
        batch_size=own["per_device_train_batch_size"],
        sampling=own["train_sampling_strategy"],
        precision="bf16" if own["bf16"] else "fp32",
        warmup=own["warmup_steps"],  # none, in steps as in shares
        weight_decay=own["weight_decay"],
    )


def run(settings: TrainerSettings, fit: Callable[[TrainerSettings], classifier.Classifier] = classifier.fit) -> None:
    """Trains, scores the test rows and writes the report.

    Args:
        settings: the files and the seed.
        fit: trains.
    """
    settings = as_it_comes(settings)
    found, rows = fit(settings), classifier.n_rows(settings)
    metrics = found.scores(common.labelled(common.scored(settings)))
    common.write(settings, classifier.outcome(found, metrics, rows["train"] * settings.epochs), rows)


if __name__ == "__main__":
    run(common.settings_of(TrainerSettings))
