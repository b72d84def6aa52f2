"""Training that starts from what a finished run trained: `--model.name runs/a`.

Fully or partially fine-tuned weights are taken as they are. LoRA's updates are added to the weights they stand beside,
once, in RUN/merged. A run that trained a head alone left the pretrained weights as they were.
"""

import dataclasses
import shutil
from pathlib import Path

from nlptl.core import files
from nlptl.core.digest import sha256_of
from nlptl.core.errors import InputError
from nlptl.core.protocols import Merging, Solving
from nlptl.core.recipe import Recipe, chosen_from_dict
from nlptl.engine.device import Compute
from nlptl.models import sentence_folder
from nlptl.models.quiet import quiet
from nlptl.report import console
from nlptl.runs import artifact
from nlptl.runs.folder import CARD, RECIPE

MERGED = "merged"
ORIGIN = "merged_from.json"
"""In RUN/merged: the hash of the nlptl.json whose model was merged."""


def resolved(recipe: Recipe, compute: Compute) -> Recipe:
    """Returns a recipe whose model is a folder of plain weights, if it was a run, and says which.

    Args:
        recipe: as the user gave it; a Hub id or a pretrained model's folder stays.
        compute: the main process writes what is merged.

    Raises:
        InputError: the run is not finished, its model was changed, or has parts that cannot be merged.
    """
    run = Path(recipe.model.name).expanduser()
    if (run / RECIPE).exists() and not (run / "model").is_dir():
        raise InputError(
            f"model.name {recipe.model.name!r} is a run that is not finished, it has no model; nlptl train --resume "
            f"{recipe.model.name} goes on with it"
        )
    model = next((place for place in (run / "model", run) if (place / CARD).is_file()), None)
    if model is None:
        return recipe
    name = compute.from_main(lambda: _plain(model.resolve()))
    return dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, name=name))


def _plain(model: Path) -> str:
    """Returns the folder, or the name on the Hub, of plain weights that hold what an artifact learned."""
    artifact.unchanged_files(model)
    card = artifact.read_card(model)
    method = chosen_from_dict("method", card["method"])
    if method.self_contained:
        return _say(str(model), "starts from its trained weights")
    if isinstance(method, Merging):
        return _say(str(_merged(model, method)), "starts from its weights with LoRA's updates added")
    if isinstance(method, Solving):
        base = str(card["base"]["reference"])
        return _say(base, f"trained a head alone, so this starts from the pretrained {base}")
    raise InputError(
        f"model.name {str(model)!r}: what its method {card['method']['name']} added cannot be merged into the "
        "pretrained weights; train that run with full, partial or lora to start another from it"
    )


def _say(found: str, what: str) -> str:
    console.say("start", f"model.name is a run: {what}")
    return found


def _merged(model: Path, method: Merging) -> Path:
    """Returns the folder of merged weights beside a run's model, written now if there is none of this model."""
    place = model.with_name(MERGED)
    origin = {"nlptl.json": sha256_of(model / CARD)}
    if (place / ORIGIN).exists() and files.read_object(place / ORIGIN, f"delete {place}") == origin:
        return place
    if place.exists() and not (place / ORIGIN).exists():
        raise InputError(f"{place} holds something else than merged weights: move it away")
    pretrained = artifact.load(model)[0]
    aside = files.aside(place)
    shutil.rmtree(aside, ignore_errors=True)
    with quiet():
        method.merge(pretrained)
        pretrained.module.save_net(aside)
        pretrained.tokenizer.save_pretrained(aside)
    sentence_folder.write(pretrained, aside)
    if pretrained.source.licence:
        (aside / "README.md").write_text(f"---\nlicense: {pretrained.source.licence}\n---\n", encoding="utf-8")
    files.write_json(aside / ORIGIN, origin)
    files.replace_folder(place)
    return place
