"""Proof that the saved model is the trained one: a fresh process, with another seed, computes the same logits."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nlptl.core import registry
from nlptl.core.errors import TrainingError
from nlptl.core.records import Example
from nlptl.core.result import ReloadCheck

N_EXAMPLES = 16
TOLERANCE = {"fp32": 1e-4, "bf16": 0.1}
"""Largest difference of logits; bf16 has 8 bits: at 8, numbers lie 0.06 apart."""
OTHER_SEED = 8_675_309
TIMEOUT_S = 600


def run(folder: Path, answers: np.ndarray, examples: Sequence[Example], precision: str = "fp32") -> ReloadCheck:
    """Loads the saved model in a fresh process and returns the largest difference of the answers.

    Args:
        folder: the run's.
        answers: float32 (n, classes) or int64 (n, tokens), of the model in memory: see `inference.answers`.
        examples: the rows they belong to.
        precision: the number format of the answers.

    Raises:
        TrainingError: the saved model does not load, or differs by more than `TOLERANCE`.
    """
    own = [name for name in _classes(folder) if "." in name]  # the user's own, which loading does not import by itself
    request = {
        "folder": str(folder),
        "own": [name.rpartition(".")[0] for name in own],
        "precision": precision,
        "rows": [[e.row_id, e.text, e.text_pair, e.words] for e in examples],
    }
    command = [sys.executable, "-m", "nlptl.runs.reload_check"]
    done = subprocess.run(
        command, input=json.dumps(request), capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=_alone()
    )
    if done.returncode != 0:
        raise TrainingError(f"the saved model in {folder} does not load in a fresh process:\n{done.stderr[-2000:]}")
    reloaded = np.array(json.loads(done.stdout.splitlines()[-1]))
    if reloaded.shape != answers.shape:
        raise TrainingError(f"the model saved in {folder} answers {reloaded.shape}, the one trained {answers.shape}")
    diff = float(np.abs(answers - reloaded).max())
    if not diff <= TOLERANCE[precision]:
        raise TrainingError(
            f"the model saved in {folder} is not the one trained: logits differ by {diff:.3g} after reloading"
        )
    return ReloadCheck(diff, len(examples))


def answer() -> None:
    """Runs in the fresh process: reads a request from standard input and prints the answers."""
    import torch

    from nlptl.runs.predictor import Predictor
    from nlptl.runs.run import Run

    request = json.load(sys.stdin)
    for module in request.get("own", []):
        registry.import_module(module)
    torch.manual_seed(OTHER_SEED)
    predictor = Predictor.open(Run(Path(request["folder"])).model_folder, precision=request.get("precision"))
    examples = [Example(row_id, text, pair, None, words) for row_id, text, pair, words in request["rows"]]
    sys.stdout.write(json.dumps(predictor.answers(examples).tolist()) + "\n")


def _classes(folder: Path) -> list[str]:
    inside = folder / "model"
    card = json.loads(((inside if inside.is_dir() else folder) / "nlptl.json").read_text(encoding="utf-8"))
    return [card["task"]["name"], card["method"]["name"]]


def _alone() -> dict[str, str]:
    # A launcher's variables would make the fresh process wait for the others of its group.
    launched = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    kept = {
        k: v for k, v in os.environ.items() if k not in launched and not k.startswith(("TORCHELASTIC", "ACCELERATE"))
    }
    return kept | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


if __name__ == "__main__":
    answer()
