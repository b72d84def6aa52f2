"""Labels a file with transformers' text-classification pipeline, at its best batch size."""

import time
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import pipeline

from peers import common

ON_CPU, ON_GPU, N_TRIED = (1, 8, 32, 64), (32, 64, 128, 256), 1_000  # the best on so many rows is used for all
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class PipelineSettings(common.Files):
    """Files; train holds the rows to label."""

    precision: Literal["fp32", "bf16"] = "fp32"


def run(settings: PipelineSettings) -> None:
    """Labels the rows and writes the report."""
    texts = common.read(settings.train).texts
    device, sizes = ("cuda", ON_GPU) if torch.cuda.is_available() else ("cpu", ON_CPU)
    dtype = DTYPES[settings.precision]
    labels = pipeline("text-classification", model=str(settings.model), device=device, dtype=dtype)
    if device == "cuda":
        labels(texts[:N_TRIED], batch_size=sizes[0])  # the first batches load its kernels
    best = min(sizes, key=lambda size: _seconds(labels, texts[:N_TRIED], size))
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
    run(common.settings_of(PipelineSettings))
