"""The second half of a run: predictions, scores, baselines, the saved model and its reload check."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from nlptl import artifact, evaluation, reload_check
from nlptl.engine import checkpoint, inference
from nlptl.engine.device import Compute
from nlptl.folder import Folder
from nlptl.recipe import Recipe
from nlptl.records import Corpus, Features, Finding, LabelSpace, Prediction, Pretrained, Scores

EVALUATED = ("validation", "test")


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before training begins."""

    recipe: Recipe
    """Resolved: learning rate, pooling, length and metric are set."""
    corpus: Corpus
    labels: LabelSpace
    pretrained: Pretrained
    features: dict[str, Features]
    findings: list[Finding]
    compute: Compute


@dataclass(frozen=True)
class Trained:
    """What training did."""

    finished: bool
    update: int
    best_update: int | None
    train_s: float
    n_examples: int
    head: dict[str, Any] | None = None
    """What a method that solves for the head chose."""


def deliver(prepared: Prepared, folder: Folder, trained: Trained) -> dict[str, Any]:
    """Evaluates, saves and checks the trained model; returns what belongs into result.json.

    Raises:
        TrainingError: the saved model is not the trained one.
    """
    exact = prepared.compute.exact()  # what is reported is what the saved weights give anywhere
    module = prepared.pretrained.module
    predictions, scores, all_logits = {}, {}, {}
    for split in (s for s in EVALUATED if s in prepared.features):
        features, examples = prepared.features[split], prepared.corpus.splits[split]
        all_logits[split] = inference.logits(module, features, exact)
        predictions[split] = prepared.recipe.task.decode(all_logits[split], features, examples, prepared.labels)
        scores[split] = score(prepared, split, [p.prediction for p in predictions[split]])
    if not prepared.compute.is_main:
        return {}
    artifact.save(folder.model, prepared.pretrained, prepared.recipe, prepared.corpus.columns)
    for split, rows in predictions.items():
        folder.write_predictions(split, rows)
    primary = "test" if "test" in scores else "validation"
    some = prepared.corpus.splits[primary][: reload_check.N_EXAMPLES]
    check = reload_check.run(folder.path, all_logits[primary][: len(some)], some)
    checkpoint.clear(folder.checkpoints)
    simple = prepared.recipe.eval.baselines == "simple"
    baselines = {split: _baselines(prepared, split, predictions[split]) for split in scores if simple}
    return training_facts(prepared, trained) | _measured(prepared, primary, scores, baselines) | {"reload_check": check}


def score(prepared: Prepared, split: str, predictions: list[str]) -> Scores:
    """Returns the scores of predicted labels on a split."""
    references = [str(e.label) for e in prepared.corpus.splits[split]]
    recipe = prepared.recipe
    return evaluation.score(
        references, predictions, prepared.labels, n_bootstrap=recipe.eval.n_bootstrap, seed=recipe.train.seed
    )


def _baselines(prepared: Prepared, split: str, predictions: list[Prediction]) -> dict[str, Any]:
    recipe, splits = prepared.recipe, prepared.corpus.splits
    metric, references = str(recipe.eval.metric), [str(e.label) for e in splits[split]]
    own = [p.prediction for p in predictions]
    result: dict[str, Any] = {}
    for name, others in evaluation.baselines(
        splits["train"], splits[split], prepared.labels, seed=recipe.train.seed
    ).items():
        gain = evaluation.paired_difference(
            references,
            own,
            others,
            prepared.labels,
            metric,
            n_bootstrap=recipe.eval.n_bootstrap,
            seed=recipe.train.seed,
        )
        value = score(prepared, split, others).metrics[metric]
        result[name] = {metric: dataclasses.asdict(value), "gain": dataclasses.asdict(gain)}
    return result


def _measured(prepared: Prepared, primary: str, scores: dict[str, Scores], baselines: dict[str, Any]) -> dict[str, Any]:
    metric = str(prepared.recipe.eval.metric)
    return {
        "metrics": {s: {n: dataclasses.asdict(v) for n, v in score.metrics.items()} for s, score in scores.items()},
        "primary": {"name": metric, "split": primary, "value": scores[primary].metrics[metric].value},
        "baselines": baselines,
        "labels": list(prepared.labels.names),
        "per_class": {s: score.per_class for s, score in scores.items()},
        "confusion": {s: score.confusion for s, score in scores.items()},
    }


def training_facts(prepared: Prepared, trained: Trained) -> dict[str, Any]:
    """Returns what result.json says of the training itself."""
    parameters = list(prepared.pretrained.module.parameters())
    n_trainable = sum(p.numel() for p in parameters if p.requires_grad)
    return {
        "parameters": {"total": sum(p.numel() for p in parameters), "trainable": n_trainable},
        "training": {"updates": trained.update, "best_update": trained.best_update, "head": trained.head},
        "timing": {"train_s": trained.train_s, "examples_per_s": trained.n_examples / max(trained.train_s, 1e-9)},
        "rows": {split: len(rows) for split, rows in prepared.corpus.splits.items()},
    }
