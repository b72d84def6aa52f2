"""The portable model of a run: what was trained, and nlptl.json, which says how to use it."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError
from nlptl.core.protocols import Method, Task
from nlptl.core.recipe import Recipe, chosen_from_dict
from nlptl.core.records import LabelSpace, ModelSource, Pretrained
from nlptl.models import sources
from nlptl.models.loading import Wanted
from nlptl.models.loading import load as load_pretrained
from nlptl.models.quiet import quiet

CARD = "nlptl.json"
FORMAT = 2


def save(folder: Path, pretrained: Pretrained, recipe: Recipe, columns: dict[str, str]) -> None:
    """Writes the artifact.

    Args:
        folder: made if missing.
        pretrained: the trained model.
        recipe: its task and method are recorded.
        columns: of the training data, by role; new data is looked through for these first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        recipe.method.save(pretrained, folder)
        pretrained.tokenizer.save_pretrained(folder)
    source = pretrained.source
    plain = recipe.to_dict()
    card = {
        "format": FORMAT,
        "task": plain["task"],
        "method": plain["method"],
        "model": dataclasses.asdict(pretrained.config),
        "base": {"reference": source.reference, "revision": source.revision, "sha256": source.sha256},
        "labels": dataclasses.asdict(pretrained.labels),
        "decision": pretrained.decision,
        "columns": columns,
    }
    (folder / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")


def load(folder: Path) -> tuple[Pretrained, Task, Method, dict[str, str]]:
    """Returns the model, its task and method, and the columns it was trained on.

    Raises:
        InputError: the folder is no artifact, or the pretrained model it builds on is missing or another one.
    """
    sources.refuse_code(folder)
    card = read_card(folder)
    try:
        labels, columns, decision = card["labels"], dict(card["columns"]), card["decision"]
        values = tuple(labels["values"]) if labels["values"] else None
        space = LabelSpace(tuple(labels["names"]), values, labels["mean"], labels["scale"])
        task, method = chosen_from_dict("task", card["task"]), chosen_from_dict("method", card["method"])
        config = ModelConfig(**card["model"])
        at = str(folder) if method.self_contained else card["base"]["reference"]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder / CARD} is not as nlptl wrote it: {error!r}") from error
    pretrained = load_pretrained(_located(config, at, method), Wanted(task.output, space), seed=0)
    if not method.self_contained:
        _check_base(pretrained.source, card["base"], folder)
    method.load(pretrained, folder)
    pretrained = dataclasses.replace(pretrained, config=config, decision=decision)
    return pretrained, task, method, columns


def read_card(folder: Path) -> dict[str, Any]:
    """Returns nlptl.json, checked for names that would choose code to run.

    Raises:
        InputError: there is none, it is of another format, or it names a class outside nlptl that is not yet imported.
    """
    if not (folder / CARD).exists():
        raise InputError(f"{folder} has no {CARD}: expected a run's folder or the model/ folder inside one")
    card: dict[str, Any] = sources.read_json(folder / CARD)
    found = card.get("format") if isinstance(card, dict) else None
    if found != FORMAT:
        raise InputError(f"{folder / CARD} has format {found!r}, this nlptl reads {FORMAT}")
    for kind in ("task", "method"):
        chosen = card.get(kind)
        if not isinstance(chosen, dict):
            raise InputError(f"{folder / CARD} is not as nlptl wrote it: its {kind} is {chosen!r}")
        module = str(chosen.get("name")).rpartition(".")[0]
        if module and module not in sys.modules:
            raise InputError(
                f"{folder / CARD} names the {kind} {card[kind]['name']!r}: import {module} first, if you trust it"
            )
    return card


def _located(config: ModelConfig, at: str, method: Method) -> ModelConfig:
    revision = None if method.self_contained else config.revision
    return dataclasses.replace(config, name=at, revision=revision)


def _check_base(found: ModelSource, recorded: dict[str, Any], folder: Path) -> None:
    if found.sha256 != recorded["sha256"]:
        raise InputError(
            f"{folder} was trained on weights with sha256 {recorded['sha256'][:12]}..., but {found.reference} "
            f"has {found.sha256[:12]}...: the pretrained model has changed"
        )
