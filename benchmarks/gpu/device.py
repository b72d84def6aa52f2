"""Writes what the machine's GPU is and how fast it was just now, or that there is none: python -m gpu.device OUTPUT."""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from peers import common
from speed import gemm

COPIED = 2**31  # bytes


def main(output: Path) -> None:
    """Writes the facts."""
    output.write_text(json.dumps(facts()), encoding="utf-8")


def facts() -> dict[str, Any]:
    """Returns the GPU's name, memory and rates; `gpu` is None if there is none."""
    found: dict[str, Any] = {"gpu": None, "torch": torch.__version__, "cuda": torch.version.cuda}
    if not torch.cuda.is_available():
        return found
    about = torch.cuda.get_device_properties()
    return found | {
        "gpu": about.name,
        "n_gpus": torch.cuda.device_count(),
        "capability": f"{about.major}.{about.minor}",
        "memory_gib": about.total_memory / 2**30,
        "bf16_tflops": gemm.rate() / 1e12,
        "copy_gb_s": copied() / 1e9,
    }


def copied(n_times: int = 10) -> float:
    """Returns the bytes a second that are read and written while a large tensor is copied: the fastest of some."""
    source = torch.empty(COPIED, dtype=torch.uint8, device="cuda").random_()
    target, times = torch.empty_like(source), []
    for _ in range(n_times):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        target.copy_(source)
        end.record()
        common.settle()
        times.append(begin.elapsed_time(end) / 1e3)
    return 2 * COPIED / min(times[1:])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
