"""Everything before training: the data, audited, the model, adapted, and the settings that follow from both."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from nlptl import data, evaluation
from nlptl.core.config import TrainConfig
from nlptl.core.errors import InputError
from nlptl.core.protocols import Reading, Solving
from nlptl.core.recipe import Recipe
from nlptl.core.records import SPLITS, Corpus, Features, Finding, LabelSpace, Pretrained
from nlptl.engine import graphs, r_drop
from nlptl.engine.device import Compute
from nlptl.engine.prefix import Prefixes
from nlptl.models.loading import Wanted
from nlptl.models.loading import load as load_model
from nlptl.report import console
from nlptl.runs import settings
from nlptl.runs.encoding import encode
from nlptl.runs.inputs import IN_MEMORY


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
    reasons: Mapping[str, str]
    """Why the settings that the user left open have their values, by name: "train.lr"."""


def prepare(recipe: Recipe, compute: Compute, given: tuple[Corpus, LabelSpace] | None = None) -> Prepared:
    """Returns the data, audited, and the model, adapted: all that can fail on what the user gave.

    Args:
        recipe: as the user gave it.
        compute: processes, device and number format.
        given: the data and its labels, if they have been read.

    Raises:
        InputError: something given cannot be used.
    """
    corpus, labels = given or read(recipe)
    prepared = adapted(recipe, corpus, labels, compute)
    prepared = dataclasses.replace(prepared, findings=_audited(prepared))
    if compute.is_main:
        console.before(prepared.recipe, corpus, labels, prepared.pretrained, prepared.findings)
        solved = solving(recipe, prepared.pretrained) is not None
        effective = {name: why for name, why in prepared.reasons.items() if not (solved and name.startswith("train."))}
        console.settings(prepared.recipe, effective)
    if recipe.data.audit == "strict":
        data.strict_error(prepared.findings)
    return prepared


def read(recipe: Recipe) -> tuple[Corpus, LabelSpace]:
    """Returns the data and its labels."""
    _refuse_lost_rows(recipe)
    task = recipe.task
    keep = recipe.eval.slices or ()
    corpus = data.load(recipe.data, task.columns, sample=task.sample, seed=recipe.train.seed, keep=keep)
    evaluation.check_decisions(task.output, recipe.eval, len(corpus.splits.get("validation", ())))
    return corpus, task.label_space(corpus.splits["train"], corpus.label_names)


def adapted(
    recipe: Recipe,
    corpus: Corpus,
    labels: LabelSpace,
    compute: Compute,
    features: dict[str, Features] | None = None,
) -> Prepared:
    """Returns the model for a corpus, adapted by the method, with the features of all splits; nothing is audited.

    Args:
        recipe: its open settings are resolved.
        corpus: its splits.
        labels: of its training rows.
        compute: processes, device and number format.
        features: of all splits, if they have been made with this recipe; its settings are then resolved.

    Raises:
        InputError: a setting cannot be used.
    """
    task, method, seed = recipe.task, recipe.method, recipe.train.seed
    wanted = Wanted(task.output, labels, method.default_pooling, task.max_length)
    pretrained = load_model(recipe.model, wanted, seed=seed)
    metric, by_metric = recipe.eval.metric or task.metric, {} if recipe.eval.metric else {"eval.metric": "the task's"}
    evaluation.check(pretrained.output, pretrained.labels, metric, recipe.eval.metrics)
    recipe = dataclasses.replace(recipe, eval=dataclasses.replace(recipe.eval, metric=metric))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # new parameters are drawn from the global random state
        method.prepare(pretrained)
    if isinstance(method, Reading):
        method.read(pretrained, corpus.splits["train"])
    if recipe.train.gradient_checkpointing:
        pretrained.module.recompute()
    pretrained.module.to(compute.device)
    reasons: settings.Reasons = {}
    if features is None:
        recipe, features, reasons = _resolved(recipe, pretrained, corpus)
    _refuse_unusable(recipe, pretrained, features, compute)
    prefixes = Prefixes(pretrained.module, recipe.train)
    return Prepared(recipe, corpus, labels, pretrained, features, [], compute, prefixes, by_metric | reasons)


def _audited(prepared: Prepared) -> list[Finding]:
    corpus, pretrained, task = prepared.corpus, prepared.pretrained, prepared.recipe.task
    lengths = {split: f.full_lengths.tolist() for split, f in prepared.features.items()}
    most = int(pretrained.config.max_length or 0)
    findings = data.audit(corpus, lengths, most, prepared.labels, output=task.output)
    return findings + task.findings(prepared.features, corpus, pretrained)


def _resolved(
    recipe: Recipe, pretrained: Pretrained, corpus: Corpus
) -> tuple[Recipe, dict[str, Features], settings.Reasons]:
    """Returns the recipe without open settings, the features by split, and the reasons for the settings."""
    train = corpus.splits["train"]
    fixed = recipe.model.max_length is not None
    features, by_length = settings.encoded(recipe.task, train, pretrained, fixed=fixed)
    others = {name: encode(recipe.task, rows, pretrained) for name, rows in corpus.splits.items() if name != "train"}
    by_pooling = settings.pooling(recipe.model, pretrained, recipe.method)
    recipe, reasons = settings.resolved(recipe, pretrained, len(train), len(corpus.splits.get("validation", ())))
    return recipe, {"train": features} | others, by_pooling | by_length | reasons


def _refuse_lost_rows(recipe: Recipe) -> None:
    for split in SPLITS:
        source = getattr(recipe.data, split)
        if isinstance(source, str) and source.startswith(IN_MEMORY):
            kind = source.removeprefix(IN_MEMORY)
            raise InputError(
                f"the run's {split} data was a {kind} in memory: give it again, with --data.{split} as a file"
            )


def _refuse_unusable(recipe: Recipe, pretrained: Pretrained, features: dict[str, Features], compute: Compute) -> None:
    """Raises an InputError for settings that would be ignored or fail later, and for splits too small to share."""
    train = recipe.train
    graphs.wanted(train, pretrained.module, compute)
    if "balanced" in (train.class_weights, train.sampling):
        recipe.task.weights(features["train"], pretrained.labels, "balanced")
    unused = ("seeds", "sampling", "label_smoothing", "r_drop", "average")
    if solving(recipe, pretrained) and any(getattr(train, name) != getattr(TrainConfig, name) for name in unused):
        named = ", ".join(f"train.{name}" for name in unused)
        raise InputError(f"this method solves for the head: {named} have no effect")
    if train.seeds > 1 and "validation" not in features:
        raise InputError("train.seeds keeps the model that is best on validation: give --data.validation")
    r_drop.check(train, pretrained.kind, pretrained.module)
    if not pretrained.kind.smooths and train.label_smoothing:
        raise InputError("numbers have no label to smooth: set train.label_smoothing 0")
    for split, found in features.items():
        if len(found) < compute.n_processes:
            raise InputError(f"{split} has {len(found)} rows for {compute.n_processes} processes: start fewer")


def solving(recipe: Recipe, pretrained: Pretrained) -> Solving | None:
    """Returns the recipe's method if it solves for the head of this kind of answers; else None."""
    method = recipe.method
    return method if isinstance(method, Solving) and pretrained.output in method.solves else None
