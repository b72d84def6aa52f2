"""Writes the model card of a finished run: README.md in its folder and in its model."""

import json
from pathlib import Path, PurePath

import yaml

from nlptl.core import files, kinds
from nlptl.core.recipe import Recipe
from nlptl.report import card
from nlptl.report.card import Facts, Loading
from nlptl.runs.folder import AUDIT, Folder

README = "README.md"
PATHS = ("train.cache_dir", "data.train", "data.validation", "data.test", "model.name")
"""Settings that may hold a path, of which the card names the last part."""


def write(folder: Folder) -> None:
    """Writes both cards.

    Args:
        folder: of a finished run.

    Raises:
        InputError: a file of the run is damaged.
        OSError: a card cannot be written.
    """
    result, name = folder.result(), folder.path.resolve().name
    for place, model in ((folder.path, folder.model.name), (folder.model, ".")):
        files.write_text(place / README, card.card(result, facts(folder, name, model)))


def facts(folder: Folder, name: str, repo: str) -> Facts:
    """Returns what the card of a run says.

    Args:
        folder: of a finished run.
        name: the model's.
        repo: the model's folder, or its name on the Hub, as the card's code gives it.
    """
    recipe = folder.recipe()
    kind = kinds.of(recipe.task.output)
    audit = files.read_object(folder.path / AUDIT, "the card names its warnings")
    warnings = [f["message"] for f in audit.get("findings", ()) if f["severity"] == "warning"]  # type: ignore[attr-defined]
    return Facts(name, kind, _settings(recipe), warnings, _loading(folder.model, kind, repo), repo)


def _loading(model: Path, kind: kinds.Kind, repo: str) -> Loading:
    names = ("modules.json", "config.json", "adapter_config.json", "config", "head.safetensors")
    found = {name: (model / name).exists() for name in names}
    adapter = json.loads((model / "adapter_config.json").read_text()) if found["adapter_config.json"] else {}
    return card.loading(found | {"lora": adapter.get("peft_type") == "LORA"}, kind, repo)


def _settings(recipe: Recipe) -> str:
    """Returns the settings that differ from their defaults, as YAML; of paths the last part alone."""
    plain, usual = recipe.to_dict(), Recipe(task=type(recipe.task)(), method=type(recipe.method)()).to_dict()
    kept: dict[str, dict[str, object]] = {}
    for part, fields in plain.items():
        for name, value in fields.items():
            if name == "name" or value != usual[part].get(name):
                path = f"{part}.{name}" in PATHS and isinstance(value, str) and Path(value).is_absolute()
                kept.setdefault(part, {})[name] = PurePath(str(value)).name if path else value
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
