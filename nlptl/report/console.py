"""What a run says on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nlptl.core import registry
from nlptl.core.bias import Groups, Swaps
from nlptl.core.comparison import Comparison
from nlptl.core.explanation import Explanation
from nlptl.core.ranking import Ranking
from nlptl.core.records import Corpus, Finding, LabelSpace, Pretrained, Scores
from nlptl.core.result import Primary, Result
from nlptl.core.shown import LABEL, shown
from nlptl.core.study import CellDone, StudyRecord
from nlptl.report import bias, comparing, explaining, ranking, studying, tables
from nlptl.report.progress import Plan, progress
from nlptl.report.tables import Tried
from nlptl.report.voice import detail, hushed, is_quiet, is_verbose, note, put, say, speaking, tell, warn

if TYPE_CHECKING:
    from nlptl.core.recipe import Recipe

__all__ = [
    "Plan",
    "Tried",
    "after",
    "before",
    "compared",
    "detail",
    "explained",
    "grouped",
    "hushed",
    "note",
    "progress",
    "ranked",
    "say",
    "scores",
    "speaking",
    "swapped",
    "tuned",
    "warn",
]

MOST_LABELS = 30  # named before training
MOST_PAIRS = 10  # shown in a table, unless verbose
UNEVEN = 3  # times as many rows as the smallest class


def before(
    recipe: "Recipe", corpus: Corpus, labels: LabelSpace, pretrained: Pretrained, findings: Sequence[Finding]
) -> None:
    """Prints what is about to happen, and what the audit found."""
    rows = ", ".join(f"{len(examples):,} {split}" for split, examples in corpus.splits.items())
    columns = ", ".join(f"{role}={shown(repr(name), LABEL)}" for role, name in corpus.columns.items())
    say("data", f"{rows}; columns {columns}")
    if pretrained.kind.names is not None:
        say("labels", _labels(labels))
    source = pretrained.source
    say("model", f"{source.name} from {source.reference}{f', licence {source.licence}' if source.licence else ''}")
    if source.is_non_commercial:
        warn(f"the model's licence, {source.licence}, forbids commercial use, also of what is trained from it")
    parameters = list(pretrained.module.parameters())
    trained, total = sum(p.numel() for p in parameters if p.requires_grad), sum(p.numel() for p in parameters)
    say(
        "method", f"{type(recipe.method).__name__}, {trained:,} of {total:,} parameters trained ({trained / total:.2%})"
    )
    if is_verbose():
        _settings(recipe)
    for text in corpus.notes:
        say("note", text)
    for finding in findings:
        if finding.severity == "warning":
            warn(finding.message)
        else:
            say("audit", finding.message)


def settings(recipe: "Recipe", reasons: Mapping[str, str]) -> None:
    """Prints the settings that were not given, each with its reason."""
    for name, reason in reasons.items():
        part, _, own = name.partition(".")
        chosen = getattr(recipe, part)
        value = getattr(chosen, own) if own else registry.name_of(part, type(chosen))
        say("set", f"{name} {value:g}: {reason}" if isinstance(value, float) else f"{name} {value}: {reason}")


def seed(number: int, n: int, metric: str, value: float) -> None:
    """Prints the outcome of one of several seeds."""
    say("seed", f"{number} of {n}: validation {metric} {value:.4f}")


def trial(name: str, part: int, metric: str, value: float, updates: int, seconds: float) -> None:
    """Prints the outcome of a trial of a search.

    Args:
        name: what was tried.
        part: which rows were held out.
        metric: that judged it.
        value: its value.
        updates: number of updates; 0 if the head was solved for.
        seconds: the trial took.
    """
    how = f"{updates:,} updates" if updates else "solved"
    say("trial", f"{name}, part {part + 1}: {metric} {value:.4f} ({how}, {seconds:.1f} s)")


def tried(metric: str, rows: Sequence[tables.Tried], left_out: Sequence[str]) -> None:
    """Prints what a search compared, and what it did not try to the end."""
    if not is_quiet():
        put(tables.tried(metric, rows))
    for reason in left_out:
        say("left", reason)


def after(folder: Path, result: Result) -> None:
    """Prints the tables of results, the folder, and warnings about poor results.

    Args:
        folder: the run's.
        result: what the run measured.
    """
    if result.status != "succeeded":
        if result.training:
            by, update = result.training.stopped_by, result.training.updates
            tell("stopped", f"by {by} after update {update:,}; go on with nlptl train --resume {folder}")
        return
    if result.primary and not is_quiet():
        put(tables.results(result, result.primary))
        _unbalanced(result, result.primary)
        _classes(result.per_class[result.primary.split], result.confusion[result.primary.split])
    _trained(folder, result)
    _verdict([finding.message for finding in result.verdict.findings])
    if result.verdict.advice:
        say("try", "; or ".join(result.verdict.advice))
    if result.verdict.better:
        warn(f"a baseline is better than this model; for a better one: {result.verdict.better}")


def scores(found: Scores, title: str, findings: Sequence[Finding] = ()) -> None:
    """Prints the scores of one split; the metrics even when quiet, because they are what was asked for.

    Args:
        found: the scores.
        title: what was scored.
        findings: warnings about them.
    """
    put(tables.metrics(found, title))
    if not is_quiet():
        _classes(found.per_class, found.confusion)
    _verdict([finding.message for finding in findings])


def tuned(metric: str, best: Sequence[tuple[str, float]], importance: Mapping[str, float]) -> None:
    """Prints the best settings that a search tried, and how much each field mattered."""
    for name, value in best:
        say("tried", f"{name}: {metric} {value:.4f}")
    if importance:
        say("matters", ", ".join(f"{name} {share:.0%}" for name, share in importance.items()))


def ranked(found: Ranking) -> None:
    """Prints a ranking of pretrained models; the table even when quiet, because it is what was asked for."""
    put(ranking.models(found))
    for name, why in found.left_out.items():
        warn(f"{name} is left out: {why}")
    if not is_quiet():
        put(ranking.details(found))
        say("found", ranking.in_words(found))


def grouped(found: Groups) -> None:
    """Prints the score by group, even when quiet, because it is what was asked for."""
    put(bias.groups(found))
    tell("gap", bias.gap(found))


def swapped(found: Swaps) -> None:
    """Prints what changes when words are swapped, even when quiet."""
    if not found.n:
        tell("swaps", f"none of the {found.n_all:,} rows contains a word of the list")
        return
    put(bias.swaps(found))
    if found.flips and not is_quiet():
        put(bias.flips(found))


def explained(found: Explanation) -> None:
    """Prints a text coloured by what its words add to the prediction, even when quiet; the values if verbose."""
    tell("explain", f"row {found.row_id}: {explaining.heading(found)}")
    columns = ("text",) if found.text_pair is None else ("text", "text_pair")
    for column in columns:
        put(explaining.text(found, column), soft_wrap=True)
        if is_verbose():
            put(explaining.values([word for word in found.words if word.column == column]))
    if found.terms is not None:
        say("note", f"words that the head reads itself (TF-IDF) add {found.terms:+.4f}; they are not in these values")
    unread = sum(word.value is None for word in found.words)
    if unread:
        say("note", f"{unread:,} words were not read, because the text is longer than model.max_length")
    if not found.is_complete:
        warn(f"the values miss their sum by {found.error:+.4f} after {found.n_steps:,} steps: take them as rough")


def compared(found: Comparison) -> None:
    """Prints a comparison of runs; the scores even when quiet, because they are what was asked for."""
    put(comparing.scores(found))
    if is_quiet():
        return
    if len(found.pairs) <= MOST_PAIRS or is_verbose():
        put(comparing.pairs(found.pairs))
    else:
        say("pairs", f"{len(found.pairs)}, too many to show here; --verbose shows them, --output FOLDER writes them")
    put(comparing.costs(found.runs))
    if found.split == "validation":
        say("note", "validation rows also chose the weights that each run kept: test rows compare better")
    say("found", comparing.in_words(found))


def cell(number: int, n_cells: int, name: str) -> None:
    """Prints which run of a study begins."""
    say("run", f"{number} of {n_cells}: {name}")


def cell_done(done: CellDone, metric: str) -> None:
    """Prints how a run of a study ended."""
    if done.score is not None:
        say("done", f"{metric} {done.score.value:.4f}, trained in {done.train_s or 0:.1f} s")
    elif done.status == "failed" and done.reason is not None:
        warn(f"{done.name} failed: {done.reason.splitlines()[0]}")


def studied(found: StudyRecord) -> None:
    """Prints a study: the means over seeds even when quiet, because they are what was asked for."""
    put(studying.scores(found))
    if is_quiet():
        return
    put(studying.costs(found))
    for line in studying.growth(found):
        say("labels", line)
    failed = [done.name for done in found.cells if done.status == "failed"]
    if failed:
        warn(f"failed: {', '.join(failed)}; study.json has the reasons")


def _labels(labels: LabelSpace) -> str:
    more = f", ... ({len(labels.names):,} in all)" if len(labels.names) > MOST_LABELS else ""
    names = ", ".join(shown(name, LABEL) for name in labels.names[:MOST_LABELS])
    return f"{names}{more}{' (ordered)' if labels.values else ''}"


def _settings(recipe: "Recipe") -> None:
    for part in ("model", "train", "eval"):
        settings = vars(getattr(recipe, part)).items()
        say(part, ", ".join(f"{name} {value}" for name, value in settings if value is not None))


def _classes(per_class: Mapping[str, Mapping[str, float]], confusion: Sequence[Sequence[int]]) -> None:
    if len(per_class) > tables.MOST_CLASSES and not is_verbose():
        say("classes", f"{len(per_class)}, too many to show here; --verbose shows them")
        return
    if per_class:
        put(tables.by_class(per_class))
    if confusion and len(confusion) <= tables.MOST_CLASSES:
        put(tables.confusion(confusion, list(per_class)))


def _unbalanced(result: Result, primary: Primary) -> None:
    """Prints macro F1 beside accuracy if some classes have many more rows: accuracy hides the small ones."""
    rows = [row["support"] for row in result.per_class[primary.split].values() if row["support"]]
    macro = result.metrics[primary.split].get("macro_f1")
    if macro and primary.name == "accuracy" and len(rows) > 1 and max(rows) >= UNEVEN * min(rows):
        ends = f"{macro.low:.4f} to {macro.high:.4f}"
        say("also", f"macro_f1 {macro.value:.4f} ({ends}): the classes have {min(rows):,.0f} to {max(rows):,.0f} rows")


def _trained(folder: Path, result: Result) -> None:
    timing, parameters, training = result.timing, result.parameters, result.training
    if parameters:
        say(
            "trained",
            f"{parameters.trainable:,} of {parameters.total:,} parameters in {timing.train_s or 0:.1f} s "
            f"({timing.examples_per_s or 0:.0f} examples/s), peak memory {result.memory.peak_mib or 0:,.0f} MiB, "
            f"artifact {result.artifact_bytes / 2**20:.1f} MiB",
        )
    if training and training.skipped:
        left_out = f"{training.skipped} of {training.updates} updates left out"
        warn(f"{left_out}, their loss or gradient was not finite: rows in metrics.jsonl")
    if check := result.reload_check:
        through = check.sentence_transformers_max_abs_diff
        also = "" if through is None else f", through sentence-transformers {through:.1e}"
        say("reload", f"equal in a fresh process (largest difference {check.max_abs_diff:.1e}{also})")
    say("run", str(folder))


def _verdict(messages: Sequence[str]) -> None:
    for message in messages:
        warn(message)
