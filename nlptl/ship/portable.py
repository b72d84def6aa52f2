"""What of a run goes elsewhere: the artifact and its model card, without paths of this machine."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from nlptl.core.config import DEFAULT_MODEL
from nlptl.core.digest import sha256_of_content, sha256_of_value
from nlptl.core.errors import InputError
from nlptl.core.recipe import chosen_from_dict
from nlptl.models.sources import PACKAGE_SHA256, read_json
from nlptl.report import card as model_card
from nlptl.runs import artifact, card
from nlptl.runs.folder import CARD, RECIPE, Folder

ADAPTER = "adapter_config.json"
"""PEFT's file, which names the pretrained model."""
HERE = re.compile(r'\b(load|from_pretrained|SentenceTransformer)\("\.(?:/(config))?"')
"""Code of a model card that opens the folder in which the card lies, or the configuration inside it."""
Content = Path | bytes
"""A file as it is on disk, or its content if that changes on the way."""


@dataclass(frozen=True)
class Contents:
    """The files that go, by their names in the repository."""

    model: Path
    """The model's folder."""
    files: dict[str, Content]
    not_sent: tuple[str, ...]
    """Files of the folder that do not go: they are no part of the model."""
    base_sha256: str
    """Of the pretrained model's weights."""
    title: str
    """Task and method in words."""
    warnings: tuple[str, ...]


def contents(run: Path, repo: str, base: str | None = None) -> Contents:
    """Returns what goes: the artifact's files and the model card.

    Args:
        run: the run's folder, or the model/ folder of one.
        repo: OWNER/NAME, for the code in the card.
        base: the pretrained model's name on the Hub; None: as training had it.

    Raises:
        InputError: the run is not finished, the folder is no run's, or its artifact was changed.
    """
    model, folder = _finished(run)
    recorded = artifact.read_card(model)
    names = sorted(artifact.unchanged_files(model))
    files: dict[str, Content] = {name: model / name for name in names}
    present = {path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()}
    where = base or _on_hub(recorded)
    files |= _without_paths(model, recorded, names, where)
    readme = _readme(model, folder, repo)
    if readme is not None:
        files[card.README] = readme.encode()
    warnings = [] if readme is not None else [f"{model} has no {card.README}: the repository gets no model card"]
    warnings += [_local_base(recorded)] if where is None and not _is_self_contained(recorded) else []
    warnings += _other_paths(files)
    title = f"{recorded['task'].get('name')} by {recorded['method'].get('name')}"
    left = tuple(sorted(present - files.keys()))
    return Contents(model, files, left, str(recorded["base"]["sha256"]), title, tuple(warnings))


def _finished(run: Path) -> tuple[Path, Folder | None]:
    """Returns the model's folder, and the run that it belongs to if that is there."""
    if not run.is_dir():
        raise InputError(f"there is no run's folder {str(run)!r}")
    place = run.resolve().parent if run.resolve().name == "model" and not (run / RECIPE).exists() else run
    if not (place / RECIPE).exists():
        return run, None
    folder = Folder(place)
    if folder.status() != "succeeded" or not folder.model.is_dir():
        raise InputError(
            f"{run} is not finished (its status is {folder.status() or 'not known'}): only a finished run is pushed; "
            f"nlptl train --resume {place} goes on"
        )
    return (run if place != run else folder.model), folder


def _on_hub(recorded: artifact.Card) -> str | None:
    """Returns the pretrained model's name on the Hub; None if training read it from a folder."""
    base = recorded.get("base", {})
    if base.get("sha256") == PACKAGE_SHA256:
        return DEFAULT_MODEL  # read from a package, which has the same weights
    reference = str(base.get("reference", ""))
    return None if _is_absolute(reference) else reference


def _is_absolute(text: str) -> bool:
    return PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()


def _last_part(text: str) -> str:
    return (PureWindowsPath(text) if PureWindowsPath(text).drive else PurePath(text)).name


def _is_self_contained(recorded: artifact.Card) -> bool:
    return chosen_from_dict("method", recorded["method"]).self_contained


def _local_base(recorded: artifact.Card) -> str:
    name = _last_part(str(recorded["base"]["reference"]))
    return (
        f"this model holds only what was trained, on a pretrained model in the folder {name!r}: elsewhere it opens "
        "only beside a copy of that folder; if the Hub has the same weights, name them: --base OWNER/NAME (base=...)"
    )


def _without_paths(model: Path, recorded: artifact.Card, names: list[str], where: str | None) -> dict[str, Content]:
    """Returns nlptl.json and PEFT's file with the pretrained model's name in place of a path, if that changes them."""
    changed = copy.deepcopy(recorded)
    base, config = changed["base"], changed["model"]
    name = where or _last_part(str(base["reference"]))
    if _is_absolute(str(base["reference"])) or name != base["reference"]:
        base["reference"], base["revision"] = name, None
        config["name"], config["revision"] = name, None
    found: dict[str, Content] = {CARD: model / CARD}
    if ADAPTER in names:
        adapter = read_json(model / ADAPTER)
        if adapter.get("base_model_name_or_path") != name:
            adapter |= {"base_model_name_or_path": name, "revision": base["revision"]}
            found[ADAPTER] = json.dumps(adapter, indent=2, ensure_ascii=False).encode()
            if "files" in changed:
                changed["files"][ADAPTER] = sha256_of_content(found[ADAPTER])
    if changed != recorded:
        if "sha256" in changed:
            changed["sha256"] = sha256_of_value({key: value for key, value in changed.items() if key != "sha256"})
        found[CARD] = json.dumps(changed, indent=1, ensure_ascii=False, allow_nan=False).encode()
    return found


def _readme(model: Path, folder: Folder | None, repo: str) -> str | None:
    """Returns the model card for the repository: made anew if nobody has edited it, else with its code adapted."""
    path = model / card.README
    text = path.read_text(encoding="utf-8") if path.exists() else None
    if folder is not None:
        try:
            result, own = folder.result(), card.facts(folder, folder.path.resolve().name, ".")
            if text in (None, model_card.card(result, own)):
                return model_card.card(result, card.facts(folder, repo.partition("/")[2], repo))
        except (InputError, OSError, ValueError):  # a file beside the model is missing or damaged
            pass
    return None if text is None else HERE.sub(lambda match: _at(match, repo), text)


def _at(match: re.Match[str], repo: str) -> str:
    inside = f', subfolder="{match[2]}"' if match[2] else ""
    return f'{match[1]}("{repo}"{inside}'


def _other_paths(files: dict[str, Content]) -> Iterator[str]:
    """Yields a warning for each setting that names a file or folder of this machine."""
    for name, content in files.items():
        if not PurePosixPath(name).match("*config*.json") and name != CARD:
            continue
        value = json.loads(content) if isinstance(content, bytes) else read_json(content)
        for key, text in _texts(value, ""):
            if len(PurePath(text).parts) > 2 and _is_absolute(text) and Path(text).exists():
                yield f"{name} names a path of this machine, as {key.lstrip('.')}: {text}"


def _texts(value: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, own in value.items():
            yield from _texts(own, f"{key}.{name}")
    elif isinstance(value, list):
        for own in value:
            yield from _texts(own, key)
