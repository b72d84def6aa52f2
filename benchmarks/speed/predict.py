"""Labels a file with a trained model through nlptl, as `nlptl predict` does: `python -m speed.predict FLAGS`."""

import argparse
import time
from pathlib import Path

import torch
from peers import common

N_WARM = 1_000


def main() -> None:
    """Runs the command line, whose flags are a recipe's; writes a report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data.train", dest="train", type=Path, required=True, help="the rows")
    parser.add_argument("--model.name", dest="model", type=Path, required=True, help="folder of a trained model")
    parser.add_argument("--output", type=Path, required=True, help="file of the report")
    given, _ = parser.parse_known_args()
    import nlptl

    run = nlptl.load(given.model)
    n_parameters = sum(p.numel() for p in run.pretrained.module.parameters())
    if torch.cuda.is_available():
        run.predict(common.read(given.train).texts[:N_WARM])  # the first batches load its kernels
    began = time.perf_counter()
    found = [prediction.prediction for prediction in run.predictions(given.train)]
    seconds = time.perf_counter() - began
    common.write_speed(given.output, found, given.train, seconds, n_parameters)


if __name__ == "__main__":
    main()
