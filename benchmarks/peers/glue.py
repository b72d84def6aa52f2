"""Texts and pairs of texts with transformers' Trainer, as its scripts run_glue and run_classification do it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from datasets import Dataset
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, precision_recall_curve
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, set_seed

from peers import common
from peers.trainer import TrainerSettings, fit

HALF = 0.5
PROBLEMS = {"one": "single_label_classification", "several": "multi_label_classification", "number": "regression"}


@dataclass(frozen=True)
class GlueSettings(TrainerSettings):
    """Files, columns and training arguments."""

    kind: Literal["one", "several", "number"] = "one"
    """One label a row, several with commas between, or a number; labels are whole numbers from 0."""
    text: str = "text"
    text_pair: str | None = None
    label: str = "label"


@dataclass(frozen=True)
class Trained:
    """A model with what it takes to apply it."""

    model: Any
    tokenizer: Any
    settings: GlueSettings
    n_outputs: int

    def logits(self, rows: list[dict[str, str]]) -> np.ndarray:
        """Returns the logits of some rows, float32 (n, outputs)."""
        encoded = common.rows_of(encode(rows, self.tokenizer, self.settings))
        found = [output.logits for output in common.outputs(self.model, self.tokenizer, encoded)]
        return torch.cat(found).numpy()

    def labels(self, rows: list[dict[str, str]]) -> np.ndarray:
        """Returns what is right: int64 (n,) class ids; several: float32 (n, outputs), 0 or 1; number: float32 (n,)."""
        return labels(rows, self.settings, self.n_outputs)


def run(settings: GlueSettings) -> None:
    """Trains, evaluates and writes the report."""
    set_seed(settings.seed)
    train, scored = common.records(settings.train), common.records(common.scored(settings))
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    n_outputs = 1 if settings.kind == "number" else 1 + max(max(_ids(row[settings.label])) for row in train)
    model = AutoModelForSequenceClassification.from_pretrained(
        settings.model, num_labels=n_outputs, problem_type=PROBLEMS[settings.kind], dtype=torch.float32
    )
    wanted = labels(train, settings, n_outputs)
    dataset = Dataset.from_dict({**encode(train, tokenizer, settings), "labels": wanted})
    train_s = fit(model, dataset, DataCollatorWithPadding(tokenizer), settings)
    metrics = measure(Trained(model, tokenizer, settings, n_outputs), scored)
    outcome = common.trained(model, metrics, train_s, len(train) * settings.epochs)
    common.write(settings, outcome, {"train": len(train), "scored": len(scored)})


def encode(rows: list[dict[str, str]], tokenizer: Any, settings: GlueSettings) -> Any:
    """Returns the tokens of some rows, without padding."""
    texts = [row[settings.text] for row in rows]
    pairs = [row[settings.text_pair] for row in rows] if settings.text_pair else None
    return tokenizer(texts, pairs, truncation=True, max_length=settings.max_length)


def labels(rows: list[dict[str, str]], settings: GlueSettings, n_outputs: int) -> np.ndarray:
    """Returns what is right, as `Trained.labels` describes."""
    given = [row[settings.label] for row in rows]
    if settings.kind == "one":
        return np.array(given, np.int64)
    if settings.kind == "number":
        return np.array(given, np.float32)
    found = np.zeros((len(rows), n_outputs), np.float32)
    for row, text in zip(found, given, strict=True):
        row[_ids(text)] = 1
    return found


def measure(trained: Trained, rows: list[dict[str, str]]) -> dict[str, float]:
    """Returns the metrics of a model on some rows."""
    logits, right = trained.logits(rows), trained.labels(rows)
    if trained.settings.kind == "one":
        found = logits.argmax(-1)
        accuracy = {"accuracy": float(accuracy_score(right, found))}
        return accuracy | ({"binary_f1": float(f1_score(right, found))} if trained.n_outputs == 2 else {})
    if trained.settings.kind == "number":
        return {
            "pearson": float(pearsonr(right, logits[:, 0])[0]),
            "spearman": float(spearmanr(right, logits[:, 0])[0]),
        }
    choosing = common.records(trained.settings.validation)
    tuned = _thresholds(_sigmoid(trained.logits(choosing)), trained.labels(choosing))
    probabilities = _sigmoid(logits)
    at_half = _several(right, probabilities >= HALF)
    return _several(right, probabilities >= tuned) | {f"{name}_at_half": value for name, value in at_half.items()}


def _several(right: np.ndarray, found: np.ndarray) -> dict[str, float]:
    kinds = ("micro", "macro")
    return {f"{kind}_f1": float(f1_score(right, found, average=kind, zero_division=0)) for kind in kinds}


def _thresholds(probabilities: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Returns the threshold with the highest F1 for each label, (labels,); one half where no row has the label."""
    found = np.full(right.shape[1], HALF)
    for label in np.flatnonzero(right.any(0)):
        precision, recall, thresholds = precision_recall_curve(right[:, label], probabilities[:, label])
        f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(np.float64).tiny)
        found[label] = thresholds[f1[:-1].argmax()]  # the last point of the curve has no threshold
    return found


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def _ids(text: str) -> list[int]:
    return [int(name) for name in text.split(",")]


if __name__ == "__main__":
    run(common.settings_of(GlueSettings))
