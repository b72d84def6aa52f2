"""Profiles some training updates of `full` on a tsv file, after those that warm up, and writes where their time goes.

python benchmarks/profile_step.py --train TRAIN.tsv --output benchmarks/results/full-step-profile.txt
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from speed import updates
from torch.profiler import profile

from nlptl import DataConfig, Recipe, TrainConfig
from nlptl.core.callbacks import Callback, Facts
from nlptl.engine import device, loop
from nlptl.runs.training import prepare

N_ROWS, N_SHOWN = 1280, 16
FIRST, LAST = 20, 24  # of more updates the profiler keeps so much that they slow down


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", required=True, help="training file")
    parser.add_argument("--output", type=Path, required=True, help="text file for the table")
    args = parser.parse_args()
    recipe = Recipe(data=DataConfig(train=args.train, n_train=N_ROWS), train=TrainConfig(epochs=1, keep="last"))
    prepared = prepare(recipe, device.start("auto"))
    profiler = profile()

    class Profiled(Callback):
        def on_update(self, facts: Facts) -> None:
            if facts.update == FIRST:
                profiler.__enter__()
            elif facts.update == LAST:
                profiler.__exit__(None, None, None)

    with tempfile.TemporaryDirectory() as folder:
        loop.train(updates.job(prepared, Path(folder), Profiled()), prepared.compute)
    table = profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=N_SHOWN, max_name_column_width=30)
    args.output.write_text(table + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
