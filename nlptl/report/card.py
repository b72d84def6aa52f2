"""The model card: README.md of a run and of its model, with the front matter that the Hub reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from nlptl.core.kinds import Kind
from nlptl.core.records import Interval
from nlptl.core.result import Base, Primary, Result
from nlptl.core.shown import LABEL, shown

MOST_LABELS = 30
"""Named in the card."""
RARE = 10
"""Rows of a class in the split that is reported; of fewer, scores say little."""
LOADS = 'from nlptl import load\n\nload("{repo}").predict(["..."])'


@dataclass(frozen=True)
class Loading:
    """With which library a model loads."""

    library: str
    """The Hub's name for it: transformers, sentence-transformers, peft or nlptl."""
    code: str
    """Without nlptl; empty if only nlptl loads it."""


NLPTL = Loading("nlptl", "")


@dataclass(frozen=True)
class Facts:
    """What a card is made from, beside the result."""

    name: str
    kind: Kind
    recipe: str
    """The settings as YAML, without paths."""
    warnings: Sequence[str]
    """Of the audit."""
    loading: Loading
    repo: str
    """The model's folder, or its name on the Hub."""


def loading(files: Mapping[str, bool], kind: Kind, repo: str) -> Loading:
    """Returns how a model loads.

    Args:
        files: whether its folder has modules.json, config.json, adapter_config.json, config/ and PEFT's own adapters
            ("lora").
        kind: of its answers.
        repo: its folder or its name on the Hub.
    """
    auto, tokens = kind.auto_class, f'tokenizer = AutoTokenizer.from_pretrained("{repo}")'
    if files["modules.json"]:
        code = f'SentenceTransformer("{repo}").encode(["..."])  # logits'
        return Loading("sentence-transformers", f"from sentence_transformers import SentenceTransformer\n\n{code}")
    if files["adapter_config.json"] and files["config"]:
        first = "" if files["lora"] else "import nlptl  # knows the adapters\n"
        names = f"{first}from transformers import AutoConfig, AutoTokenizer, {auto}\n\n"
        config = f'config = AutoConfig.from_pretrained("{repo}", subfolder="config")\n'
        return Loading("peft", f'{names}{config}model = {auto}.from_pretrained("{repo}", config=config)\n{tokens}')
    if files["config.json"] and not files["adapter_config.json"] and not files["head.safetensors"]:
        names = f"from transformers import AutoTokenizer, {auto}\n\n"
        return Loading("transformers", f'{names}model = {auto}.from_pretrained("{repo}")\n{tokens}')
    return NLPTL


def card(result: Result, facts: Facts) -> str:
    """Returns a model card as Markdown with front matter.

    Args:
        result: of a finished run.
        facts: the rest.

    Raises:
        ValueError: the run is not finished.
    """
    if result.primary is None or result.model is None:
        raise ValueError("a card is made of a finished run")
    sections = (
        f"# {_cell(facts.name)}",
        *_about(result, result.model, facts.kind),
        "## Results",
        *_results(result, result.primary),
        "## Limits",
        "\n".join(f"* {line}" for line in _limits(result, result.primary, facts)),
        "## Use",
        _code("python", LOADS.format(repo=facts.repo)),
        *_elsewhere(facts.loading),
        "## Training",
        _training(result),
        _code("yaml", facts.recipe.rstrip()),
    )
    return f"---\n{_front(result, result.primary, facts)}---\n\n" + "\n\n".join(sections) + "\n"


def _front(result: Result, primary: Primary, facts: Facts) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    metrics = [
        EvalResult(
            task_type=facts.kind.pipeline,
            dataset_type="custom",
            dataset_name=f"{primary.split} rows",
            metric_type=name,
            metric_value=round(found.value, 4),
            metric_name=f"{name}, 95 % interval {_span(found)}",
        )
        for name, found in _ordered(result, primary)
    ]
    base = result.model.name if result.model else ""
    data = ModelCardData(
        license=result.model.licence if result.model else None,
        base_model=base if _on_hub(base) else None,  # the Hub finds no local folder
        library_name=facts.loading.library,
        pipeline_tag=facts.kind.pipeline,
        tags=["nlptl", result.task, result.method],
        model_name=facts.name,
        eval_results=metrics,
    )
    return f"{data.to_yaml()}\n"


def _ordered(result: Result, primary: Primary) -> list[tuple[str, Interval]]:
    """Returns the metrics, the primary one first."""
    return sorted(result.metrics[primary.split].items(), key=lambda named: named[0] != primary.name)


def _about(result: Result, base: Base, kind: Kind) -> Iterator[str]:
    rows = f"{result.rows['train']:,} training rows"
    name = base.name if _on_hub(base.name) else PurePath(base.name).name
    how = f"Trained from `{_cell(name)}` by the method {result.method} on {rows}."
    if result.parameters:
        trained, total = result.parameters.trainable, result.parameters.total
        how += f" {trained:,} of {total:,} parameters were trained."
    yield f"Gives {kind.answer} for each row (task {result.task}). {how}"
    names = [f"`{_cell(name)}`" for name in result.labels[:MOST_LABELS]]
    more = len(result.labels) - MOST_LABELS
    if kind.names:
        yield f"{kind.names.capitalize()}: {', '.join(names)}{f' and {more} more' if more > 0 else ''}."


def _results(result: Result, primary: Primary) -> Iterator[str]:
    split, n = primary.split, result.rows[primary.split]
    rows = [(name, f"{found.value:.4f}", _span(found)) for name, found in _ordered(result, primary)]
    yield _table(("metric", f"{split}, {n:,} rows", "95 % interval"), rows)
    if split == "validation":
        yield "There was no test split: these rows also chose the weights, so the scores are a little too good."
    baselines = result.baselines.get(split, {})
    if baselines:
        beside = [
            (name, f"{b.value.value:.4f}", f"{b.gain.value:+.4f} ({_span(b.gain)})") for name, b in baselines.items()
        ]
        yield _table(("baseline", primary.name, "difference to baseline"), beside)
    by_class = result.per_class.get(split, {})
    if 0 < len(by_class) <= MOST_LABELS:
        names = ("precision", "recall", "f1")
        found = [
            (_cell(label), *(f"{own[name]:.4f}" for name in names), f"{own['support']:,.0f}")
            for label, own in by_class.items()
        ]
        yield _table(("label", *names, "rows"), found)


def _limits(result: Result, primary: Primary, facts: Facts) -> Iterator[str]:
    yield from (f"{_plain(finding.message)}." for finding in result.verdict.findings)
    yield from (f"Data: {_plain(warning)}." for warning in facts.warnings)
    rare = [name for name, own in result.per_class.get(primary.split, {}).items() if own["support"] < RARE]
    if rare:
        named = ", ".join(f"`{_cell(name)}`" for name in rare[:MOST_LABELS])
        yield f"Fewer than {RARE} {primary.split} rows, so its scores say little: {named}."
    yield f"Measured on {result.rows[primary.split]:,} {primary.split} rows; on texts of another kind it may do worse."


def _elsewhere(found: Loading) -> Iterator[str]:
    if not found.code:
        yield "Only nlptl loads it."
        return
    yield f"Without `nlptl.load`, through {found.library}:"
    yield _code("python", found.code)


def _training(result: Result) -> str:
    facts = []
    if result.timing.train_s is not None:
        facts.append(f"{result.timing.train_s:,.1f} s of training")
    if result.memory.peak_mib is not None:
        facts.append(f"peak memory {result.memory.peak_mib:,.0f} MiB")
    facts.append(f"seed {result.seed}")
    names = ", ".join(f"{name} {version}" for name, version in result.versions.items() if version)
    return f"{', '.join(facts)}. Versions: {names}."


def _span(found: Interval) -> str:
    return f"{found.low:.4f} to {found.high:.4f}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _cell(text: str) -> str:
    """Returns a text of the user's on one line, without characters that Markdown or HTML would obey."""
    return _plain(text, LABEL).replace("|", "/").replace("`", "'")


def _plain(text: str, most: int | None = None) -> str:
    return shown(text, most).replace("<", "&lt;")


def _on_hub(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/"))
