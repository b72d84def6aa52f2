"""The portable model of a run: its weights, and nlptl.json, which says how to use them.

Whoever opens it gets what was trained or an error. nlptl.json holds the sha256 of itself and of every file it needs,
and the names of the trained parameters. A changed file is refused, unless its changes are trusted. Even then no
parameter gets a random value: one that is missing, has another shape or is not finite is refused by name.

The labels are those of nlptl.json: thresholds, BIO tags and the labels of data refer to them. A config.json with
other labels, which people write for other programs, needs --trust-changes; nlptl says that it keeps its own.

README.md is for people to edit: it is not read, and has no hash. Other files are allowed if nothing reads them.
"""

import dataclasses
import json
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from nlptl.core import weights
from nlptl.core.checks import check_types
from nlptl.core.config import ModelConfig
from nlptl.core.digest import sha256_of, sha256_of_value
from nlptl.core.errors import InputError
from nlptl.core.plain import decision_of
from nlptl.core.protocols import Method, Task
from nlptl.core.recipe import Recipe, chosen_from_dict
from nlptl.core.records import LabelSpace, ModelSource, Pretrained
from nlptl.models import declared, opening, sentence_folder, sources
from nlptl.models.plan import Wanted
from nlptl.models.quiet import quiet
from nlptl.runs.folder import CARD

FORMAT, OLDEST = 4, 2
"""Format 3 had no temperature and no abstention; format 2 had no hashes, and no names of trained parameters."""
Card = dict[str, Any]
"""The content of nlptl.json."""
FOR_PEOPLE = {CARD, "README.md"}
"""Files without a hash; nlptl.json holds its own."""
READ_BY_NAME = (
    *("*config*.json", "*token*.json", "*.safetensors", "*.index.json", "vocab.*", "merges.txt", "*.model"),
    declared.MODULES,
)
"""What loading looks for: files that would change the model if somebody put them there."""


class Base(NamedTuple):
    """The pretrained model that an artifact builds on."""

    reference: str
    """Where it was in training: a folder, or its name on the Hub."""
    sha256: str
    """Of its weights."""


def save(folder: Path, pretrained: Pretrained, recipe: Recipe, columns: dict[str, str]) -> None:
    """Writes the artifact.

    Args:
        folder: made if missing.
        pretrained: the trained model.
        recipe: its task and method are recorded.
        columns: of the training data, by role; in new data these names are looked for first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        recipe.method.save(pretrained, folder)
        pretrained.tokenizer.save_pretrained(folder)
    if recipe.method.self_contained:
        sentence_folder.write(pretrained, folder)
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
        "precision": recipe.eval.precision,
        "trained": _trained(pretrained),
        "files": {name: sha256_of(path) for name, path in sorted(_files(folder).items())},
    }
    card["sha256"] = sha256_of_value(card)
    text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / CARD).write_text(text, encoding="utf-8")


def load(folder: Path, *, trust_changes: bool = False) -> tuple[Pretrained, Task, Method, dict[str, str]]:
    """Returns the model, its task and method, and the columns it was trained on.

    Args:
        folder: of the artifact.
        trust_changes: opens it even if files have changed since they were written, and says which.

    Raises:
        InputError: the folder is no artifact, it was changed, a trained parameter is not in its files, or the
            pretrained model it builds on is missing or another one.
    """
    card = read_card(folder)
    hashes = _checked_files(folder, card, trust_changes=trust_changes)
    sources.refuse_code(folder)
    try:
        labels, columns = card["labels"], dict(card["columns"])
        decision = decision_of(card["decision"])
        values = tuple(labels["values"]) if labels["values"] else None
        space = LabelSpace(tuple(labels["names"]), values, labels["mean"], labels["scale"])
        task, method = chosen_from_dict("task", card["task"]), chosen_from_dict("method", card["method"])
        check_types("labels", space)
        config, base = ModelConfig(**card["model"]), Base(str(card["base"]["reference"]), str(card["base"]["sha256"]))
        trained = {name: _shape(text) for name, text in card.get("trained", {}).items()}
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{folder / CARD} is not as nlptl wrote it: {error!r}") from error
    wanted = Wanted(task.output, space)
    if method.self_contained:
        here = dataclasses.replace(config, name=str(folder), revision=None)
        pretrained = opening.open_whole(here, wanted, hashes)
    else:
        pretrained = opening.open_base(config, wanted, _found(base, folder, config))
    method.load(pretrained, folder)
    _check_trained(folder, pretrained, trained)
    _tell_other_labels(folder, pretrained)
    pretrained = dataclasses.replace(pretrained, config=config, decision=decision)
    return pretrained, task, method, columns


def precision(folder: Path) -> str:
    """Returns the number format in which the artifact was evaluated; older ones were in float32."""
    return str(read_card(folder).get("precision", "fp32"))


def unchanged_files(folder: Path) -> list[str]:
    """Returns the names of the artifact's files, without those for people.

    Raises:
        InputError: a file is missing, has changed, or was added where loading would read it.
    """
    card = read_card(folder)
    hashes = _hashes(folder, card)
    if hashes is None:
        return sorted(_files(folder))
    if changes := _changes(folder, card, hashes):
        raise InputError(f"{folder} is not as nlptl wrote it: {'; '.join(changes)}. Take an undamaged copy")
    return sorted(hashes)


def is_read_by_name(name: str) -> bool:
    """Returns whether loading a model would read a file of this name, though nobody lists it."""
    return any(PurePosixPath(name).match(pattern) for pattern in READ_BY_NAME)


def read_card(folder: Path) -> Card:
    """Returns nlptl.json.

    Raises:
        InputError: there is none, or it is of another format.
    """
    if not (folder / CARD).exists():
        raise InputError(f"{folder} has no {CARD}: expected a run's folder or the model/ folder inside one")
    card: Card = sources.read_json(folder / CARD)
    found = card.get("format") if isinstance(card, dict) else None
    if type(found) is not int or not OLDEST <= found <= FORMAT:
        raise InputError(f"{folder / CARD} has format {found!r}, this nlptl reads {OLDEST} to {FORMAT}")
    for kind in ("task", "method"):
        chosen = card.get(kind)
        if not isinstance(chosen, dict):
            raise InputError(f"{folder / CARD} is not as nlptl wrote it: its {kind} is {chosen!r}")
    return card


def _trained(pretrained: Pretrained) -> dict[str, str]:
    """Returns the shapes of the trained parameters by name, such as "2 x 384"."""
    named = pretrained.module.net.named_parameters()
    return {name: " x ".join(map(str, parameter.shape)) for name, parameter in named if parameter.requires_grad}


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(" x ") if size.isdecimal())


def _files(folder: Path) -> dict[str, Path]:
    """Returns the artifact's files by their names inside the folder, without those for people."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path for name, path in found.items() if name not in FOR_PEOPLE}


def _checked_files(folder: Path, card: Card, *, trust_changes: bool) -> dict[str, str]:
    """Returns the files' hashes; empty for an old artifact, which has none to compare with.

    Raises:
        InputError: a file is missing, or has changed and changes are not trusted.
    """
    hashes = _hashes(folder, card)
    if hashes is None:
        return {}
    changes = _changes(folder, card, hashes)
    if changes and not trust_changes:
        raise InputError(
            f"{folder} is not as nlptl wrote it: {'; '.join(changes)}. Take an undamaged copy; if you made the "
            "changes, --trust-changes (trust_changes=True) opens it"
        )
    if changes:
        _tell(f"{folder} is opened with its changes: {'; '.join(changes)}")
    return hashes


def _hashes(folder: Path, card: Card) -> dict[str, str] | None:
    """Returns the hashes of the files that nlptl.json lists, as they are on disk; None for an old artifact."""
    if card["format"] == OLDEST and "sha256" not in card:
        return None
    recorded, present = card.get("files"), _files(folder)
    if not isinstance(recorded, dict):
        raise InputError(f"{folder / CARD} is not as nlptl wrote it: its list of files is {recorded!r}")
    if lacks := sorted(recorded.keys() - present.keys()):
        raise InputError(f"{folder} lacks {', '.join(lacks)}: take a whole copy of the folder")
    return {name: sha256_of(present[name]) for name in recorded}


def _changes(folder: Path, card: Card, hashes: dict[str, str]) -> list[str]:
    """Returns the changed files, in words."""
    recorded, own = card["files"], {name: value for name, value in card.items() if name != "sha256"}
    changed = [name for name in sorted(hashes) if hashes[name] != recorded[name]]
    changed += [CARD] if card.get("sha256") != sha256_of_value(own) else []
    added = [name for name in sorted(_files(folder)) if name not in recorded and is_read_by_name(name)]
    return [f"{name} has changed" for name in changed] + [f"{name} was added" for name in added]


def _found(base: Base, folder: Path, config: ModelConfig) -> ModelSource:
    """Finds the artifact's pretrained model: in the folder that training used, else by its name."""
    tried = []
    for name in dict.fromkeys((base.reference, config.name)):
        try:
            found = sources.find(dataclasses.replace(config, name=name))
        except InputError as error:
            tried.append(str(error))
            continue
        if found.sha256 == base.sha256:
            return found
        tried.append(
            f"{folder} was trained on weights with sha256 {base.sha256[:12]}..., but {found.reference} has "
            f"{found.sha256[:12]}...: the pretrained model has changed"
        )
    raise InputError(
        f"{'; '.join(tried)}. {folder} holds only what was trained: put the pretrained model where it was; or write "
        f"its new place into {CARD}, as the reference of its base, and open with --trust-changes"
    )


def _check_trained(folder: Path, pretrained: Pretrained, recorded: weights.Shapes) -> None:
    """Checks that every trained parameter is in the model and was given its values."""
    found = {name: parameter for name, parameter in pretrained.module.net.named_parameters() if name in recorded}
    weights.refuse_others(folder, {name: tuple(parameter.shape) for name, parameter in found.items()}, recorded)
    weights.refuse_not_finite(folder, found.items())


def _tell_other_labels(folder: Path, pretrained: Pretrained) -> None:
    path = folder / "config.json"
    named = sources.read_json(path).get("id2label") if path.exists() else None
    own = {str(i): name for i, name in (pretrained.module.architecture.id2label or {}).items()}
    if isinstance(named, dict) and named != own:
        _tell(
            f"{path} names the labels {', '.join(map(str, named.values()))}; nlptl goes on with those of {CARD}: "
            f"{', '.join(own.values())}"
        )


def _tell(message: str) -> None:
    from nlptl.report import console  # imports rich, which an artifact without changes does not need

    console.warn(message, stderr=True)  # predictions may go to standard output
