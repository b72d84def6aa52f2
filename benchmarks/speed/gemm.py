"""How much of the machine's bf16 matrix rate a run of nlptl reached: `python -m speed.gemm RUN REPORT`."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from peers import common

from nlptl.core.config import DataConfig
from nlptl.data import open_rows

SIZE, GPU_SIZE, N_WARM, N_TIMED = 2048, 8192, 3, 20  # rows of the square matrices that show the machine's rate


def main(folder: Path, report: Path) -> None:
    """Writes the share, the run's rate and the machine's, in GFLOP/s."""
    reached, most = work(folder) / train_s(folder), rate()
    found = {"gemm_share": reached / most, "gflops": reached / 1e9, "machine_gflops": most / 1e9}
    report.write_text(json.dumps(found), encoding="utf-8")


def rate() -> float:
    """Returns the machine's bf16 matrix products, in FLOP/s: the fastest of some, on its GPU if there is one."""
    device, size = ("cuda", GPU_SIZE) if torch.cuda.is_available() else ("cpu", SIZE)
    a, b = (torch.randn(size, size, dtype=torch.bfloat16, device=device) for _ in range(2))
    times = []
    for _ in range(N_WARM + N_TIMED):
        common.settle()
        began = time.perf_counter()
        a @ b
        common.settle()
        times.append(time.perf_counter() - began)
    return float(2 * size**3 / min(times[N_WARM:]))


def work(folder: Path) -> float:
    """Returns the FLOP of a finished run's weight matrices: two forward, four backward, for each token and weight.

    Attention, norms, embeddings and the optimizer are not counted.
    """
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    config: dict[str, Any] = json.loads((Path(recipe["model"]["name"]) / "config.json").read_text(encoding="utf-8"))
    return 6.0 * weights(config) * _n_tokens(recipe) * int(recipe["train"]["epochs"])


def weights(config: dict[str, Any]) -> int:
    """Returns the number of weights in the matrices of an encoder's layers."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    return int(config["num_hidden_layers"] * (4 * hidden**2 + 2 * hidden * inner))


def train_s(folder: Path) -> float:
    """Returns the seconds of a finished run's updates."""
    return float(json.loads((folder / "result.json").read_text(encoding="utf-8"))["timing"]["train_s"])


def _n_tokens(recipe: dict[str, Any]) -> int:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(recipe["model"]["name"])
    rows = list(open_rows(recipe["data"]["train"], DataConfig()))
    texts = [str(row.get("sentence") or row.get("text")) for row in rows]
    encoded = tokenizer(texts, truncation=True, max_length=recipe["model"]["max_length"])
    return sum(map(len, encoded["input_ids"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
