"""What the processes of one launch do one after the other: most of a launch is importing.

`torchrun ... two_processes.py JOBS`, where JOBS is a file of [name, [words]]: functions of this file and their words.
"""

import dataclasses
import json
import os
import sys
from contextlib import nullcontext
from functools import partialmethod
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from accelerate import Accelerator
from torch.distributed.tensor import DTensor

from nlptl import Classification, Recipe, Sentiment
from nlptl.cli import main
from nlptl.core.callbacks import Callback, Facts
from nlptl.core.config import ModelConfig
from nlptl.core.records import LabelSpace
from nlptl.engine import exchange, loop, used_rows
from nlptl.engine.sharding import Sharding, Shards
from nlptl.methods.full import Full
from nlptl.models.loading import Wanted, load

RANK = int(os.environ.get("RANK", "0"))


def train(*words: str, task: Any = None, checked: bool = False) -> None:
    """Runs a recipe, with a fresh process at its end or without one."""
    passed = mock.patch("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
    with nullcontext() if checked else passed:
        status = main(Recipe(task=task or Sentiment()), words)
    assert status == 0, status


def checked(*words: str) -> None:
    """Runs a recipe to its end, the fresh process included."""
    train(*words, checked=True)


def windows(*words: str) -> None:
    """Runs a recipe whose texts are longer than the model reads."""
    train(*words, task=Classification(long="window", overlap=2))


def sharded(*words: str) -> None:
    """Runs a recipe whose trained weights are divided, of the embedding the used rows alone."""
    launched = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
    divide = mock.patch.object(Shards, "_divide", autospec=True, side_effect=Shards._divide)
    with mock.patch.dict(os.environ, launched), mock.patch.object(used_rows, "MIN_ROWS", 1), divide as divided:
        train(*words)
    assert divided.called


class OutOfMemory(Callback):
    """Lets the second process run out of memory once, in the third update.

    Args:
        where: "forward", or "backward", when some of the gradients are sent and some are not.
    """

    def __init__(self, where: str) -> None:
        self.where, self.n_updates, self.n_ready, self.failed = where, 0, 0, RANK != 1
        self.train, self.ready = loop.train, exchange.Exchange._ready

    def on_update(self, facts: Facts) -> None:
        """Counts."""
        self.n_updates = facts.update

    def begin(self, job: Any, *more: Any) -> Any:
        """Trains a job, with losses that fail."""
        losses = job.losses

        def failing(*given: Any) -> torch.Tensor:
            if self.where == "forward" and self.n_updates == 2:
                self.fail()
            return losses(*given)

        return self.train(dataclasses.replace(job, losses=failing, callbacks=[*job.callbacks, self]), *more)

    def on_gradient(self, exchanged: Any, parameter: torch.nn.Parameter) -> None:
        """Is told that a gradient is there."""
        if self.where == "backward" and exchanged._n_awaited:
            self.n_ready += 1
            if self.n_ready == 2 * len(exchanged._place) + 10:
                self.fail()
        self.ready(exchanged, parameter)

    def fail(self) -> None:
        """Fails once."""
        if not self.failed:
            self.failed = True
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")


def _told(exchanged: Any, fault: OutOfMemory, parameter: torch.nn.Parameter) -> None:
    fault.on_gradient(exchanged, parameter)


def out_of_memory(where: str, *words: str) -> None:
    """Runs a recipe in which the second process runs out of memory."""
    fault = OutOfMemory(where)
    with (
        mock.patch.object(exchange, "BUCKET_BYTES", 1000),
        mock.patch.object(loop, "train", fault.begin),
        mock.patch.object(exchange.Exchange, "_ready", partialmethod(_told, fault)),
    ):
        train(*words)


def parts(model_folder: str, folder: str) -> None:
    """Divides a model and writes how many values this process holds."""

    def count(tensors: Any) -> int:
        return sum((t.to_local() if isinstance(t, DTensor) else t).numel() for t in tensors)

    rank = Accelerator(cpu=True).process_index
    pretrained = load(ModelConfig(model_folder), Wanted("class", LabelSpace(("a", "b")), "native", 32), seed=0)
    Full().prepare(pretrained)
    model = pretrained.module
    before, values = count(model.parameters()), [p.detach().clone() for p in model.parameters()]
    with Shards(model, torch.device("cpu"), 2, Sharding(True)) as shards:
        own = list(shards.model.parameters())
        found = {"before": before, "part": count(own), "whole": count(model.parameters())}
        optimizer = torch.optim.AdamW(own)
        sum(p.square().sum() for p in own).full_tensor().backward()
        found["gradients"] = count(p.grad for p in own)
        optimizer.step()
        found["state"] = count(v for s in optimizer.state.values() for k, v in s.items() if k != "step")
        with shards.gathered():
            assert count(model.parameters()) == before
        assert count(model.parameters()) == found["whole"]
    assert any(not torch.equal(p, v) for p, v in zip(model.parameters(), values, strict=True))
    found["after"] = count(model.parameters())
    Path(folder, f"{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    for name, words in json.loads(Path(sys.argv[1]).read_text()):
        globals()[name](*words)
