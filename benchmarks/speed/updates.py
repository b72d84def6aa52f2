"""Times nlptl's updates once they are warm: python -m speed.updates FLAGS, whose names are a recipe's.

A run's own time holds what a GPU does once: it loads kernels, and where updates are recorded as graphs, records them.
"""

import argparse
import json
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from peers import common

from nlptl import DataConfig, ModelConfig, Recipe, TrainConfig
from nlptl.core.callbacks import Callback, Facts
from nlptl.engine import device, loop
from nlptl.runs.training import prepare
from speed import gemm

LR = 5e-5  # as the peers'


class Clock(Callback):
    """Is told of each update; runs from the end of those that warm up to the last one.

    Args:
        n_warm: updates before it runs.
        n_updates: of all.
    """

    def __init__(self, n_warm: int, n_updates: int) -> None:
        self.n_warm, self.n_updates = n_warm, n_updates
        self.losses: list[float] = []
        self.n_examples = self.n_seen = 0
        self.began = time.perf_counter()
        self.warm_s = self.train_s = 0.0

    def on_update(self, facts: Facts) -> None:
        """Takes an update's number, loss and examples."""
        update, self.n_seen, n = facts.update, facts.n_examples, facts.n_examples - self.n_seen
        self.losses.append(float(facts.loss or 0.0))
        self.n_examples += n if update > self.n_warm else 0
        if update in (self.n_warm, self.n_updates):
            common.settle()
            took, self.began = time.perf_counter() - self.began, time.perf_counter()
            self.warm_s, self.train_s = (took, 0.0) if update == self.n_warm else (self.warm_s, took)


def main(argv: list[str] | None = None) -> None:
    """Runs the command line; writes a report."""
    given = _parser().parse_args(argv)
    recipe = Recipe(
        data=DataConfig(train=str(given.train), validation=str(given.validation)),
        model=ModelConfig(name=str(given.model), max_length=given.max_length, pooling="native"),
        train=TrainConfig(
            epochs=1, batch_size=32, lr=LR, keep="last", seed=given.seed, cuda_graph=given.cuda_graph == "true"
        ),
    )
    prepared = prepare(recipe, device.start("auto"))
    n_rows = len(prepared.corpus.splits["train"])
    clock = Clock(given.n_warm, -(-n_rows // int(prepared.recipe.train.batch_size or 1)))
    with tempfile.TemporaryDirectory() as folder:
        loop.train(job(prepared, Path(folder), clock), prepared.compute)
    given.output.write_text(json.dumps(_report(prepared, clock), indent=1), encoding="utf-8")


def job(prepared: Any, folder: Path, callback: Callback) -> loop.Job:
    """Returns the training of a prepared recipe, without evaluations.

    Args:
        prepared: by `nlptl.runs.training.prepare`.
        folder: for checkpoints.
        callback: is told of each update.
    """
    recipe, features = prepared.recipe, prepared.features["train"]
    return loop.Job(
        model=prepared.pretrained.module,
        features=features,
        prefixes=prepared.prefixes,
        weights=recipe.task.weights(features, prepared.labels, "none"),
        draw=None,
        losses=partial(recipe.task.losses, smoothing=0.0, likelihood=False),
        evaluate=dict,
        metric="accuracy",
        greater_is_better=True,
        config=recipe.train,
        lr=float(recipe.train.lr),
        row_ids=range(len(prepared.corpus.splits["train"])),
        folder=folder,
        callbacks=[callback],
    )


def _report(prepared: Any, clock: Clock) -> dict[str, Any]:
    features, parameters = prepared.features["train"], list(prepared.pretrained.module.parameters())
    n_tokens = clock.n_examples * features.lengths.mean()
    work = 6.0 * gemm.weights(prepared.pretrained.module.backbone.config.to_dict()) * n_tokens
    place = common.place()  # before the rate is measured, which takes memory too
    return {
        "metrics": {
            "train_loss": sum(clock.losses) / len(clock.losses),
            "gemm_share": work / clock.train_s / gemm.rate(),
        },
        "examples_per_s": clock.n_examples / clock.train_s,
        "train_s": clock.train_s,
        "warm_s": clock.warm_s,
        "tokens_per_example": float(features.lengths.mean()),
        **place,
        "parameters": {
            "total": sum(p.numel() for p in parameters),
            "trainable": sum(p.numel() for p in parameters if p.requires_grad),
        },
        "rows": {"train": len(features)},
        "settings": {"cuda_graph": prepared.recipe.train.cuda_graph, "bf16": prepared.compute.bf16},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data.train", "data.validation", "model.name", "output", "train.cache_dir"):
        parser.add_argument(f"--{name}", dest=name.split(".")[0 if name == "model.name" else -1], type=Path)
    parser.add_argument("--train.seed", dest="seed", type=int, default=0)
    parser.add_argument("--model.max_length", dest="max_length", type=int, default=256)
    parser.add_argument("--train.cuda_graph", dest="cuda_graph", choices=("true", "false"), default="false")
    parser.add_argument("--n_warm", type=int, default=0)
    return parser


if __name__ == "__main__":
    main()
