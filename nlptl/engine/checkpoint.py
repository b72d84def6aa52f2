"""Checkpoints: what is trained, the optimizer's state, the position; safetensors and JSON, whole or not at all."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from nlptl.errors import InputError
from nlptl.protocols import Model

WEIGHTS, BEST, OPTIMIZER, PROGRESS = "trained.safetensors", "best.safetensors", "optimizer.safetensors", "progress.json"
Tensors = dict[str, torch.Tensor]


@dataclass
class Progress:
    """How far a run is. Order, dropout and learning rate follow from `update` and the seed, so this is all there is."""

    update: int = 0
    """Updates done."""
    best_score: float | None = None
    best_update: int | None = None
    n_without_gain: int = 0
    """Evaluations since the best."""
    validation: dict[str, float] = field(default_factory=dict)
    """The last evaluation."""
    finished: bool = False
    train_s: float = 0.0
    n_examples: int = 0


def save(
    folder: Path, model: Model, optimizer: torch.optim.Optimizer, progress: Progress, best: Tensors | None
) -> None:
    """Writes a checkpoint beside its place, moves it there once all of it is on disk, and drops the older ones.

    Args:
        folder: its place; replaced if there is one already.
        model: its trainable parameters are written.
        optimizer: its state is written.
        progress: the position.
        best: the best state so far, where one is kept.
    """
    aside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    save_file(_contiguous(trained(model)), aside / WEIGHTS)
    save_file(_optimizer_tensors(optimizer), aside / OPTIMIZER)
    if best is not None:
        save_file(_contiguous(best), aside / BEST)
    (aside / PROGRESS).write_text(json.dumps(asdict(progress), indent=1), encoding="utf-8")
    for path in aside.iterdir():
        _sync(path)
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    _sync(folder.parent)
    clear(folder.parent, but=folder)


def load(folder: Path, model: Model, optimizer: torch.optim.Optimizer) -> tuple[Progress, Tensors | None]:
    """Puts a checkpoint into the model and optimizer; returns its position and the best state so far.

    Raises:
        InputError: it is damaged, or was written by a run that trained other parameters.
    """
    try:
        weights, state = load_file(folder / WEIGHTS), load_file(folder / OPTIMIZER)
        best = load_file(folder / BEST) if (folder / BEST).exists() else None
        progress = Progress(**json.loads((folder / PROGRESS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise InputError(f"the checkpoint {folder} is damaged: {error}") from error
    put(weights, model)
    _restore(optimizer, state)
    return progress, best


def put(state: Tensors, model: Model) -> None:
    """Copies a state into the model's trainable parameters.

    Raises:
        InputError: it has other parameters.
    """
    own = trained(model)
    if state.keys() != own.keys():
        other = sorted(state.keys() ^ own.keys())[:3]
        raise InputError(f"the checkpoint holds other parameters than this run trains, for example {other}")
    for name, tensor in state.items():
        own[name].copy_(tensor)


def clear(folder: Path, but: Path | None = None) -> None:
    """Removes the checkpoints below a folder."""
    for path in folder.glob("update-*"):
        if path != but:
            shutil.rmtree(path, ignore_errors=True)


def latest(folder: Path) -> Path | None:
    """Returns the newest checkpoint below a folder, or None."""
    found = sorted(p for p in folder.glob("update-*") if (p / PROGRESS).exists() and not p.name.endswith(".partial"))
    return found[-1] if found else None


def update_of(folder: Path) -> int:
    """Returns the number of updates done at a checkpoint."""
    return int(folder.name.removeprefix("update-"))


def trained(model: Model) -> Tensors:
    """Returns what is trainable, by name; the tensors are the model's own."""
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}


def _contiguous(tensors: Tensors) -> Tensors:
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> Tensors:
    state = optimizer.state_dict()["state"]
    return {f"{i}.{key}": torch.as_tensor(v).contiguous() for i, values in state.items() for key, v in values.items()}


def _restore(optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    state: dict[int, Tensors] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
