"""The second half of a run: predictions, scores, baselines, the saved model and its reload check."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nlptl import evaluation
from nlptl.core.errors import InputError
from nlptl.core.finite import refuse_not_finite
from nlptl.core.phases import PhaseDone
from nlptl.core.recipe import Recipe
from nlptl.core.records import Corpus, Features, Finding, Interval, LabelSpace, Prediction, Pretrained, Scores
from nlptl.engine import inference, memory
from nlptl.engine.device import Compute
from nlptl.engine.prefix import Prefixes
from nlptl.runs import artifact, reload_check
from nlptl.runs.advice import advice
from nlptl.runs.folder import Folder

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
    prefixes: Prefixes


@dataclass(frozen=True)
class Trained:
    """What training did."""

    finished: bool
    update: int
    train_s: float
    n_examples: int
    checkpoint_s: float = 0.0
    best_update: int | None = None
    n_skipped: int = 0
    """Updates left out because their loss or gradient was not finite."""
    interrupted: bool = False
    """Whether a signal stopped it."""
    stopped_by: str | None = None
    """The signal that stopped it, or the callback that ended it."""
    phases: Sequence[PhaseDone] = ()
    """What each phase trained, and for how long; none if a method solved for the head."""
    head: dict[str, Any] | None = None
    """What a method that solves for the head chose."""


def deliver(prepared: Prepared, folder: Folder, trained: Trained) -> dict[str, Any]:
    """Evaluates, saves and checks the trained model; returns what belongs into result.json.

    Raises:
        TrainingError: the saved model is not the trained one.
    """
    compute = prepared.compute.evaluating(prepared.recipe.eval.precision)
    evaluated = dataclasses.replace(prepared.recipe.eval, precision=compute.precision)
    recipe = dataclasses.replace(prepared.recipe, eval=evaluated)
    module = prepared.pretrained.module
    splits = [split for split in EVALUATED if split in prepared.features]
    answers = {split: answered(prepared, split, compute) for split in splits}
    if "validation" in answers:
        tune(prepared, answers["validation"])
    predictions = {split: decode(prepared, split, found) for split, found in answers.items()}
    scores = {split: score(prepared, split, found) for split, found in predictions.items()}
    if not prepared.compute.is_main:
        return {}
    for split, rows in predictions.items():
        folder.write_predictions(split, rows, [e.label for e in prepared.corpus.splits[split]])
    primary = "test" if "test" in scores else "validation"
    some = prepared.corpus.splits[primary][: reload_check.N_EXAMPLES]
    alone = inference.answers_alone(module, prepared.recipe.task.encode(some, prepared.pretrained), compute)
    check = folder.place_model(
        lambda place: artifact.save(place, prepared.pretrained, recipe, prepared.corpus.columns),
        lambda place: reload_check.run(place, alone, some, compute.precision),
    )
    simple = prepared.recipe.eval.baselines == "simple"
    baselines = {split: _baselines(prepared, split, predictions[split]) for split in scores if simple}
    facts = training_facts(prepared, trained)
    measured = _measured(prepared, primary, scores, baselines)
    told = verdict(prepared, trained, scores[primary], baselines.get(primary, {}))
    return facts | measured | {"precision": compute.precision, "reload_check": check, "verdict": told}


def answered(prepared: Prepared, split: str, compute: Compute) -> Any:
    """Returns the model's answers for a split: see `inference.answers`."""
    features = prepared.features[split]
    prefix = prepared.prefixes.of(features, compute)
    memory.give_back()  # what the last updates left
    answers = inference.answers(prepared.pretrained.module, features, compute, prefix)
    memory.give_back()
    return answers


def tune(prepared: Prepared, answers: Any) -> None:
    """Sets what is decided on validation, such as thresholds, from the model's answers for it."""
    pretrained, rows = prepared.pretrained, prepared.corpus.splits["validation"]
    found = decode(prepared, "validation", answers)
    pretrained.decision = evaluation.decide(pretrained.output, [e.label for e in rows], found, prepared.labels)


def decode(prepared: Prepared, split: str, answers: Any) -> list[Prediction]:
    """Returns the predictions for a split, one a row."""
    features, examples = prepared.features[split], prepared.corpus.splits[split]
    refuse_not_finite(answers, features, examples)
    return prepared.recipe.task.decode(answers, features, examples, prepared.pretrained)


def score(prepared: Prepared, split: str, predictions: Sequence[Prediction]) -> Scores:
    """Returns the scores of predictions on a split."""
    return _score(prepared, split, predictions, reported(prepared.recipe))


def reported(recipe: Recipe) -> list[str] | None:
    """Returns the names of the metrics that are reported, the primary one among them; None: all of the kind."""
    metric, others = str(recipe.eval.metric), recipe.eval.metrics
    if others is None:
        return None
    return list(dict.fromkeys([*others, metric]))


def values(prepared: Prepared, split: str, predictions: Sequence[Prediction]) -> dict[str, float]:
    """Returns the metrics of predictions on a split without intervals, which would be resampled for nothing."""
    references, only = [e.label for e in prepared.corpus.splits[split]], reported(prepared.recipe)
    found = evaluation.values(prepared.pretrained.output, references, predictions, prepared.labels, only)
    metric = str(prepared.recipe.eval.metric)
    if metric not in found:
        raise InputError(f"eval.metric {metric!r} needs a score for each label, which the task's predictions lack")
    return found


def verdict(prepared: Prepared, trained: Trained, scores: Scores, baselines: dict[str, Any]) -> dict[str, list[Any]]:
    """Returns what is poor about the result, as findings, and what to try; both empty if nothing is."""
    recipe, train = prepared.recipe, prepared.corpus.splits["train"]
    gains = {name: Interval(**baseline["gain"]) for name, baseline in baselines.items()}
    findings = evaluation.verdict(scores, str(recipe.eval.metric), gains)
    if not findings:
        return {"findings": [], "advice": []}
    by_label = Counter(str(e.label) for e in train if scores.confusion)
    parameters = training_facts(prepared, trained)["parameters"]
    hints = advice(
        recipe,
        n_updates=None if trained.head else trained.update,
        best_update=trained.best_update,
        n_by_label=list(by_label.values()),
        n_rows=len(train),
        share=parameters["trainable"] / parameters["total"],
    )
    return {"findings": [dataclasses.asdict(finding) for finding in findings], "advice": hints}


def _score(prepared: Prepared, split: str, predictions: Sequence[Prediction], only: list[str] | None) -> Scores:
    recipe, references = prepared.recipe, [e.label for e in prepared.corpus.splits[split]]
    drawn = {"n_bootstrap": recipe.eval.n_bootstrap, "seed": recipe.train.seed}
    return evaluation.score(prepared.pretrained.output, references, predictions, prepared.labels, only=only, **drawn)


def _baselines(prepared: Prepared, split: str, predictions: Sequence[Prediction]) -> dict[str, Any]:
    recipe, splits, output = prepared.recipe, prepared.corpus.splits, prepared.pretrained.output
    metric, seed, labels = str(recipe.eval.metric), recipe.train.seed, prepared.labels
    references = [e.label for e in splits[split]]
    drawn = {"n_bootstrap": recipe.eval.n_bootstrap, "seed": seed}
    result: dict[str, Any] = {}
    for name, others in evaluation.baseline_predictions(
        output, splits["train"], splits[split], labels, seed=seed
    ).items():
        value = _score(prepared, split, others, [metric]).metrics.get(metric)
        if value is None:  # the metric needs scores, and this baseline gives none
            continue
        gain = evaluation.paired_difference(output, references, predictions, others, labels, metric, **drawn)
        result[name] = {metric: dataclasses.asdict(value), "gain": dataclasses.asdict(gain)}
    return result


def _measured(prepared: Prepared, primary: str, scores: dict[str, Scores], baselines: dict[str, Any]) -> dict[str, Any]:
    metric = str(prepared.recipe.eval.metric)
    return {
        "metrics": {s: {n: dataclasses.asdict(v) for n, v in score.metrics.items()} for s, score in scores.items()},
        "primary": {"name": metric, "split": primary, "value": scores[primary].metrics[metric].value},
        "baselines": baselines,
        "labels": list(prepared.labels.names),
        "decision": prepared.pretrained.decision,
        "per_class": {s: score.per_class for s, score in scores.items()},
        "confusion": {s: score.confusion for s, score in scores.items()},
    }


def training_facts(prepared: Prepared, trained: Trained) -> dict[str, Any]:
    """Returns what result.json says of the training itself."""
    parameters = list(prepared.pretrained.module.parameters())
    n_trainable = sum(p.numel() for p in parameters if p.requires_grad)
    return {
        "parameters": {"total": sum(p.numel() for p in parameters), "trainable": n_trainable},
        "training": {
            "updates": trained.update,
            "best_update": trained.best_update,
            "skipped": trained.n_skipped,
            "stopped_by": trained.stopped_by,
            "phases": [dataclasses.asdict(phase) for phase in trained.phases],
            "head": trained.head,
        },
        "timing": {
            "train_s": trained.train_s,
            "checkpoint_s": trained.checkpoint_s,
            "examples_per_s": trained.n_examples / max(trained.train_s, 1e-9),
        },
        "rows": {split: len(rows) for split, rows in prepared.corpus.splits.items()},
    }
