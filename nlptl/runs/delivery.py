"""The second half of a run: predictions, scores, baselines, the saved model and its reload check."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

from nlptl import evaluation
from nlptl.core.records import Prediction, Pretrained, Scores
from nlptl.core.result import Baseline, Parameters, Primary, Result, Timing, Training, Verdict
from nlptl.engine import inference
from nlptl.runs import artifact, reload_check, scratch
from nlptl.runs.advice import advice, better
from nlptl.runs.answers import answered, decode, reported, tune
from nlptl.runs.encoding import encode
from nlptl.runs.fitting import Trained
from nlptl.runs.folder import Folder
from nlptl.runs.preparing import Prepared

EVALUATED = ("validation", "test")


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
    others = scratch.predictions(prepared, splits, folder.checkpoints)
    if not prepared.compute.is_main:
        return Result("succeeded")
    for split, rows in predictions.items():
        folder.write_predictions(split, rows, [e.label for e in prepared.corpus.splits[split]])
    primary = "test" if "test" in scores else "validation"
    some = prepared.corpus.splits[primary][: reload_check.N_EXAMPLES]
    alone = inference.answers_alone(module, encode(prepared.recipe.task, some, prepared.pretrained), compute)
    check = folder.place_model(
        lambda place: artifact.save(place, prepared.pretrained, recipe, prepared.corpus.columns),
        lambda place: reload_check.run(place, alone, some, compute.precision),
    )
    wanted = [] if prepared.recipe.eval.baselines == "none" else scores
    baselines = {split: _baselines(prepared, split, predictions[split], others.get(split)) for split in wanted}
    measured = _measured(prepared, primary, scores, trained)
    told = verdict(prepared, trained, scores[primary], baselines.get(primary, {}), folder)
    return dataclasses.replace(
        measured, baselines=baselines, precision=compute.precision, reload_check=check, verdict=told
    )


def score(prepared: Prepared, split: str, predictions: Sequence[Prediction]) -> Scores:
    """Returns the scores of predictions on a split."""
    return _score(prepared, split, predictions, reported(prepared.recipe))


def verdict(
    prepared: Prepared, trained: Trained, scores: Scores, baselines: dict[str, Baseline], folder: Folder
) -> Verdict:
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
    command = better(recipe, folder.path, chosen="method" in prepared.reasons)
    worse = evaluation.is_worse(str(recipe.eval.metric), gains)
    return Verdict(tuple(findings), tuple(hints), command if worse else None)


def _score(prepared: Prepared, split: str, predictions: Sequence[Prediction], only: list[str] | None) -> Scores:
    recipe, references = prepared.recipe, [e.label for e in prepared.corpus.splits[split]]
    drawn = {"n_bootstrap": recipe.eval.n_bootstrap, "seed": recipe.train.seed}
    return evaluation.score(prepared.pretrained.output, references, predictions, prepared.labels, only=only, **drawn)


def _baselines(
    prepared: Prepared, split: str, predictions: Sequence[Prediction], untransferred: list[Prediction] | None = None
) -> dict[str, Baseline]:
    recipe, splits, output = prepared.recipe, prepared.corpus.splits, prepared.pretrained.output
    metric, seed, labels = str(recipe.eval.metric), recipe.train.seed, prepared.labels
    references = [e.label for e in splits[split]]
    drawn = {"n_bootstrap": recipe.eval.n_bootstrap, "seed": seed}
    every = evaluation.baseline_predictions(output, splits["train"], splits[split], labels, seed=seed)
    result = {}
    for name, others in (every | ({scratch.NAME: untransferred} if untransferred else {})).items():
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
            seeds=trained.seeds,
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
