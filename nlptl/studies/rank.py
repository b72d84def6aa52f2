"""`nlptl rank`: which pretrained model suits the data, from one pass of frozen vectors each, without training it."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nlptl import data, evaluation
from nlptl.core import kinds
from nlptl.core.config import DataConfig, ModelConfig
from nlptl.core.errors import InputError
from nlptl.core.protocols import Task
from nlptl.core.ranking import Layer, Ranked, Ranking
from nlptl.core.records import Example, LabelSpace, Prediction, Pretrained
from nlptl.engine import device, layers
from nlptl.evaluation import transferability
from nlptl.models.layers import Layers
from nlptl.models.loading import Wanted, load
from nlptl.runs import artifact
from nlptl.runs.folder import CARD
from nlptl.runs.rows import Framed, Row, Rows

ROWS = 2_000
"""Default of the rows that a ranking reads; more change little, and cost time."""
MIN_ROWS = 10
N_BOOTSTRAP = 1_000
POOLING, POOLED = "mean", ("mean", "cls", "max")


@dataclass(frozen=True)
class Ranks(Framed[Row]):
    """The outcome of a ranking."""

    record: Ranking
    """The models, the best first."""

    @property
    def rows(self) -> Rows[Row]:
        """A row a model and layer: what a probe, neighbours, LogME and the H-score say."""
        models = self.record.models
        return Rows({"model": m.name, **dataclasses.asdict(own)} for m in models for own in m.layers)


@dataclass(frozen=True)
class _Rows:
    """The rows by which models are compared."""

    task: Task
    examples: list[Example]
    labels: LabelSpace
    metric: str
    seed: int

    @property
    def targets(self) -> np.ndarray:
        """Class names, or float64 numbers."""
        named = kinds.of(self.task.output).names is not None
        found: np.ndarray = np.array([e.label for e in self.examples], dtype=object if named else np.float64)
        return found

    @property
    def columns(self) -> np.ndarray:
        """The targets as float64 (n, targets): a column a class, or standardized numbers."""
        targets = self.targets
        if targets.dtype.kind == "f":
            columns = ((targets - targets.mean()) / (targets.std() or 1.0))[:, None]
        else:
            columns = targets[:, None] == np.array(self.labels.names, dtype=object)[None]
        return np.asarray(columns, dtype=np.float64)

    def predictions(self, found: np.ndarray) -> list[Prediction]:
        """Returns what was found for each row as predictions without scores."""
        return [Prediction(e.row_id, answer, {}) for e, answer in zip(self.examples, found.tolist(), strict=True)]

    def value(self, predictions: Sequence[Prediction]) -> float:
        """Returns the metric of predictions."""
        references = [e.label for e in self.examples]
        return evaluation.values(self.task.output, references, predictions, self.labels, [self.metric])[self.metric]


@dataclass(frozen=True)
class _Found:
    name: str
    layers: tuple[Layer, ...]
    best: Layer
    predictions: list[Prediction]
    """Of the probe on the best layer."""
    parameters: int
    licence: str | None
    seconds: float


def rank(
    models: Sequence[str],
    task: Task,
    config: DataConfig,
    *,
    n_rows: int = ROWS,
    metric: str | None = None,
    seed: int = 0,
) -> Ranks:
    """Returns the models, ranked by a cross-validated probe on the best layer of each; only training rows are read.

    Args:
        models: Hub ids, folders, or runs' folders.
        task: whose rows have one label or one number.
        config: of the data.
        n_rows: most rows to read, drawn by the seed.
        metric: to rank by; None for the task's.
        seed: of the rows and folds.

    Raises:
        InputError: the data cannot be read, is too small or of another kind, or no model can be opened.
    """
    if not models:
        raise InputError("expected at least one model to rank: nlptl rank MODEL [MODEL ...] --data.train DATA")
    rows = _rows(task, config, n_rows, metric, seed)
    found, left_out = list[_Found](), dict[str, str]()
    for name in dict.fromkeys(models):
        try:
            found.append(_measured(name, rows))
        except InputError as error:
            left_out[name] = str(error)
    if not found:
        raise InputError("no model can be ranked: " + "; ".join(f"{name}: {why}" for name, why in left_out.items()))
    return Ranks(Ranking(rows.metric, len(rows.examples), tuple(_ranked(found, rows)), left_out))


def _rows(task: Task, config: DataConfig, n_rows: int, metric: str | None, seed: int) -> _Rows:
    kind = kinds.of(task.output)
    if not kind.by_row or (kind.names and not kind.one_name):
        raise InputError(f"nlptl rank compares models by rows with one label or one number, not by {task.output}")
    corpus = data.load(config, task.columns, sample=task.sample, seed=seed)
    examples = corpus.splits["train"]
    if len(examples) > n_rows:
        chosen = np.random.default_rng(seed).permutation(len(examples))[:n_rows]
        examples = [examples[i] for i in sorted(chosen)]
    counts = Counter(e.label for e in examples)
    if len(examples) < MIN_ROWS or (kind.names and sum(n > 1 for n in counts.values()) < 2):
        raise InputError(
            f"the training data has {len(examples)} rows and {len(counts)} labels: too few to compare models; "
            f"expected {MIN_ROWS} rows and two labels with two rows each"
        )
    labels = task.label_space(examples, corpus.label_names)
    evaluation.check(task.output, labels, metric or task.metric, None)
    return _Rows(task, examples, labels, metric or task.metric, seed)


def _measured(name: str, rows: _Rows) -> _Found:
    """Returns what all layers of a model are worth."""
    began = time.perf_counter()
    pretrained = _opened(name, rows)
    module = pretrained.module
    features = rows.task.encode([dataclasses.replace(e, label=None) for e in rows.examples], pretrained)
    compute = device.start("auto")
    module.to(compute.device)
    for parameter in module.parameters():
        parameter.requires_grad_(False)  # the store keeps outputs of frozen layers
    pooling = str(pretrained.config.pooling)
    vectors = layers.vectors(module, Layers(pretrained, pooling if pooling in POOLED else POOLING), features, compute)
    firsts = np.searchsorted(features.example, np.arange(len(rows.examples)))  # of long texts the first window
    pairs = [_layer(i if len(vectors) > 1 else -1, own[firsts], rows) for i, own in enumerate(vectors)]
    sign = 1 if evaluation.greater_is_better(rows.metric) else -1
    best = max(range(len(pairs)), key=lambda i: sign * pairs[i][0].probe)
    return _Found(
        name,
        tuple(layer for layer, _ in pairs),
        pairs[best][0],
        pairs[best][1],
        sum(p.numel() for p in module.backbone.parameters()),
        pretrained.source.licence,
        time.perf_counter() - began,
    )


def _opened(name: str, rows: _Rows) -> Pretrained:
    """Returns a pretrained model, or that of a run."""
    folder = Path(name) / "model" if (Path(name) / "model").is_dir() else Path(name)
    if (folder / CARD).exists():
        return artifact.load(folder)[0]
    wanted = Wanted(rows.task.output, rows.labels, POOLING, rows.task.max_length)
    return load(ModelConfig(name=name), wanted, seed=0)


def _layer(index: int, vectors: np.ndarray, rows: _Rows) -> tuple[Layer, list[Prediction]]:
    targets = rows.targets
    predictions = rows.predictions(transferability.probed(vectors, targets, rows.seed))
    neighbours = rows.predictions(transferability.by_neighbours(vectors, targets, rows.seed))
    h_score = None if targets.dtype.kind == "f" else transferability.h_score(vectors, targets.astype(str))
    log_me = transferability.log_me(vectors, rows.columns)
    return Layer(index, rows.value(predictions), rows.value(neighbours), log_me, h_score), predictions


def _ranked(found: Sequence[_Found], rows: _Rows) -> Iterator[Ranked]:
    """Yields the models, the best first, with the difference to the first."""
    sign = 1 if evaluation.greater_is_better(rows.metric) else -1
    ordered = sorted(found, key=lambda own: -sign * own.best.probe)
    references, drawn = [e.label for e in rows.examples], {"n_bootstrap": N_BOOTSTRAP, "seed": rows.seed}
    kind, labels = rows.task.output, rows.labels
    for own in ordered:
        others, first = own.predictions, ordered[0].predictions
        score = evaluation.score(kind, references, others, labels, only=[rows.metric], **drawn).metrics[rows.metric]
        difference = evaluation.paired_difference(kind, references, others, first, labels, rows.metric, **drawn)
        facts = {f.name: getattr(own, f.name) for f in dataclasses.fields(own) if f.name != "predictions"}
        yield Ranked(**facts, score=score, difference=None if own is ordered[0] else difference)
