"""Makers of tiny things: examples, features and batches of them, prepared models, and a training job."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nlptl.core.callbacks import Callback, Facts
from nlptl.core.config import ModelConfig, TrainConfig
from nlptl.core.phases import Phase
from nlptl.core.protocols import Method, Phased
from nlptl.core.records import Batch, Example, Features, LabelSpace, Pretrained
from nlptl.engine import batching, device, inference
from nlptl.engine.device import Compute
from nlptl.engine.job import Job
from nlptl.engine.prefix import Prefixes
from nlptl.models import loading
from nlptl.runs.log import Log
from nlptl.tasks.kinds import divergences
from nlptl.tasks.sentiment import Sentiment
from tests import tiny_models

FAMILIES = ("bert", "roberta", "t5")
WORDS, make_net, write = tiny_models.WORDS, tiny_models.make_net, tiny_models.write
LABELS = LabelSpace(("bad", "good"))
Show = Callable[[Facts], str | None]
THREE = LabelSpace(("bad", "fine", "good"))


def examples(n: int = 24, labels: LabelSpace = LABELS, seed: int = 0, longest: int = 20) -> list[Example]:
    """Returns rows of very different lengths whose labels are even."""
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, size=random.integers(1, longest + 1))) for _ in range(n)]
    return [Example(i, text, label=labels.names[i % len(labels.names)]) for i, text in enumerate(texts)]


def load(
    folder: Path, pooling: str = "native", labels: LabelSpace = LABELS, seed: int = 1, **fields: Any
) -> Pretrained:
    """Returns a tiny pretrained model with a head; pooling "label_words" asks for T5's likelihoods of the names."""
    if pooling == "label_words":
        fields, pooling = fields | {"head": "label_words"}, "native"
    config = ModelConfig(name=str(folder), pooling=pooling, **fields)  # type: ignore[arg-type]
    return loading.load(config, loading.Wanted("class", labels), seed=seed)


def features(pretrained: Pretrained, rows: list[Example] | None = None) -> Features:
    """Returns the features of some rows, by default those of `examples()`."""
    rows = examples(labels=pretrained.labels) if rows is None else rows
    return Sentiment().encode(rows, pretrained)


def batch(pretrained: Pretrained, rows: list[Example] | None = None, order: Any = None) -> Batch:
    """Returns some rows as one flat batch, in their own or a given order."""
    found = features(pretrained, rows)
    return batching.collate(found, np.arange(len(found)) if order is None else np.asarray(order), torch.device("cpu"))


def sequences(lengths: list[int], labels: torch.Tensor | None = None) -> Batch:
    """Returns a batch of sequences of these lengths, whose tokens say nothing."""
    n, offsets = len(lengths), np.cumsum([0, *lengths])
    own = np.zeros((n, 1)) if labels is None else labels.numpy()
    ids, counts = np.zeros(offsets[-1], np.int32), np.array(lengths)
    return batching.collate(Features(ids, None, offsets, np.arange(n), own, counts), np.arange(n), torch.device("cpu"))


def fp32() -> Compute:
    """Returns the CPU in float32."""
    return device.start("fp32")


def logits(pretrained: Pretrained, rows: list[Example] | None = None) -> torch.Tensor:
    """Returns the logits of some rows, in eval mode and float32."""
    return torch.from_numpy(inference.answers(pretrained.module, features(pretrained, rows), fp32()))


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Returns a copy of all parameters."""
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def trainable(module: torch.nn.Module) -> set[str]:
    """Returns the names of the parameters that are trained."""
    return {name for name, p in module.named_parameters() if p.requires_grad}


@dataclass
class Record:
    """What a training job said while it ran."""

    losses: list[float]
    lines: list[dict[str, Any]]


class Told(Callback):
    """Keeps the losses of updates, and tells a function of each.

    Args:
        losses: where they are put.
        show: is called with the facts.
    """

    def __init__(self, losses: list[float], show: Show | None = None) -> None:
        self.losses, self.show = losses, show

    def on_update(self, facts: Facts) -> str | None:
        """Keeps the loss; returns what the function returns."""
        self.losses.append(facts.loss)
        return self.show(facts) if self.show else None


def train_config(**fields: Any) -> TrainConfig:
    """Returns settings for three updates an epoch of `examples()`."""
    return TrainConfig(**{"epochs": 1, "batch_size": 8, "warmup": 0, "schedule": "constant", "log_every": 1} | fields)


def job(
    pretrained: Pretrained,
    folder: Path,
    config: TrainConfig | None = None,
    rows: list[Example] | None = None,
    lr: float = 1e-2,
    evaluate: Callable[[], dict[str, float]] = dict,
    show: Show | None = None,
    class_weights: str = "none",
    *,
    phases: Sequence[Phase] = (Phase(),),
) -> tuple[Job, Record]:
    """Returns a training job on a prepared model, and the record that it fills."""
    config, record, task = config or train_config(), Record([], []), Sentiment()
    found = features(pretrained, rows)

    losses = partial(task.losses, smoothing=config.label_smoothing, likelihood=pretrained.module.is_likelihood)
    made = Job(
        model=pretrained.module,
        features=found,
        prefixes=Prefixes(pretrained.module, config),
        weights=task.weights(found, pretrained.labels, class_weights),
        draw=None,
        losses=losses,
        evaluate=evaluate,
        metric="accuracy",
        greater_is_better=True,
        config=config,
        lr=lr,
        row_ids=range(1000, 1000 + len(found.full_lengths)),
        folder=folder,
        phases=phases,
        callbacks=[Told(record.losses, show), Log(record.lines.append, config.log_every)],
        divergences=divergences(pretrained.output) if config.r_drop else None,
    )
    return made, record


def prepared(folder: Path, method: Method, pooling: str = "native", **fields: Any) -> Pretrained:
    """Returns a tiny model that a method has edited."""
    pretrained = load(folder, pooling, **fields)
    torch.manual_seed(2)
    method.prepare(pretrained)
    return pretrained


def phases(method: Method, pretrained: Pretrained, epochs: int) -> Sequence[Phase]:
    """Returns the phases in which a method trains a model that it has prepared."""
    return method.phases(pretrained, epochs) if isinstance(method, Phased) else (Phase(),)


def with_pair(rows: list[Example], text: str = "a good end") -> list[Example]:
    """Returns the rows with a second text each."""
    return [replace(row, text_pair=text) for row in rows]
