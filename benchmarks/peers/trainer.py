"""Fine-tuning with transformers' Trainer; the defaults are a careful user's settings for sentences."""

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from datasets import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
    set_seed,
)

from peers import common


@dataclass(frozen=True)
class TrainerSettings(common.Files):
    """Files and training arguments."""

    epochs: int = 3
    lr: float = 5e-5
    batch_size: int = 32
    sampling: Literal["random", "group_by_length"] = "group_by_length"
    padding: Literal["longest", "max_length"] = "longest"
    """To the longest of the batch, or always to max_length."""
    precision: Literal["fp32", "bf16"] = "bf16"
    warmup: float = 0.06
    """Share of all updates."""
    weight_decay: float = 0.01
    n_warm: int = 0
    """Updates before the clock runs."""
    n_workers: int = 0
    """Processes that collate."""


class Clock(TrainerCallback):
    """Times the updates: from the loop's beginning, or the end of those that warm up, to its end.

    Args:
        n_warm: updates before it runs.
    """

    train_s = 0.0

    def __init__(self, n_warm: int = 0) -> None:
        self.n_warm = n_warm

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Starts."""
        self._start()

    def on_step_end(self, _: Any, state: Any, *__: Any, **___: Any) -> None:
        """Starts anew after the warm-up."""
        if state.global_step == self.n_warm:
            self._start()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Stops."""
        common.settle()
        self.train_s = time.perf_counter() - self.began

    def _start(self) -> None:
        common.settle()
        self.began = time.perf_counter()


def run(settings: TrainerSettings, adapt: Callable[[Any], Any] = lambda model: model) -> None:
    """Trains, evaluates and writes the report.

    Args:
        settings: files and training arguments.
        adapt: edits the model before training; the default trains all of it.
    """
    set_seed(settings.seed)
    train, validation = common.read(settings.train), common.read(settings.validation)
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    model = adapt(AutoModelForSequenceClassification.from_pretrained(settings.model, num_labels=2, dtype=torch.float32))
    collate = default_data_collator if settings.padding == "max_length" else DataCollatorWithPadding(tokenizer)
    train_s, loss = timed(model, _encode(train, tokenizer, settings), collate, settings)
    metrics = {"accuracy": common.accuracy(model, tokenizer, validation, settings.max_length), "train_loss": loss}
    n_examples = len(train.texts) * settings.epochs - settings.n_warm * settings.batch_size
    outcome = common.trained(model, metrics, train_s, n_examples)
    common.write(settings, outcome, {"train": len(train.texts), "validation": len(validation.texts)})


def fit(model: Any, rows: Dataset, collate: Callable[..., Any], settings: TrainerSettings) -> float:
    """Trains a model and returns the seconds of its updates.

    Args:
        model: any of transformers.
        rows: tokenized, with labels.
        collate: makes a batch of some.
        settings: training arguments.
    """
    return timed(model, rows, collate, settings)[0]


def timed(model: Any, rows: Dataset, collate: Callable[..., Any], settings: TrainerSettings) -> tuple[float, float]:
    """Returns what `fit` does, and the mean training loss."""
    clock = Clock(settings.n_warm)
    with tempfile.TemporaryDirectory() as folder:
        done = Trainer(
            model=model,
            args=_arguments(settings, len(rows), folder),
            train_dataset=rows,
            data_collator=collate,
            callbacks=[clock],
        ).train()
    return clock.train_s, float(done.training_loss)


def _arguments(settings: TrainerSettings, n_rows: int, folder: str) -> TrainingArguments:
    n_updates = math.ceil(n_rows / settings.batch_size) * settings.epochs
    return TrainingArguments(
        output_dir=folder,
        use_cpu=not torch.cuda.is_available(),
        bf16=settings.precision == "bf16",
        per_device_train_batch_size=settings.batch_size,
        num_train_epochs=settings.epochs,
        train_sampling_strategy=settings.sampling,
        learning_rate=settings.lr,
        lr_scheduler_type="linear",
        warmup_steps=math.ceil(settings.warmup * n_updates),
        weight_decay=settings.weight_decay,
        seed=settings.seed,
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        dataloader_num_workers=settings.n_workers,
    )


def _encode(rows: common.Rows, tokenizer: Any, settings: TrainerSettings) -> Dataset:
    padding = "max_length" if settings.padding == "max_length" else False
    encoded = tokenizer(rows.texts, truncation=True, max_length=settings.max_length, padding=padding)
    return Dataset.from_dict({**encoded, "labels": rows.labels})


if __name__ == "__main__":
    run(common.settings_of(TrainerSettings))
