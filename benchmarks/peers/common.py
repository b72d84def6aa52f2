"""What the peers share: rows in, a report out."""

import argparse
import csv
import json
import resource
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import torch

EVALUATION_BATCH = 64


@dataclass(frozen=True)
class Files:
    """What every peer is given."""

    train: Path
    """Tab-separated, with the columns sentence and label."""
    validation: Path
    model: Path
    """Folder of the pretrained model."""
    output: Path
    """File of the report."""
    seed: int
    max_length: int = 256
    """Tokens kept of each sentence, as nlptl's default."""
    test: Path | None = None
    """Rows to score on, where validation is for choices alone."""


@dataclass(frozen=True)
class Rows:
    """The rows of a file."""

    texts: list[str]
    labels: list[int]


@dataclass(frozen=True)
class Labelled:
    """The rows of a file whose labels have any names."""

    texts: list[str]
    labels: list[str]


@dataclass(frozen=True)
class Outcome:
    """What a peer found."""

    metrics: dict[str, float]
    train_s: float
    """Without loading, tokenizing and evaluation."""
    n_examples: int
    """Training examples computed in that time, each epoch counted."""
    n_parameters: int
    n_trainable: int


S = TypeVar("S", bound=Files)


def settings_of(cls: type[S], argv: Sequence[str] | None = None) -> S:
    """Returns the settings that a command line gives, as --NAME VALUE; those without a default are required.

    Args:
        cls: their dataclass.
        argv: default: this process's.
    """
    parser, hints = argparse.ArgumentParser(allow_abbrev=False), get_type_hints(cls)
    for field in fields(cls):
        hint, needed = hints[field.name], field.default is MISSING
        parser.add_argument(
            f"--{field.name}",
            type=next((kind for kind in (hint, *get_args(hint)) if kind in (int, float, Path)), str),
            choices=get_args(hint) if get_origin(hint) is Literal else None,
            nargs="+" if get_origin(hint) is tuple else None,
            required=needed,
            default=None if needed else field.default,
        )
    return cls(**vars(parser.parse_args(argv)))


def read(path: Path) -> Rows:
    """Returns the sentences and labels of a tab-separated file."""
    rows = records(path)
    return Rows([row["sentence"] for row in rows], [int(row["label"]) for row in rows])


def labelled(path: Path, text: str = "text", label: str = "label") -> Labelled:
    """Returns the texts and labels of a file.

    Args:
        path: any that `records` reads.
        text: its column of texts.
        label: its column of labels.
    """
    rows = records(path)
    return Labelled([row[text] for row in rows], [row[label] for row in rows])


def scores(right: Sequence[str], found: Sequence[str]) -> dict[str, float]:
    """Returns accuracy, and the mean F1 of the labels that occur among either.

    Args:
        right: the rows' labels.
        found: the predicted ones.
    """
    from sklearn.metrics import accuracy_score, f1_score  # peers that need neither stay as small as they are

    macro = f1_score(right, found, average="macro", zero_division=0)
    return {"accuracy": float(accuracy_score(right, found)), "macro_f1": float(macro)}


def scored(settings: Files) -> Path:
    """Returns the file of rows to score on."""
    return settings.test or settings.validation


def records(path: Path) -> list[dict[str, str]]:
    """Returns the rows of a file of JSON lines, or of a tab-separated file, whose quotes are literal."""
    with path.open(encoding="utf-8", newline="") as stream:
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in stream]
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


@torch.no_grad()
def outputs(model: Any, tokenizer: Any, features: Sequence[dict[str, Any]]) -> Iterator[Any]:
    """Yields the model's output for 64 tokenized rows at a time, in their order, computed in float32.

    Args:
        model: any of transformers.
        tokenizer: pads them to their longest.
        features: its input for each row.
    """
    model.eval()
    for start in range(0, len(features), EVALUATION_BATCH):
        yield model(**tokenizer.pad(features[start : start + EVALUATION_BATCH], return_tensors="pt").to(model.device))


def accuracy(model: Any, tokenizer: Any, rows: Rows, max_length: int) -> float:
    """Returns the share of rows that a classifier labels right."""
    encoded = tokenizer(rows.texts, truncation=True, max_length=max_length)
    found = torch.cat([o.logits for o in outputs(model, tokenizer, rows_of(encoded))]).argmax(-1).cpu()
    return float((found == torch.tensor(rows.labels)).float().mean())


def rows_of(encoded: Any) -> list[dict[str, Any]]:
    """Returns a tokenizer's result row by row, with nothing but a model's input."""
    names = [name for name in ("input_ids", "token_type_ids", "attention_mask") if name in encoded]
    columns = (encoded[name] for name in names)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def trained(model: Any, metrics: dict[str, float], train_s: float, n_examples: int) -> Outcome:
    """Returns what a peer found with a model of torch."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    n_trainable = sum(n for n, requires_grad in sizes if requires_grad)
    return Outcome(metrics, train_s, n_examples, sum(n for n, _ in sizes), n_trainable)


def settle() -> None:
    """Returns once a GPU has done all that it was told, so that a clock read now is right."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def place() -> dict[str, Any]:
    """Returns the peak of this process's memory, and on a GPU which one it is and the peak of tensors there."""
    found: dict[str, Any] = {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    if torch.cuda.is_available():
        found |= {"gpu": torch.cuda.get_device_name(), "gpu_peak_mib": torch.cuda.max_memory_allocated() / 2**20}
    return found


def write_speed(
    output: Path, labels: list[str], rows: Path, seconds: float, n_parameters: int, settings: Any = None
) -> None:
    """Writes the report of labelling rows: the share that is right, and the speed.

    Args:
        output: file of the report.
        labels: what was predicted, row by row.
        rows: the file, with the right labels.
        seconds: from its first to its last row.
        n_parameters: of the model.
        settings: what the report says beside.
    """
    right = [str(label) for label in read(rows).labels]
    report = {
        "metrics": {"accuracy": sum(map(str.__eq__, labels, right)) / len(right)},
        "examples_per_s": len(labels) / seconds,
        "train_s": seconds,
        **place(),
        "parameters": {"total": n_parameters, "trainable": 0},
        "rows": {"train": len(labels)},
        "settings": settings or {},
    }
    output.write_text(json.dumps(report, indent=1), encoding="utf-8")


def write(
    settings: Files, outcome: Outcome, n_rows: dict[str, int], more_settings: dict[str, Any] | None = None
) -> None:
    """Writes the report, in the form of a benchmark's record.

    Args:
        settings: the peer's.
        outcome: what it found.
        n_rows: by split.
        more_settings: that it found itself.
    """
    paths = ("train", "validation", "test", "model", "output", "seed", "cells")
    report = {
        "metrics": outcome.metrics,
        "examples_per_s": outcome.n_examples / outcome.train_s,
        "train_s": outcome.train_s,
        **place(),
        "parameters": {"total": outcome.n_parameters, "trainable": outcome.n_trainable},
        "rows": n_rows,
        "settings": {k: v for k, v in asdict(settings).items() if k not in paths} | (more_settings or {}),
    }
    settings.output.write_text(json.dumps(report, indent=1), encoding="utf-8")
