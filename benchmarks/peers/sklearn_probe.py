"""A logistic head on a frozen encoder's mean vectors: transformers for the vectors, scikit-learn for the head."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import AutoModel, AutoTokenizer

from peers import common


@dataclass(frozen=True)
class ProbeSettings(common.Files):
    """Files, and how vectors are computed and the head is chosen."""

    batch_size: int = 64
    strengths: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0)
    """scikit-learn's C."""
    n_folds: int = 3
    n_search: int = 10_000
    """Most rows on which strengths are compared."""


def run(settings: ProbeSettings) -> None:
    """Computes vectors, fits the head, evaluates and writes the report."""
    train, validation = common.read(settings.train), common.read(settings.validation)
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    encoder = AutoModel.from_pretrained(settings.model, add_pooling_layer=False, dtype=torch.float32).eval()
    tokens = _tokens(train, tokenizer, settings)
    began = time.perf_counter()
    vectors = _vectors(encoder, tokenizer, tokens, settings.batch_size)
    head = _fit(vectors, np.array(train.labels), settings)
    train_s = time.perf_counter() - began
    unseen = _vectors(encoder, tokenizer, _tokens(validation, tokenizer, settings), settings.batch_size)
    n_head = 2 * (vectors.shape[1] + 1)  # as two rows of logits, the form in which the others count it
    outcome = common.Outcome(
        metrics={"accuracy": float(head.score(unseen, validation.labels))},
        train_s=train_s,
        n_examples=len(train.texts),
        n_parameters=sum(p.numel() for p in encoder.parameters()) + n_head,
        n_trainable=n_head,
    )
    common.write(settings, outcome, {"train": len(train.texts), "validation": len(validation.texts)})


def _tokens(rows: common.Rows, tokenizer: Any, settings: ProbeSettings) -> list[list[int]]:
    found: list[list[int]] = tokenizer(rows.texts, truncation=True, max_length=settings.max_length)["input_ids"]
    return found


@torch.no_grad()
def _vectors(encoder: Any, tokenizer: Any, tokens: list[list[int]], batch_size: int) -> np.ndarray:
    """Returns mean-pooled vectors, float32 (n, hidden), in the order of `tokens`."""
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
    vectors = np.empty((len(tokens), encoder.config.hidden_size), np.float32)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        batch = tokenizer.pad({"input_ids": [tokens[i] for i in rows]}, return_tensors="pt")
        with torch.autocast("cpu", torch.bfloat16):
            states = encoder(**batch).last_hidden_state.float()  # (batch, seq, hidden)
        mask = batch["attention_mask"][..., None]
        vectors[rows] = ((states * mask).sum(1) / mask.sum(1)).numpy()
    return vectors


def _fit(vectors: np.ndarray, labels: np.ndarray, settings: ProbeSettings) -> Pipeline:
    rows = np.arange(len(labels))
    if len(rows) > settings.n_search:
        rows, _ = train_test_split(rows, train_size=settings.n_search, stratify=labels, random_state=settings.seed)
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(settings.n_folds, shuffle=True, random_state=settings.seed)
    grid = {"logisticregression__C": list(settings.strengths)}
    search = GridSearchCV(head, grid, scoring="neg_log_loss", cv=folds, refit=False)
    search.fit(vectors[rows], labels[rows])
    return head.set_params(**search.best_params_).fit(vectors, labels)


if __name__ == "__main__":
    run(common.settings_of(ProbeSettings))
