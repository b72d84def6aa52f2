"""The second half of a run: predictions, scores, baselines, the saved model and its reload check."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nlptl import evaluation
from nlptl.core.errors import InputError
from nlptl.core.finite import refuse_not_finite
from nlptl.core.phases import PhaseDone
from nlptl.core.recipe import Recipe
from nlptl.core.records import Corpus, Features, Finding, LabelSpace, Prediction, Pretrained, Scores
from nlptl.core.result import Baseline, Parameters, Primary, Result, Timing, Training, Verdict
from nlptl.engine import inference, memory
from nlptl.engine.device import Compute
from nlptl.engine.prefix import Prefixes
from nlptl.runs import artifact, reload_check
from nlptl.runs.advice import advice
from nlptl.runs.folder import Folder

EVALUATED = ("validation", "test")


@dataclass(frozen=True)
class Prepared:
    """Everything that is prepared before training."""

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
    """The outcome of training."""

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
    head: dict[str, object] | None = None
    """What a method that solves for the head chose."""


def deliver(prepared: Prepared, folder: Folder, trained: Trained) -> Result:
    """Evaluates, saves and checks the trained model; returns the result, with measurements in the main process.

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
        return Result("succeeded")
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
    measured = _measured(prepared, primary, scores, trained)
    told = verdict(prepared, trained, scores[primary], baselines.get(primary, {}))
    return dataclasses.replace(
        measured, baselines=baselines, precision=compute.precision, reload_check=check, verdict=told
    )


def answered(prepared: Prepared, split: str, compute: Compute) -> np.ndarray:
    """Returns the model's answers for a split: see `inference.answers`."""
    features = prepared.features[split]
    prefix = prepared.prefixes.of(features, compute)
    memory.give_back()  # what the last updates left
    answers = inference.answers(prepared.pretrained.module, features, compute, prefix)
    memory.give_back()
    return answers


def tune(prepared: Prepared, answers: np.ndarray) -> None:
    """Tunes on validation what decisions need, such as thresholds."""
    pretrained, rows = prepared.pretrained, prepared.corpus.splits["validation"]
    found = decode(prepared, "validation", answers)
    pretrained.decision = evaluation.decide(pretrained.output, [e.label for e in rows], found, prepared.labels)


def decode(prepared: Prepared, split: str, answers: np.ndarray) -> list[Prediction]:
    """Returns the predictions for a split, one a row."""
    features, examples = prepared.features[split], prepared.corpus.splits[split]
    refuse_not_finite(answers, features, examples)
    return prepared.recipe.task.decode(answers, features, examples, prepared.pretrained)


def score(prepared: Prepared, split: str, predictions: Sequence[Prediction]) -> Scores:
    """Returns the scores of predictions on a split."""
    return _score(prepared, split, predictions, reported(prepared.recipe))


def reported(recipe: Recipe) -> list[str] | None:
    """Returns the names of the reported metrics, including the primary one; None: all of the kind."""
    metric, others = str(recipe.eval.metric), recipe.eval.metrics
    if others is None:
        return None
    return list(dict.fromkeys([*others, metric]))


def values(prepared: Prepared, split: str, predictions: Sequence[Prediction]) -> dict[str, float]:
    """Returns the metrics of predictions on a split, without intervals."""
    references, only = [e.label for e in prepared.corpus.splits[split]], reported(prepared.recipe)
    found = evaluation.values(prepared.pretrained.output, references, predictions, prepared.labels, only)
    metric = str(prepared.recipe.eval.metric)
    if metric not in found:
        raise InputError(f"eval.metric {metric!r} needs a score for each label, which the task's predictions lack")
    return found


def verdict(prepared: Prepared, trained: Trained, scores: Scores, baselines: dict[str, Baseline]) -> Verdict:
    """Returns warnings about the result, and advice; both empty for a good one."""
    recipe, train = prepared.recipe, prepared.corpus.splits["train"]
    gains = {name: baseline.gain for name, baseline in baselines.items()}
    findings = evaluation.verdict(scores, str(recipe.eval.metric), gains)
    if not findings:
        return Verdict()
    by_label = Counter(str(e.label) for e in train if scores.confusion)
    parameters = _parameters(prepared.pretrained)
    hints = advice(
        recipe,
        n_updates=None if trained.head else trained.update,
        best_update=trained.best_update,
        n_by_label=list(by_label.values()),
        n_rows=len(train),
        share=parameters.trainable / parameters.total,
    )
    return Verdict(tuple(findings), tuple(hints))


def _score(prepared: Prepared, split: str, predictions: Sequence[Prediction], only: list[str] | None) -> Scores:
    recipe, references = prepared.recipe, [e.label for e in prepared.corpus.splits[split]]
    drawn = {"n_bootstrap": recipe.eval.n_bootstrap, "seed": recipe.train.seed}
    return evaluation.score(prepared.pretrained.output, references, predictions, prepared.labels, only=only, **drawn)


def _baselines(prepared: Prepared, split: str, predictions: Sequence[Prediction]) -> dict[str, Baseline]:
    recipe, splits, output = prepared.recipe, prepared.corpus.splits, prepared.pretrained.output
    metric, seed, labels = str(recipe.eval.metric), recipe.train.seed, prepared.labels
    references = [e.label for e in splits[split]]
    drawn = {"n_bootstrap": recipe.eval.n_bootstrap, "seed": seed}
    result = {}
    for name, others in evaluation.baseline_predictions(
        output, splits["train"], splits[split], labels, seed=seed
    ).items():
        value = _score(prepared, split, others, [metric]).metrics.get(metric)
        if value is None:  # the metric needs scores, and this baseline gives none
            continue
        gain = evaluation.paired_difference(output, references, predictions, others, labels, metric, **drawn)
        result[name] = Baseline(metric, value, gain)
    return result


def _measured(prepared: Prepared, primary: str, scores: dict[str, Scores], trained: Trained) -> Result:
    metric = str(prepared.recipe.eval.metric)
    by_class = {split: found.per_class for split, found in scores.items()}
    return dataclasses.replace(
        training_facts(prepared, trained),
        status="succeeded",
        metrics={split: found.metrics for split, found in scores.items()},
        primary=Primary(metric, primary, scores[primary].metrics[metric].value),
        labels=prepared.labels.names,
        decision=prepared.pretrained.decision,
        # support is a count, which result.json has as 12.0
        per_class={s: {n: {k: float(v) for k, v in own.items()} for n, own in t.items()} for s, t in by_class.items()},
        confusion={split: found.confusion for split, found in scores.items()},
    )


def training_facts(prepared: Prepared, trained: Trained) -> Result:
    """Returns what is known of the training itself, as the result of a run that was interrupted after it."""
    return Result(
        "interrupted",
        parameters=_parameters(prepared.pretrained),
        training=Training(
            updates=trained.update,
            best_update=trained.best_update,
            skipped=trained.n_skipped,
            stopped_by=trained.stopped_by,
            phases=tuple(trained.phases),
            head=trained.head,
        ),
        timing=Timing(
            train_s=trained.train_s,
            checkpoint_s=trained.checkpoint_s,
            examples_per_s=trained.n_examples / max(trained.train_s, 1e-9),
        ),
        rows={split: len(rows) for split, rows in prepared.corpus.splits.items()},
    )


def _parameters(pretrained: Pretrained) -> Parameters:
    parameters = list(pretrained.module.parameters())
    return Parameters(sum(p.numel() for p in parameters), sum(p.numel() for p in parameters if p.requires_grad))
