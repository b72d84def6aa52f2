"""Labels a file with transformers' text-classification pipeline, at its best batch size."""

import time
from dataclasses import dataclass
from typing import Any

from jsonargparse import auto_cli
from transformers import pipeline

from peers import common

BATCH_SIZES, N_TRIED = (1, 8, 32, 64), 1_000  # the best on so many rows is used for all


@dataclass(frozen=True)
class PipelineSettings(common.Files):
    """Files; train holds the rows to label."""


def run(settings: PipelineSettings) -> None:
    """Labels the rows and writes the report."""
    texts = common.read(settings.train).texts
    labels = pipeline("text-classification", model=str(settings.model), device="cpu")
    best = min(BATCH_SIZES, key=lambda size: _seconds(labels, texts[:N_TRIED], size))
    began = time.perf_counter()
    found = [row["label"] for row in labels(texts, batch_size=best)]
    seconds = time.perf_counter() - began
    n_parameters = sum(p.numel() for p in labels.model.parameters())
    common.write_speed(settings.output, found, settings.train, seconds, n_parameters, {"batch_size": best})


def _seconds(labels: Any, texts: list[str], batch_size: int) -> float:
    began = time.perf_counter()
    labels(texts, batch_size=batch_size)
    return time.perf_counter() - began


if __name__ == "__main__":
    run(auto_cli(PipelineSettings, as_positional=False))
